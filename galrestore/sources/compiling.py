"""
How the loops over pixels are compiled.

The machine code is kept beside the module (or in the user's cache where that folder is
read-only), because compiling takes several seconds and a run selects from one mosaic
in each process.  numba looks at the date and size of the module's own file only, so a
compiled function calls no compiled function of another module.  Products and sums are
never fused nor reordered: the same pixels give the same bits.
"""

from numba import njit

__all__ = ["compiled"]


def compiled(function):
    """
    Compile a function of arrays and numbers when it is first called.

    Parameters
    ----------
    function : callable
        Function in numba's language.

    Returns
    -------
    compiled : callable
        Its compiled form, which releases Python's lock and divides by zero as numpy does.
    """
    try:
        return njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # no folder to keep it in
        return njit(nogil=True, error_model="numpy")(function)
