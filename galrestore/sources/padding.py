"""
Padding: filling the blank pixels of stamps with noise like the sky's.

White noise is what the paper's own stamps have around them.  Correlated noise follows the
autocorrelation of the sky near the source, and continues the noise that the stamp has
along its rim, so that drizzled stamps show no frame.
"""

import numpy as np
from scipy import fft, ndimage

from galrestore.rng import stream

__all__ = ["fill", "noise_correlation"]

_LAGS = 4  # drizzling correlates pixels that are up to three apart
_SOURCE_SIGMAS = 3.0
_WINGS = 2  # pixels around a source that count as its own
# With fewer pairs of pixels the correlation of white noise scatters by more than 0.1.
_FEWEST = 100
# Conjugate gradients; the nugget keeps smooth noise solvable.
_NUGGET, _ITERATIONS, _ACCURACY = 1e-3, 60, 1e-3


def fill(stamp, level, rms, seed, ident, around=None):
    """
    Fill blank pixels with noise that matches the sky.

    Parameters
    ----------
    stamp : ndarray of float32, shape (S, S)
        Stamp; NaN where blank.
    level, rms : float
        Sky and noise measured around the source [unit of the stamp].
    seed, ident : int
        Seed of the run and id of the object, which key the noise.
    around : ndarray of float32, shape (H, W), optional
        Pixels of the mosaic about the source, sources included, NaN where there are
        none: the noise gets the correlation of their sky.  By default it is white.

    Returns
    -------
    stamp : ndarray of float32, shape (S, S)
        Copy without NaN.
    """
    white = stream(seed, "select.padding", ident).normal(0.0, 1.0, stamp.shape)
    correlation = None if around is None else noise_correlation(around, level, rms)
    noise = white if correlation is None else _continued(stamp, level, rms, correlation, white)
    return np.where(np.isnan(stamp), (level + rms * noise).astype(np.float32), stamp)


def noise_correlation(pixels, level, rms):
    """
    Measure the autocorrelation of the sky between sources.

    Parameters
    ----------
    pixels : ndarray of float, shape (H, W)
        Piece of a mosaic, sources included; NaN where blank.
    level, rms : float
        Sky and its noise [unit of the pixels].

    Returns
    -------
    correlation : ndarray of float, shape (9, 9), or None
        For lags from -4 to 4 along rows and columns, 1 in the middle and 0 in the mean of
        the outermost lags; None if fewer than 100 pixels show sky.
    """
    known = np.isfinite(pixels)
    source = np.where(known, pixels, level) > level + _SOURCE_SIGMAS * rms
    grown = ndimage.binary_dilation(source, np.ones((2 * _WINGS + 1,) * 2, dtype=bool))
    sky = known & ~grown
    if sky.sum() < _FEWEST:
        return None
    values = np.where(sky, pixels, 0.0).astype(float)
    values = np.where(sky, values - values.sum() / sky.sum(), 0.0)
    correlation = np.zeros((2 * _LAGS + 1, 2 * _LAGS + 1))
    for dy in range(_LAGS + 1):
        for dx in range(-_LAGS, _LAGS + 1):
            one, other = _shifted(dy, dx, pixels.shape)
            pairs = np.sum(sky[one] & sky[other])
            mean = np.sum(values[one] * values[other]) / pairs if pairs >= _FEWEST else 0.0
            correlation[_LAGS + dy, _LAGS + dx] = correlation[_LAGS - dy, _LAGS - dx] = mean
    # The wings of galaxies correlate over all lags alike: what is left at the largest ones
    # is theirs.
    outermost = np.ones(correlation.shape, dtype=bool)
    outermost[1:-1, 1:-1] = False
    correlation -= correlation[outermost].mean()
    variance = correlation[_LAGS, _LAGS]
    return correlation / variance if variance > 0 else None


def _shifted(dy, dx, shape):
    """Slices of an image, and of the same image moved by a lag."""
    height, width = shape
    left, right = max(-dx, 0), max(dx, 0)
    one = slice(0, height - dy), slice(left, width - right)
    return one, (slice(dy, height), slice(right, width - left))


def _continued(stamp, level, rms, correlation, white):
    """Noise of unit rms with a correlation, which agrees with the sky at a stamp's rim."""
    blank = np.isnan(stamp)
    seen = (np.where(blank, level, stamp) - level) / rms if rms > 0 else np.zeros(stamp.shape)
    near = ndimage.binary_dilation(blank, np.ones((2 * _LAGS + 1,) * 2, dtype=bool))
    rim = near & ~blank & (np.abs(seen) < _SOURCE_SIGMAS)
    spread = _spreader(correlation, stamp.shape)
    drawn = spread(white, root=True)
    # Simple kriging of the difference between the rim and a field drawn without it.
    weights = _solve(
        lambda v: np.where(rim, spread(v) + _NUGGET * v, 0.0), np.where(rim, seen - drawn, 0.0)
    )
    return drawn + spread(weights)


def _spreader(correlation, shape):
    """Multiplication with the covariance of a periodic field, or with its square root."""
    padded = [size + 2 * _LAGS for size in shape]
    kernel = np.zeros(padded)
    lags = np.arange(-_LAGS, _LAGS + 1)
    kernel[np.ix_(lags, lags)] = correlation
    power = np.maximum(fft.rfft2(kernel).real, 0.0)  # noise may make it negative
    power /= fft.irfft2(power, s=padded)[0, 0]  # unit variance all the same

    def spread(values, root=False):
        factor = np.sqrt(power) if root else power
        spectrum = fft.rfft2(values, s=padded) * factor
        return fft.irfft2(spectrum, s=padded)[: shape[0], : shape[1]]

    return spread


def _solve(multiply, target):
    """Conjugate gradients; sums are numpy's own, whose bits no number of threads changes."""
    solution = np.zeros_like(target)
    residual, direction = target.copy(), target.copy()
    squared = first = np.sum(residual**2)
    for _ in range(_ITERATIONS):
        if squared <= _ACCURACY**2 * first:
            break
        image = multiply(direction)
        step = squared / np.sum(direction * image)
        solution += step * direction
        residual -= step * image
        squared, before = np.sum(residual**2), squared
        direction = residual + squared / before * direction
    return solution
