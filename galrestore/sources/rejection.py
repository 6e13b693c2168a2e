"""The paper's rejections (sections 3.1 and 3.3), one column each."""

import numpy as np

from galrestore.files.contracts.catalogue import REJECTIONS

__all__ = ["counts", "first_rejections", "local_rejections", "rejection_psf"]


def rejection_psf(telescope, psf_fwhm, settings):
    """
    Return the PSF width that sources are compared with.

    Parameters
    ----------
    telescope : {"hst", "jwst"}
        Whose mosaic it is.
    psf_fwhm : float
        Width of the mosaic's own PSF [pixel].
    settings : galrestore.config.select.Select
        ``jwst_psf_fwhm``.

    Returns
    -------
    fwhm : float
        The mosaic's own for HST; for JWST at least the kernel that will degrade the
        stamps, which works in pixels whatever the pixel scale [pixel].
    """
    return psf_fwhm if telescope == "hst" else max(settings.jwst_psf_fwhm, psf_fwhm)


def local_rejections(table, telescope, settings):
    """
    Decide what can be decided source by source.

    Parameters
    ----------
    table : pandas.DataFrame
        Measured sources: columns of the catalogue from ``star_fwhm`` to
        ``gradient_ratio``, and ``cut_off`` for trimmed profiles.
    telescope : {"hst", "jwst"}
        Whose mosaic it is.
    settings : galrestore.config.select.Select
        Limits.

    Returns
    -------
    columns : dict of str to ndarray of bool, shape (N,)
        ``reject_<name>`` of all rejections but the star locus and offcentre, which
        need all sources.  Sources too wide to be measured are rejected for width
        alone; a value that cannot be measured counts against a source.
    """
    wide = table["stamp_width"].to_numpy() > settings.maximum_width
    smallest = settings.size_factor * table["star_fwhm"].to_numpy()
    hst = telescope == "hst"
    failed = {
        "edge": ~(table["coverage"] >= settings.minimum_coverage),
        "small": ~((table["b"] >= smallest) & (table["r50"] >= smallest)),
        "faint": ~(table["snr"] >= settings.minimum_snr) & hst,
        "noisy": ~(table["noise"] < settings.jwst_maximum_rms) & (not hst),
        "neighbour": ~(table["neighbour_ratio"] <= settings.neighbour_ratio),
        "gradient": ~(table["gradient_ratio"] <= settings.gradient_factor),
        "truncated": table["cut_off"],
    }
    columns = {f"reject_{name}": np.asarray(bad, bool) & ~wide for name, bad in failed.items()}
    return columns | {"reject_width": wide}


def first_rejections(table):
    """
    Name the first rejection that holds.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``reject_<name>`` of all `REJECTIONS`.

    Returns
    -------
    first : ndarray of str, shape (N,)
        Name, in the order of `REJECTIONS`; empty for accepted sources.
    """
    first = np.full(len(table), "", dtype=object)
    for name in reversed(REJECTIONS):
        first[table[f"reject_{name}"].to_numpy(bool)] = name
    return first


def counts(first):
    """
    Count sources by their first rejection.

    Parameters
    ----------
    first : array_like of str, shape (N,)
        As `first_rejections` returns.

    Returns
    -------
    text : str
        Such as ``"130 sources: 20 accepted, 60 faint, 50 small"``.
    """
    first = np.asarray(first, dtype=object)
    parts = [f"{np.sum(first == '')} accepted"]
    parts += [f"{np.sum(first == name)} {name}" for name in REJECTIONS if np.any(first == name)]
    return f"{len(first)} sources: " + ", ".join(parts)
