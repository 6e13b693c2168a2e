"""
Stacks of point sources aligned by their known centres, and their widths.

Images are shifted in Fourier space, so that none is interpolated.  Shifts wrap around the
frame; stacks keep the part of it that nothing wrapped into.
"""

from typing import NamedTuple

import numpy as np
import sep
from scipy import fft
from scipy.optimize import least_squares
from scipy.special import erf

from galrestore.synthesis.degradation import FWHM_PER_SIGMA

__all__ = [
    "GaussianFit",
    "aligned",
    "compare_stacks",
    "encircled_energy",
    "fit_gaussian",
    "radius_of_share",
    "ratio_of_widths",
    "stack",
]

# Least width of a fitted Gaussian [pixel].
_LEAST_SIGMA = 0.05
_JACKKNIFE = 20
# Half a diagonal of a pixel, and a little: sep's exact sums begin there [pixel].
_LEAST_RADIUS = 0.75


class GaussianFit(NamedTuple):
    """
    Round Gaussian fitted to the image of a star.

    Attributes
    ----------
    flux : float
        Total flux [unit of the image].
    x, y : float
        Centre [pixel], from the middle pixel.
    fwhm : float
        Full width at half maximum, pixel not included [pixel].
    sky : float
        Level under it [unit of the image].
    """

    flux: float
    x: float
    y: float
    fwhm: float
    sky: float


def aligned(images, x, y, radius):
    """
    Shift images so that their centres fall on one pixel, and cut them.

    Parameters
    ----------
    images : ndarray, shape (N, H, W)
        Images.
    x, y : ndarray of float, shape (N,)
        Known centres, column and row [pixel], 0-based.
    radius : int
        Pixels to keep on each side of the centre.

    Returns
    -------
    cut : ndarray of float64, shape (N, 2 radius + 1, 2 radius + 1)
        Images with the centre in the middle of the middle pixel.

    Raises
    ------
    ValueError
        If an image does not hold that much around its centre: what wraps around would
        come in.
    """
    images = np.asarray(images, dtype=float)
    shape = images.shape[1:]
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    for centre, side in ((y, shape[0]), (x, shape[1])):
        if len(centre) and (centre.min() < radius or centre.max() > side - 1 - radius):
            msg = (
                f"centres from {centre.min():.1f} to {centre.max():.1f} in frames of {side} "
                f"pixels leave less than {radius} pixels around them"
            )
            raise ValueError(msg)
    middle = [side // 2 for side in shape]
    rows = fft.fftfreq(shape[0])[None, :, None] * (middle[0] - y)[:, None, None]
    columns = fft.rfftfreq(shape[1])[None, None, :] * (middle[1] - x)[:, None, None]
    turned = fft.rfft2(images, axes=(1, 2)) * np.exp(-2j * np.pi * (rows + columns))
    shifted = fft.irfft2(turned, shape, axes=(1, 2))
    window = [slice(m - radius, m + radius + 1) for m in middle]
    return shifted[:, window[0], window[1]]


def stack(cut):
    """
    Average aligned stars.

    Parameters
    ----------
    cut : ndarray, shape (N, S, S)
        From `aligned`.

    Returns
    -------
    mean : ndarray of float64, shape (S, S)
        Mean of the images above their skies, of unit sum.  The sky of a star is the median
        of the frame's rim.

    Raises
    ------
    ValueError
        If the mean has no light.
    """
    cut = np.asarray(cut, dtype=float)
    mean = np.mean(cut - _rim(cut)[:, None, None], axis=0)
    light = mean.sum()
    if not light > 0:
        msg = f"{len(cut)} stacked stars have no light above their sky, the sum is {light:g}"
        raise ValueError(msg)
    return mean / light


def _rim(cut):
    edge = np.ones(cut.shape[1:], dtype=bool)
    edge[2:-2, 2:-2] = False
    return np.median(cut[:, edge], axis=1)


def fit_gaussian(image):
    """
    Fit a round, pixel-integrated Gaussian on a constant sky.

    Parameters
    ----------
    image : ndarray, shape (S, S)
        A star near the middle.

    Returns
    -------
    fit : GaussianFit
        The sum of squares is smallest for these values.
    """
    image = np.asarray(image, dtype=float)
    side = len(image)
    edges = np.arange(side + 1) - side // 2 - 0.5

    def profile(centre, sigma):
        return np.diff(erf((edges - centre) / (np.sqrt(2) * sigma))) / 2

    def misfit(p):
        model = p[0] * np.outer(profile(p[2], p[3]), profile(p[1], p[3])) + p[4]
        return (model - image).ravel()

    sky = float(np.median(image))
    flux = float(np.sum(image - sky))
    # Of a Gaussian, half the peak covers 2 pi ln 2 sigma^2.
    area = np.sum(image - sky > (image.max() - sky) / 2)
    sigma = max(np.sqrt(area / (2 * np.pi * np.log(2))), 0.5)
    low = [-np.inf, -3, -3, _LEAST_SIGMA, -np.inf]
    high = [np.inf, 3, 3, side, np.inf]
    start = [flux, 0.0, 0.0, sigma, sky]
    found = least_squares(misfit, start, bounds=(low, high), x_scale=[abs(flux) or 1, 1, 1, 1, 1])
    flux, x, y, sigma, sky = found.x
    return GaussianFit(flux, x, y, sigma * FWHM_PER_SIGMA, sky)


def encircled_energy(image, radii):
    """
    Share of a star's light within circles about the middle pixel.

    Parameters
    ----------
    image : ndarray, shape (S, S)
        A star, its sky removed.
    radii : ndarray of float, shape (M,)
        Radii, rising [pixel]; the last encircles all by definition.

    Returns
    -------
    share : ndarray of float64, shape (M,)
        Exact overlap of circles and pixels; 1 at the last radius.

    Raises
    ------
    ValueError
        If a radius is smaller than 0.75 pixel: sep then counts the whole middle pixel.
    """
    if np.min(radii) < _LEAST_RADIUS:
        msg = f"radii must be {_LEAST_RADIUS} pixel or more, got {np.min(radii):g}"
        raise ValueError(msg)
    image = np.ascontiguousarray(image, dtype=np.float64)
    middle = len(image) // 2
    sums = [sep.sum_circle(image, [middle], [middle], r, subpix=0)[0][0] for r in radii]
    return np.asarray(sums) / sums[-1]


def radius_of_share(radii, share, wanted):
    """
    Return the radius that encircles a share of the light.

    Parameters
    ----------
    radii, share : ndarray of float, shape (M,)
        As in `encircled_energy`.
    wanted : float
        The share.

    Returns
    -------
    radius : float
        Where the curve first passes it, linear in between [pixel].
    """
    first = int(np.argmax(np.asarray(share) >= wanted))
    if first == 0:
        return float(radii[0])
    span = share[first] - share[first - 1]
    part = (wanted - share[first - 1]) / span
    return float(radii[first - 1] + part * (radii[first] - radii[first - 1]))


def ratio_of_widths(restored, truth):
    """
    Compare the width of stacked restored stars with that of the true ones.

    Parameters
    ----------
    restored, truth : ndarray, shape (N, S, S)
        Aligned stars, N >= 2.

    Returns
    -------
    ratio, error : float
        Of the fitted widths, pixel not included, and its standard error by a jackknife
        of twenty (or N) groups of stars.

    References
    ----------
    Efron & Stein (1981), Annals of Statistics 9, 586.
    """
    groups = np.arange(len(truth)) % min(_JACKKNIFE, len(truth))

    def ratio(rows):
        return fit_gaussian(stack(restored[rows])).fwhm / fit_gaussian(stack(truth[rows])).fwhm

    left_out = np.array([ratio(groups != k) for k in np.unique(groups)])
    count = len(left_out)
    error = np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2))
    return float(ratio(slice(None))), float(error)


def compare_stacks(low_quality, restored, truth, radii):
    """
    Compare the stacks of LQ, RS and GT.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, S, S)
        Aligned stars, N >= 2.
    radii : ndarray of float, shape (M,)
        Radii of the encircled energy, rising [pixel].

    Returns
    -------
    row : dict of str to float
        The columns of `STAR_SUMMARY` that compare images.
    stacks : dict of str to ndarray of float64, shape (S, S)
        ``"lq"``, ``"rs"``, ``"gt"``, each of unit sum.
    curves : dict of str to ndarray of float64, shape (M,)
        Their encircled energy.
    """
    stacks = {
        name: stack(cut) for name, cut in (("lq", low_quality), ("rs", restored), ("gt", truth))
    }
    curves = {name: encircled_energy(image, radii) for name, image in stacks.items()}
    row = {f"fwhm_{name}": fit_gaussian(image).fwhm for name, image in stacks.items()}
    for percent in (50, 80):
        for name in ("gt", "rs"):
            radius = radius_of_share(radii, curves[name], percent / 100)
            row[f"r{percent}_{name}"] = radius
    row["ratio"], row["ratio_error"] = ratio_of_widths(restored, truth)
    difference = np.abs(stacks["gt"] - stacks["rs"]).max()
    row["residual"] = float(difference / stacks["gt"].max())
    return row, stacks, curves
