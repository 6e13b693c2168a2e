"""
Noise fields of unit variance, white or correlated.

Drizzled images share noise between pixels.  A correlated field is white noise filtered
by the root of a power spectrum, on a grid that is periodic beyond the longest lag, so
that each pixel has unit variance and neighbours the correlation asked for.  The rms of
noise is always that of single pixels.
"""

import numpy as np
from scipy import fft

from galrestore.rng import stream

__all__ = [
    "amplitudes",
    "cosmos_correlation",
    "covariance_of_sums",
    "draw_fields",
    "neighbour_correlation",
    "sky_correlation",
]

# Share of negative power that may be cut: lags cut off and errors of measured correlations.
_MOST_NEGATIVE = 0.05
# Sky is what lies within this many robust standard deviations; three rounds settle it.
_CLIP, _ROUNDS = 4.0, 3
_MAD = 1.4826
_FEWEST = 1000


def draw_fields(shape, ids, seed, spectrum=None):
    """
    Draw the noise of each object.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    ids : ndarray of int64, shape (N,)
        Objects; they key the noise.
    seed : int
        Seed of the run.
    spectrum : ndarray of float64, optional
        From `amplitudes` for this shape; by default the noise is white.

    Returns
    -------
    fields : ndarray of float64, shape (N, H, W)
        Gaussian noise, unit variance in each pixel.
    """
    grid = shape if spectrum is None else spectrum.shape
    fields = np.empty((len(ids), *shape))
    for field, ident in zip(fields, ids, strict=True):
        white = stream(seed, "degrade.noise", ident).standard_normal(grid)
        if spectrum is not None:
            # One by one: what a field is must not depend on its company.
            white = fft.ifft2(fft.fft2(white) * spectrum).real
        field[:] = white[: shape[0], : shape[1]]
    return fields


def amplitudes(correlation, shape):
    """
    Turn a correlation function into the filter of white noise.

    Parameters
    ----------
    correlation : ndarray of float, shape (2 L + 1, 2 L + 1)
        Correlation at lags of -L to L rows and columns, in any unit; its middle is the
        variance.
    shape : tuple of int
        Rows and columns of the fields to filter.

    Returns
    -------
    spectrum : ndarray of float64, shape (>= H + L, >= W + L)
        Root of the power spectrum, of unit mean square.

    Raises
    ------
    ValueError
        If the sides are even, a lag is not finite, the middle is not the largest, or if
        no noise has this correlation: its power is negative at some frequencies.
    """
    correlation = np.asarray(correlation, dtype=float)
    if correlation.ndim != 2 or correlation.shape[0] % 2 == 0 or correlation.shape[1] % 2 == 0:
        msg = f"a correlation needs odd sides, got shape {correlation.shape}"
        raise ValueError(msg)
    reach = np.array(correlation.shape) // 2
    middle = correlation[tuple(reach)]
    if not (np.isfinite(correlation).all() and middle > 0 and np.abs(correlation).max() <= middle):
        msg = f"a correlation is largest at lag 0, got {middle:g} there"
        raise ValueError(msg)
    # Lags of both signs are one number.
    correlation = (correlation + correlation[::-1, ::-1]) / (2 * middle)
    grid = [fft.next_fast_len(int(n + r)) for n, r in zip(shape, reach, strict=True)]
    grid = [max(n, 2 * int(r) + 1) for n, r in zip(grid, reach, strict=True)]
    periodic = np.zeros(grid)
    periodic[: correlation.shape[0], : correlation.shape[1]] = correlation
    power = fft.fft2(np.roll(periodic, tuple(-reach), axis=(0, 1))).real
    negative = -power[power < 0].sum() / np.abs(power).sum()
    if negative > _MOST_NEGATIVE:
        msg = f"no noise has this correlation: {negative:.0%} of its power is negative"
        raise ValueError(msg)
    power = np.maximum(power, 0)
    return np.sqrt(power / power.mean())


def covariance_of_sums(weights, correlation):
    """
    Return the covariance of weighted sums of the same pixels under correlated noise.

    Parameters
    ----------
    weights : ndarray of float, shape (S, H, W)
        Weights of each sum, in units of each pixel's noise; 0 where a pixel takes no part.
    correlation : ndarray of float64, shape (2 L + 1, 2 L + 1)
        Correlation of the noise at lags of -L to L rows and columns, 1 in the middle.

    Returns
    -------
    covariance : ndarray of float64, shape (S, S)
        For white noise the sums of products of the weights.
    """
    from scipy.signal import fftconvolve  # takes longer to import than most stages need

    spread = fftconvolve(weights, correlation[None], mode="same", axes=(1, 2))
    return np.tensordot(weights, spread, axes=([1, 2], [1, 2]))


def sky_correlation(sky, lags):
    """
    Measure the correlation of noise in blank sky.

    Parameters
    ----------
    sky : ndarray of float, shape (H, W) or (N, H, W)
        Sky of one image, or of several that have the same noise; NaN where there are sources
        or no data.  Pixels beyond 4 robust standard deviations are left out as well.
    lags : int
        Largest lag [pixel].

    Returns
    -------
    correlation : ndarray of float64, shape (2 lags + 1, 2 lags + 1)
        Mean product of deviations from the mean, over the pairs of pixels at each lag,
        in units of the variance.

    Raises
    ------
    ValueError
        If fewer than 1,000 pixels are left, or no pairs at some lag.
    """
    sky = np.asarray(sky, dtype=float)
    good = np.isfinite(sky)
    for _ in range(_ROUNDS):
        if good.sum() < _FEWEST:
            msg = f"{good.sum()} pixels of sky in an image of {sky.shape}, expected {_FEWEST}"
            raise ValueError(msg)
        centre = np.median(sky[good])
        width = _MAD * np.median(np.abs(sky[good] - centre))
        good &= np.abs(np.where(good, sky, np.inf) - centre) <= _CLIP * width
    deviation = np.where(good, sky, 0) - np.where(good, sky[good].mean(), 0)
    grid = [fft.next_fast_len(n + lags) for n in sky.shape[-2:]]
    power = (np.abs(fft.rfft2(part, grid)) ** 2 for part in (deviation, good.astype(float)))
    products, pairs = (
        np.roll(fft.irfft2(each.reshape(-1, *each.shape[-2:]).sum(0), grid), (lags, lags), (0, 1))
        for each in power
    )
    side = 2 * lags + 1
    if min(sky.shape[-2:]) <= lags or pairs[:side, :side].min() < 0.5:
        msg = f"the sky of {sky.shape} has no pairs of pixels {lags} apart"
        raise ValueError(msg)
    correlation = products[:side, :side] / pairs[:side, :side]
    return correlation / correlation[lags, lags]


def cosmos_correlation(pixel_scale, lags):
    """
    Return the correlation of noise in the COSMOS mosaic of ACS/WFC F814W.

    Parameters
    ----------
    pixel_scale : float
        Side of a pixel [arcsec]; the mosaic's is 0.03.
    lags : int
        Largest lag [pixel].

    Returns
    -------
    correlation : ndarray of float64, shape (2 lags + 1, 2 lags + 1)
        GalSim's ``getCOSMOSNoise``, a function of lags in arcsec, at those of the pixels.
        Neighbours correlate by 0.48 at 0.03 arcsec and by 0.19 at 0.05.

    References
    ----------
    Rowe et al. (2015), Astronomy and Computing 10, 121, section 6.4.
    """
    import galsim

    image = galsim.ImageD(2 * lags + 1, 2 * lags + 1)
    galsim.getCOSMOSNoise().drawImage(image, scale=pixel_scale)
    return image.array / image.array[lags, lags]


def neighbour_correlation(correlation):
    """
    Return the mean correlation of a pixel with the four next to it.

    Parameters
    ----------
    correlation : ndarray of float, shape (2 L + 1, 2 L + 1)
        Correlation at lags of -L to L, in any unit.

    Returns
    -------
    value : float
        In units of the variance.
    """
    row, column = np.array(correlation.shape) // 2
    near = [correlation[row + k, column] + correlation[row, column + k] for k in (-1, 1)]
    return float(sum(near) / (4 * correlation[row, column]))
