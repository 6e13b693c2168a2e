"""
Stamps on the scale that networks know, cut out of any image.

Where the image has another scale its pixels are drizzled about the source, on the tangent
plane that `galrestore.sources.proxies.stamp_frame` describes; without celestial coordinates
the same works on pixels alone.
"""

from dataclasses import dataclass

import numpy as np

from galrestore.sources.blank import sky_and_noise
from galrestore.sources.cosmic_rays import find_cosmic_rays
from galrestore.sources.padding import fill, noise_correlation
from galrestore.sources.psf import with_pixel
from galrestore.sources.regridding import regrid
from galrestore.sources.stamp_measures import blank_noise
from galrestore.sources.stamps import corner, cut
from galrestore.synthesis.noise import neighbour_correlation

__all__ = ["MOST_BLANK", "OwnStamp", "own_stamp", "pixel_ratio", "stamp_psf"]

# Scales that agree to this are one scale: pixels are then taken as they are.
_SAME_SCALE = 1e-3
# Output pixels around the frame whose light is drizzled too.
_MARGIN = 2
MOST_BLANK = 0.1  # of the pixels of a stamp
# Pixels that share the highest value of a stamp exactly: a peak that was cut off.
_PLATEAU = 3
# As `select` detects by default.
_THRESHOLD, _MINIMUM_AREA = 1.5, 5
# L.A.Cosmic counts electrons; with so many of noise those of the source add nothing to it,
# as where the sky dominates.
_NOISE = 1000.0
# The authors of L.A.Cosmic recommend 5 for HST's undersampled images.
_CONTRAST = 5.0


@dataclass(frozen=True)
class OwnStamp:
    """
    A stamp and what it tells.

    Attributes
    ----------
    image : ndarray of float32, shape (S, S)
        Pixels without blanks, in the image's unit [per pixel of the image].
    filled : ndarray of bool, shape (S, S)
        Pixels that were blank and hold noise now.
    sky, rms : float
        Level and noise of its source-free pixels [unit of the image].
    noise : float
        That rms over the stamp's maximum minus minimum.
    correlation : ndarray of float, shape (9, 9), or None
        Correlation of its noise for lags from -4 to 4 along rows and columns, 1 in the middle;
        None where too few pixels are sky.
    cosmic_rays, saturated : int
        Pixels that look like hits (L.A.Cosmic), and pixels of the image that are saturated.
    problem : str
        Why it cannot be restored: ``"blank"`` (more than a tenth), ``"constant"``; else empty.
    """

    image: np.ndarray
    filled: np.ndarray
    sky: float
    rms: float
    noise: float
    correlation: np.ndarray | None
    cosmic_rays: int
    saturated: int
    problem: str

    @property
    def noise_lag1(self):
        """Mean correlation of the noise between neighbours; NaN where it is not known."""
        return np.nan if self.correlation is None else neighbour_correlation(self.correlation)


def pixel_ratio(image_scale, stamp_scale, keep_pixels=False):
    """
    Return the side of a stamp's pixels.

    Parameters
    ----------
    image_scale, stamp_scale : float
        Scale of the image and scale wanted [arcsec].
    keep_pixels : bool, optional
        Whether the image's own pixels are wanted, whatever their scale.

    Returns
    -------
    ratio : float
        Side of a stamp's pixel [pixel of the image]; exactly 1 where scales agree to 1e-3.
    """
    ratio = stamp_scale / image_scale
    return 1.0 if keep_pixels or abs(ratio - 1) < _SAME_SCALE else ratio


def stamp_psf(star_fwhm, ratio):
    """
    Return the width of stars in a stamp.

    Parameters
    ----------
    star_fwhm : float
        Width of stars at half maximum in the image, pixels included [pixel of the image].
    ratio : float
        As `pixel_ratio` returns it.

    Returns
    -------
    fwhm : float
        The same in the stamp, where drizzling adds the width of its own pixel [pixel].
    """
    return star_fwhm if ratio == 1 else with_pixel(star_fwhm / ratio)


def own_stamp(mosaic, x, y, size, ratio, seed, saturation=np.inf):
    """
    Cut a stamp about a position, and measure what a network has to bear with.

    Parameters
    ----------
    mosaic : galrestore.files.mosaics.Mosaic
        The image.
    x, y : float
        Column and row of the source, 0-based, inside the image [pixel].
    size : int
        Side of the stamp [pixel].
    ratio : float
        As `pixel_ratio` returns it.  Own pixels have the source's pixel at index
        ``size // 2``, drizzled ones the source itself.
    seed : int
        Seed of the run; with the source's pixel it keys the noise that fills blanks.
    saturation : float, optional
        Value from which pixels are saturated [unit of the image].

    Returns
    -------
    stamp : OwnStamp
        The stamp.
    """
    pixels = _around(mosaic, x, y, size, ratio)
    stamp = pixels if ratio == 1 else _drizzled(pixels, x, y, size, ratio)
    blank = np.isnan(stamp)
    sky, rms = _sky(stamp)
    problem = "blank" if blank.mean() > MOST_BLANK else "" if rms > 0 else "constant"
    if problem:
        nan = float("nan")
        return OwnStamp(np.nan_to_num(stamp), blank, sky, rms, nan, None, 0, 0, problem)
    place = int(corner(y, 0)) * mosaic.shape[1] + int(corner(x, 0))
    correlation = noise_correlation(stamp, sky, rms)
    image = fill(stamp, sky, rms, seed, place)
    hits = find_cosmic_rays((image - sky) / rms * _NOISE, _NOISE, blank, contrast=_CONTRAST)
    noise = rms / float(np.ptp(image))
    saturated = _saturated(pixels, saturation)
    hit = int(hits.sum())
    return OwnStamp(image, blank, sky, rms, noise, correlation, hit, saturated, "")


def _around(mosaic, x, y, size, ratio):
    """Pixels of the image that a stamp needs, NaN where there are none."""
    width = size if ratio == 1 else 2 * int(np.ceil((size / 2 + _MARGIN) * ratio)) + 1
    row, column = int(corner(y, width)), int(corner(x, width))
    y0, y1 = max(row, 0), min(row + width, mosaic.shape[0])
    x0, x1 = max(column, 0), min(column + width, mosaic.shape[1])
    science, _, mask = mosaic.window(y0, y1, x0, x1)
    science[mask] = np.nan
    return cut(science, row - y0, column - x0, width, np.nan)


def _drizzled(pixels, x, y, size, ratio):
    rows, columns = np.indices(pixels.shape, dtype=float)
    width = len(pixels)
    offsets = columns + corner(x, width) - x, rows + corner(y, width) - y
    return regrid(pixels, np.isnan(pixels), np.stack(offsets, axis=-1) / ratio + size // 2, size)


def _sky(stamp):
    """Sky and noise, of all pixels where a source leaves too few free."""
    level, rms = sky_and_noise(stamp, _THRESHOLD, _MINIMUM_AREA)
    if rms > 0:
        return float(level), float(rms)
    return tuple(float(value) for value in blank_noise(stamp, np.isfinite(stamp)))


def _saturated(pixels, saturation):
    known = pixels[np.isfinite(pixels)]
    over = int(np.sum(known >= saturation))
    highest = int(np.sum(known == known.max()))
    return max(over, highest if highest >= _PLATEAU else 0)
