"""PSFs that the settings of ``fit`` name, read from their images."""

import logging

from galrestore.errors import InputError
from galrestore.files.images import open_image, read_window
from galrestore.sersic.psf import fit_psf

__all__ = ["psf_of_image"]

logger = logging.getLogger(__name__)


def psf_of_image(mosaic, file, gaussians):
    """
    Fit a sum of Gaussians to the image of a mosaic's PSF.

    Parameters
    ----------
    mosaic : str
        Name of the mosaic, for the log.
    file : galrestore.config.fit.PsfFile
        The image.
    gaussians : int
        Number of Gaussians.

    Returns
    -------
    psf : galrestore.sersic.psf.Psf
        The sum, in pixels of the mosaic.

    Raises
    ------
    InputError
        If the image cannot be read or holds no PSF.
    """
    with open_image(file.path, file.hdu) as hdu:
        image = read_window(file.path, hdu, 0, hdu.shape[0], 0, hdu.shape[1])
    try:
        psf = fit_psf(
            image,
            gaussians,
            pixel_integrated=file.pixel_integrated,
            oversampling=file.oversampling,
        )
    except ValueError as error:
        problem = f"extension {file.hdu!r}: {error}"
        raise InputError(file.path, problem, "name the image of a PSF") from error
    logger.info(
        "PSF of %s: FWHM %.3f pixels, within %.3f of its peak and %.3f of its light",
        *(mosaic, psf.fwhm, psf.residual, psf.flux_residual),
    )
    return psf
