"""Restore Hubble galaxy images to JWST quality.

Stages run one after another, each from files to files: acquire, select, fit,
resample, render, degrade, train, restore, measure, present, check.  Importing the
package is free of heavy dependencies, so that a bare Snakemake installation can
validate settings and build the workflow.
"""

__all__ = ["__version__", "restore_stamps"]

__version__ = "0.1.0"


def restore_stamps(stamps, weights=None, self_ensemble=None):
    """
    Restore stamps of HST galaxies to JWST quality.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images of one galaxy each, best 64 x 64 pixels of 0.05 arcsec with the galaxy on
        pixel (32, 32), counted from 0; in any unit, with any sky level; finite; without
        cosmic rays.
    weights : str or Path, optional
        safetensors file of a network trained by galrestore, or the name of one that
        comes with the package; by default the best of those (``"nafnet"``).
    self_ensemble : bool, optional
        Restore each image in its eight orientations and take the mean, for eight times
        the work; by default for the weights that come with the package, whose scores
        are so, and not for others.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Restored images on the scale of the min-max normalised input, where sky is near
        0 and the peak near 1; not clipped.  The zero point and the scale of the input
        are lost, see `galrestore.networks.inference`.

    Raises
    ------
    ValueError
        If the stamps are not (N, H, W), too small, or have pixels that are not finite.
    InputError
        If the file of weights is missing, broken or foreign.
    """
    from galrestore.networks import inference

    return inference.restore_stamps(stamps, weights, self_ensemble)
