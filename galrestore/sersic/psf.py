"""
Point spread functions as sums of concentric circular Gaussians.

A Gaussian of the galaxy's expansion convolved with one of the PSF is a Gaussian again,
so such a PSF costs the fit no accuracy, and one pass over the stamp for each Gaussian.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares, nnls
from scipy.special import ndtr

__all__ = ["SIGMA_PER_FWHM", "Psf", "fit_psf", "gaussian_psf"]

SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))

_PIXEL_VARIANCE = 1 / 12
# The enclosed flux counts as much as the brightness of this many pixels at the peak.
_FLUX_WEIGHT = 10.0
_RADII = 24


@dataclass(frozen=True)
class Psf:
    """
    Sum of concentric circular Gaussians, without the pixel.

    Attributes
    ----------
    fractions : tuple of float
        Share of the flux of each Gaussian; they add up to 1.
    sigmas : tuple of float
        Standard deviations [pixel of the stamps]; 0 is a point.
    residual : float
        Largest difference from the image it was fitted to, over the image's peak; 0 for
        PSFs that were not fitted.
    flux_residual : float
        Largest difference of the flux enclosed in a circle, as a fraction of the total.
    centre : tuple of float
        Column and row of the centre in that image [its pixel].
    """

    fractions: tuple[float, ...] = (1.0,)
    sigmas: tuple[float, ...] = (0.0,)
    residual: float = 0.0
    flux_residual: float = 0.0
    centre: tuple[float, float] = (math.nan, math.nan)

    @property
    def terms(self):
        """Fraction and variance of each Gaussian, an ndarray of shape (G, 2)."""
        return np.column_stack([self.fractions, np.square(self.sigmas)])

    @property
    def fwhm(self):
        """Full width at half maximum of the sum, a float [pixel of the stamps]."""
        terms = self.terms[self.terms[:, 1] > 0]
        if len(terms) < len(self.fractions):
            return 0.0
        peaks, low, high = terms[:, 0] / terms[:, 1], 0.0, 3 * max(self.sigmas)
        for _ in range(60):
            middle = (low + high) / 2
            above = peaks @ np.exp(-(middle**2) / (2 * terms[:, 1])) > peaks.sum() / 2
            low, high = (middle, high) if above else (low, middle)
        return 2 * low


def gaussian_psf(fwhm, with_pixel=False):
    """
    Return one Gaussian of given width.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum [pixel]; 0 for no PSF.
    with_pixel : bool, optional
        Whether the width is that of stars in the image, which the pixel has widened; its
        variance of 1/12 is then taken off, as the fit adds it again.

    Returns
    -------
    psf : Psf
        The Gaussian, without the pixel.
    """
    variance = (fwhm * SIGMA_PER_FWHM) ** 2
    if with_pixel:
        variance = max(variance - _PIXEL_VARIANCE, 0.0)
    return Psf(sigmas=(math.sqrt(variance),))


def fit_psf(image, gaussians=3, *, pixel_integrated=True, oversampling=1.0):
    """
    Fit concentric circular Gaussians to the image of a PSF.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        The PSF without background, in any unit; its peak near the star's centre.
    gaussians : int, optional
        Number of Gaussians.
    pixel_integrated : bool, optional
        True if the image's pixels hold the light that fell on them, as in stacked stars and
        effective PSFs: the Gaussians are then integrated over the pixels of the image, and
        what is returned is the PSF in front of the pixels.  False if they are samples of the
        PSF at the pixels' centres.  Either way the fit of a galaxy adds the pixel of its own
        stamp once.
    oversampling : float, optional
        Pixels of the image along one pixel of the stamps.

    Returns
    -------
    psf : Psf
        The sum, its residuals and centre.  Fractions are those of the light in the image:
        wings beyond it are not known.

    Raises
    ------
    ValueError
        If the image is too small, not finite or has no positive sum.

    Notes
    -----
    Least squares on the brightness and, because wings are faint but hold much light, on
    the flux enclosed in circles; widths and centre by Levenberg-Marquardt's method with
    bounds, fractions inside of it by non-negative least squares.
    """
    image = np.asarray(image, dtype=float)
    if image.ndim != 2 or min(image.shape) < 5 or not np.all(np.isfinite(image)):
        msg = f"PSF image of shape {image.shape} must be finite and at least 5 x 5 pixels"
        raise ValueError(msg)
    total = image.sum()
    if total <= 0:
        msg = f"PSF image has the sum {total:g}; it must be positive, without background"
        raise ValueError(msg)
    problem = _Problem(image / total, gaussians, pixel_integrated)
    solution = least_squares(problem.residuals, problem.start(), bounds=problem.bounds())
    fractions, images = problem.solve(solution.x)
    difference = images @ fractions - problem.image
    enclosed = problem.inside @ difference.ravel()
    order = np.argsort(solution.x[2:])
    return Psf(
        fractions=tuple((fractions / fractions.sum())[order].tolist()),
        sigmas=tuple((np.exp(solution.x[2:][order]) / oversampling).tolist()),
        residual=float(np.abs(difference).max() / problem.image.max()),
        flux_residual=float(np.abs(enclosed).max()),
        centre=(float(solution.x[0]), float(solution.x[1])),
    )


class _Problem:
    """Brightness and enclosed flux of Gaussians against those of an image of unit sum."""

    def __init__(self, image, gaussians, pixel_integrated):
        self.image, self.gaussians, self.pixel_integrated = image, gaussians, pixel_integrated
        self.peak = np.unravel_index(np.argmax(image), image.shape)
        rows, columns = np.indices(image.shape)
        distance = np.hypot(rows - self.peak[0], columns - self.peak[1]).ravel()
        self.radii = np.geomspace(1.0, min(image.shape) / 2, _RADII)
        self.inside = (distance <= self.radii[:, None]).astype(float)
        # Core width from the peak, largest from the image.
        self.core = max(math.sqrt(1 / (2 * math.pi * image.max())), 0.4)

    def start(self):
        row, column = self.peak
        widths = self.core * 2.2 ** np.arange(self.gaussians) * 0.9
        upper = self.bounds()[1][2:]
        return np.array([column, row, *np.minimum(np.log(widths), upper - 0.01)])

    def bounds(self):
        row, column = self.peak
        low, high = math.log(0.1), math.log(min(self.image.shape))
        lower = [column - 1.5, row - 1.5, *[low] * self.gaussians]
        upper = [column + 1.5, row + 1.5, *[high] * self.gaussians]
        return np.array(lower), np.array(upper)

    def solve(self, parameters):
        """Return fractions, shape (G,), and the image of each Gaussian, (H, W, G)."""
        images = np.stack(
            [self._draw(*parameters[:2], math.exp(width)) for width in parameters[2:]], axis=-1
        )
        design = self._weighted(images.reshape(-1, self.gaussians))
        # As many equations as unknowns, with the same solution; two Gaussians may be alike.
        normal = design.T @ design
        factor = np.linalg.cholesky(normal + 1e-10 * np.trace(normal) * np.eye(self.gaussians))
        right = design.T @ self._weighted(self.image.reshape(-1, 1))[:, 0]
        return nnls(factor.T, solve_triangular(factor, right, lower=True))[0], images

    def residuals(self, parameters):
        fractions, images = self.solve(parameters)
        return self._weighted((images @ fractions - self.image).reshape(-1, 1))[:, 0]

    def _weighted(self, columns):
        peak = self.image.max()
        flux = self.inside @ columns * math.sqrt(_FLUX_WEIGHT)
        return np.concatenate([columns / peak, flux])

    def _draw(self, x, y, sigma):
        """Draw a round Gaussian of unit flux."""
        return np.outer(
            self._profile(self.image.shape[0], y, sigma),
            self._profile(self.image.shape[1], x, sigma),
        )

    def _profile(self, count, centre, sigma):
        if self.pixel_integrated:
            return np.diff(ndtr((np.arange(count + 1) - 0.5 - centre) / sigma))
        distance = (np.arange(count) - centre) / sigma
        return np.exp(-(distance**2) / 2) / (math.sqrt(2 * math.pi) * sigma)
