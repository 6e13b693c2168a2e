"""
Width of a mosaic's PSF, measured on its own stars.

Two widths are told apart: that of the Gaussian which, integrated over pixels, matches
the core of stars (what models of galaxies and of gradients are made with), and that of
the stars as the mosaic shows them, pixels included (what sizes are compared with).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from galrestore.sources.measurement import FWHM_PER_SIGMA

__all__ = ["PsfWidth", "fit_widths", "measure_psf", "star_side", "with_pixel", "without_pixel"]

# Variance of a pixel, as a square of a width at half maximum.
_PIXEL = FWHM_PER_SIGMA**2 / 12
# The profile of all stars together is a cubic in the square of the radius up to this many
# widths: good to 0.4 per cent of the width of diffraction patterns.
_PROFILE, _DEGREE = 0.8, 3
# Stars are fitted within this many of their widths at half maximum: farther out, the wings
# of a diffraction pattern would widen the Gaussian by a tenth (simulated ACS, NIRCam).
_REACH, _LEAST_REACH = 1.0, 1.5  # widths, pixels
_ROUNDS = 3
_FEWEST = 5
_ITERATIONS = 30
_TOLERANCE = 1e-4
_FARTHEST = 1.0  # of a fitted centre from the barycentre [pixel]
_MAD_TO_SIGMA = 1.4826
_CLIP = 3.0
_MEDIAN_ERROR = 1.2533  # standard error of a median over that of a mean
_PARAMETERS = 4
_LARGEST_LOG = 5.0  # of ln sigma


@dataclass(frozen=True)
class PsfWidth:
    """
    Width of the PSF.

    Attributes
    ----------
    fwhm : float
        Of the Gaussian before it is integrated over pixels [pixel].
    error : float
        Its standard error; NaN if it was not measured [pixel].
    star_fwhm : float
        Of stars at half their maximum in the mosaic, pixels included [pixel].
    stars : int
        Stars behind it; 0 if the stated value was taken.
    """

    fwhm: float
    error: float
    star_fwhm: float
    stars: int


def with_pixel(fwhm):
    """
    Add the pixel to the width of a Gaussian.

    Parameters
    ----------
    fwhm : float
        Width of the Gaussian alone [pixel].

    Returns
    -------
    fwhm : float
        Width of the Gaussian of the same variance as its integral over pixels.
    """
    return float(np.sqrt(fwhm**2 + _PIXEL))


def without_pixel(fwhm):
    """
    Take the pixel out of the width of stars.

    Parameters
    ----------
    fwhm : float
        Width of stars as an image shows them [pixel].

    Returns
    -------
    fwhm : float
        Width of the Gaussian alone, half of that of the stars at least: narrower ones
        cannot be told from a point [pixel].
    """
    return float(np.sqrt(max(fwhm**2 - _PIXEL, fwhm**2 / 4)))


def star_side(star_fwhm):
    """
    Return the side of the stamps that `measure_psf` needs.

    Parameters
    ----------
    star_fwhm : float
        Width of stars as stated [pixel].

    Returns
    -------
    side : int
        Odd; holds the fitted circle of stars twice as wide as stated [pixel].
    """
    return 2 * int(np.ceil(2 * _REACH * star_fwhm)) + 3


def measure_psf(stamps, dx, dy, stated):
    """
    Measure the width of the PSF on stamps of stars.

    Parameters
    ----------
    stamps : ndarray of float, shape (N, S, S)
        Stars above the background, the star's pixel at index S // 2; NaN where blank.
    dx, dy : ndarray of float, shape (N,)
        Barycentre relative to that pixel's centre [pixel].
    stated : float
        Width of stars as stated, pixels included [pixel].

    Returns
    -------
    width : PsfWidth
        Median of the single stars; what is stated if fewer than five can be fitted.
    """
    fwhm = without_pixel(stated)
    fallback = PsfWidth(fwhm, np.nan, float(stated), 0)
    for _ in range(_ROUNDS):
        vectors = _fit(stamps, dx, dy, fwhm) if len(stamps) else np.zeros((0, _PARAMETERS))
        widths = FWHM_PER_SIGMA * np.exp(vectors[:, 2])
        good = np.isfinite(widths)
        if good.sum() < _FEWEST:
            return fallback
        fwhm = float(np.median(widths[good]))
    scatter = _MAD_TO_SIGMA * float(np.median(np.abs(widths[good] - fwhm)))
    error = _MEDIAN_ERROR * scatter / float(np.sqrt(good.sum()))
    # The profile is a mean, so blends and compact galaxies are kept out of it.
    good &= np.abs(widths - fwhm) <= _CLIP * max(scatter, 1e-3 * fwhm)
    at_half = _width_at_half(stamps[good], vectors[good], with_pixel(fwhm))
    return PsfWidth(fwhm, error, at_half, int(good.sum()))


def fit_widths(stamps, dx, dy, fwhm):
    """
    Fit a pixel-integrated round Gaussian to the core of each star.

    Parameters
    ----------
    stamps, dx, dy
        As in `measure_psf`.
    fwhm : float
        Width to start from, which also sets the circle that is fitted [pixel].

    Returns
    -------
    widths : ndarray of float, shape (N,)
        Width of the Gaussian without the pixel [pixel]; NaN where the fit does not
        converge, leaves the star, or lacks pixels.

    Notes
    -----
    Levenberg-Marquardt on all stars at once; parameters are the centre, ln sigma and the
    flux, and the background is taken as known.
    """
    return FWHM_PER_SIGMA * np.exp(_fit(stamps, dx, dy, fwhm)[:, 2])


def _fit(stamps, dx, dy, fwhm):
    """Centre, ln sigma and flux of each star, shape (N, 4); NaN where the fit fails."""
    offsets = np.arange(stamps.shape[1]) - stamps.shape[1] // 2
    circle = np.hypot(offsets[:, None] - dy[:, None, None], offsets - dx[:, None, None])
    used = np.isfinite(stamps) & (circle <= max(_REACH * with_pixel(fwhm), _LEAST_REACH))
    pixels = np.where(used, stamps, 0.0)
    start = np.log(fwhm / FWHM_PER_SIGMA)
    flux = pixels.sum(axis=(1, 2))
    vector = np.column_stack([dx, dy, np.full(len(dx), start), flux]).astype(float)
    vector, converged = _levenberg_marquardt(pixels, used, offsets, vector)
    moved = np.hypot(vector[:, 0] - dx, vector[:, 1] - dy)
    good = converged & (moved < _FARTHEST) & (vector[:, 3] > 0)
    good &= used.sum(axis=(1, 2)) > _PARAMETERS
    good &= np.abs(vector[:, 2]) < _LARGEST_LOG
    return np.where(good[:, None], vector, np.nan)


def _width_at_half(stamps, vectors, fwhm):
    """Width at half maximum of all stars together, each one centred and of unit flux."""
    offsets = np.arange(stamps.shape[1]) - stamps.shape[1] // 2
    x, y, _, flux = (column[:, None, None] for column in vectors.T)
    radius = np.hypot(offsets[:, None] - y, offsets - x) / fwhm
    used = np.isfinite(stamps) & (radius < _PROFILE)
    powers = np.vander(radius[used] ** 2, _DEGREE + 1)
    # Normal equations by einsum: BLAS would give other last bits with other threads.
    curvature = np.einsum("pi,pj->ij", powers, powers)
    slope = np.einsum("pi,p->i", powers, (stamps / flux)[used])
    profile = np.linalg.solve(curvature, slope)
    profile[-1] /= 2
    roots = np.roots(profile)
    roots = roots[(np.abs(roots.imag) < _TOLERANCE) & (roots.real > 0)].real
    inside = roots[roots < _PROFILE**2]
    # Too few or too noisy stars: the Gaussian's own width.
    return 2 * fwhm * float(np.sqrt(inside.min())) if len(inside) else fwhm


def _levenberg_marquardt(pixels, used, offsets, vector):
    damping = np.full(len(vector), 1e-3)
    residual, jacobian = _linearised(pixels, used, offsets, vector)
    chi = np.einsum("np,np->n", residual, residual)
    converged = np.zeros(len(vector), dtype=bool)
    for _ in range(_ITERATIONS):
        curvature = np.einsum("npi,npj->nij", jacobian, jacobian)
        slope = np.einsum("npi,np->ni", jacobian, residual)
        diagonal = np.einsum("nii->ni", curvature)
        # The tiny constant keeps stars without light solvable; they do not converge.
        diagonal += damping[:, None] * diagonal + 1e-30 + 1e-12 * diagonal.max(axis=1)[:, None]
        step = np.linalg.solve(curvature, slope[:, :, None])[:, :, 0]
        step[:, :3] = np.clip(step[:, :3], -0.5, 0.5)
        trial = vector + step
        new_residual, new_jacobian = _linearised(pixels, used, offsets, trial)
        new_chi = np.einsum("np,np->n", new_residual, new_residual)
        better = new_chi <= chi
        converged |= better & (np.abs(step[:, :3]).max(axis=1) < _TOLERANCE)
        vector[better], chi[better] = trial[better], new_chi[better]
        residual[better], jacobian[better] = new_residual[better], new_jacobian[better]
        damping = np.where(better, damping / 5, damping * 10).clip(1e-9, 1e9)
        if converged.all():
            break
    return vector, converged


def _linearised(pixels, used, offsets, vector):
    """Residuals (N, P) of all stars, 0 outside the circle, and their derivatives (N, P, 4)."""
    x, y, log_sigma, flux = (column[:, None] for column in vector.T)
    sigma = np.exp(np.clip(log_sigma, -_LARGEST_LOG, _LARGEST_LOG))
    lines, slopes, widenings = zip(*(_line(offsets, place, sigma) for place in (x, y)), strict=True)
    (gx, gy), (tx, ty), (wx, wy) = lines, slopes, widenings
    shape = (len(vector), -1)
    model = gy[:, :, None] * gx[:, None, :]
    parts = [
        flux[:, :, None] * gy[:, :, None] * tx[:, None, :],
        flux[:, :, None] * ty[:, :, None] * gx[:, None, :],
        flux[:, :, None] * (wy[:, :, None] * gx[:, None, :] + gy[:, :, None] * wx[:, None, :]),
        model,
    ]
    residual = np.where(used, pixels - flux[:, :, None] * model, 0).reshape(shape)
    jacobian = np.stack([np.where(used, part, 0).reshape(shape) for part in parts], axis=2)
    return residual, jacobian


def _line(offsets, place, sigma):
    """Integrate a Gaussian over pixels of one axis; also d/d place and d/d ln sigma of it."""
    edges = np.append(offsets - 0.5, offsets[-1] + 0.5)
    t = (edges - place) / sigma
    density = np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi)
    integral = np.diff(erf(t / np.sqrt(2)), axis=1) / 2
    return integral, -np.diff(density, axis=1) / sigma, -np.diff(t * density, axis=1)
