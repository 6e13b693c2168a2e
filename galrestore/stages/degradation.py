"""Blur and noise as the settings of ``degrade`` ask for, read from files where they name any."""

import logging

import numpy as np

from galrestore.errors import InputError
from galrestore.files.images import celestial_wcs, open_image, read_window, wcs_scale
from galrestore.sersic.psf import fit_psf
from galrestore.synthesis.degradation import gaussian_kernel
from galrestore.synthesis.noise import amplitudes, cosmos_correlation, sky_correlation
from galrestore.synthesis.psf import kernel_from_image

__all__ = ["fitted_psf", "noise_correlation", "psf_kernel"]

logger = logging.getLogger(__name__)


def psf_kernel(settings):
    """
    Return the kernel that blurs GT.

    Parameters
    ----------
    settings : Degrade
        Settings of the stage.

    Returns
    -------
    kernel : ndarray of float64, shape (size,) or (size, size)
        One axis of the Gaussian, or the kernel of a PSF image; of unit sum.

    Raises
    ------
    InputError
        If the PSF image cannot be read, holds no PSF, or is smaller than the kernel.
    """
    given = settings.psf_image
    if given is None:
        return gaussian_kernel(settings.psf_fwhm, settings.kernel_size)
    with open_image(given.path, given.hdu) as hdu:
        image = _whole(given.path, hdu)
        wcs = celestial_wcs(given.path, hdu) if given.pixel_scale is None else None
    if given.pixel_scale is None and wcs is None:
        remedy = "give degrade.psf_image.pixel_scale"
        raise InputError(given.path, f"extension {given.hdu!r} has no celestial WCS", remedy)
    scale = given.pixel_scale or wcs_scale(wcs)
    try:
        kernel, enclosed = kernel_from_image(
            image, settings.kernel_size, settings.pixel_scale / scale
        )
    except ValueError as error:
        raise InputError(given.path, f"extension {given.hdu!r}: {error}") from error
    logger.info(
        "kernel of %d pixels of %g arcsec from %s (%.4g arcsec a pixel), with %.1f%% of its light",
        settings.kernel_size,
        settings.pixel_scale,
        given.path,
        scale,
        100 * enclosed,
    )
    return kernel


def fitted_psf(settings, gaussians):
    """
    Return the PSF of LQ for the fit of a profile.

    Parameters
    ----------
    settings : Degrade
        Settings of the stage.
    gaussians : int
        Gaussians fitted to the kernel of a PSF image.

    Returns
    -------
    psf : float or Psf
        FWHM of the Gaussian [pixel], or a sum of Gaussians: that of the kernel that blurs
        GT, whose pixels hold samples.

    Raises
    ------
    InputError
        If the PSF image cannot be read, holds no PSF, or is smaller than the kernel.
    """
    if settings.psf_image is None:
        return settings.psf_fwhm
    return fit_psf(psf_kernel(settings), gaussians, pixel_integrated=False)


def noise_correlation(settings, shape):
    """
    Return the correlation of the noise of LQ.

    Parameters
    ----------
    settings : Degrade
        Settings of the stage.
    shape : tuple of int
        Rows and columns of the images [pixel].

    Returns
    -------
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1), or None
        Correlation at lags of -L to L pixels; None for white noise.

    Raises
    ------
    InputError
        If the image it is taken from cannot be read, or is no such image.
    """
    if settings.noise == "white":
        return None
    if settings.noise == "cosmos":
        return cosmos_correlation(settings.pixel_scale, settings.noise_lags)
    given = settings.noise_image
    with open_image(given.path, given.hdu) as hdu:
        image = _whole(given.path, hdu).astype(float)
    try:
        if settings.noise == "sky":
            image = sky_correlation(image, settings.noise_lags)
        amplitudes(image, shape)
    except ValueError as error:
        raise InputError(given.path, f"extension {given.hdu!r}: {error}") from error
    middle = tuple(np.array(image.shape) // 2)
    return image / image[middle]


def _whole(path, hdu):
    return read_window(path, hdu, 0, hdu.shape[0], 0, hdu.shape[1])
