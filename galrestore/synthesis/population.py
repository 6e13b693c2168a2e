"""
Population drawn from a kernel density estimate of fitted galaxies (section 3.2).

Five quantities are drawn together: axis ratio, Sersic index, flux, half-light radius
and noise.  The estimate lives in the space of ``logit q, ln n, ln flux, ln r50,
ln noise``, where no draw can be unphysical and where kernels of one width suit faint
and bright galaxies alike.  Draws outside the range of the fits are drawn anew.
"""

import numpy as np
from scipy.stats import gaussian_kde

from galrestore.errors import EmptyError
from galrestore.rng import stream

__all__ = ["DIMENSIONS", "GALSIM_INDICES", "draw_population"]

DIMENSIONS = ("q", "n", "flux", "r50", "noise")

# Sersic indices that GalSim renders.
GALSIM_INDICES = (0.3, 6.2)

# Fewer points than this cannot span five dimensions.
_FEWEST = len(DIMENSIONS) + 1
_BLOCK = 4096
# Blocks after which at least one draw in a thousand must have been within bounds.
_PATIENCE = 8
# Fitted circles have logit q of infinity.
_ROUNDEST = 0.999


def draw_population(fits, size, seed, bandwidth=None):
    """
    Draw galaxies like the fitted ones.

    Parameters
    ----------
    fits : dict of str to ndarray, shape (M,)
        Good fits: ``q, n, flux, r50, noise``; rows where one is not finite, or not
        positive, are left out.
    size : int
        Galaxies to draw.
    seed : int
        Seed of the run.
    bandwidth : float, optional
        Factor of the kernel's width; by default Scott's, ``M**(-1/9)``.

    Returns
    -------
    population : dict of str to ndarray, shape (size,)
        ``id`` from 0; the five quantities; ``theta`` uniform in [0, pi) [rad]; ``dx, dy``
        uniform in [-0.5, 0.5) [pixel].  Row k is the same for every ``size`` above k.

    Raises
    ------
    EmptyError
        If fewer than six fits are usable, if they do not span five dimensions, or if
        hardly any draw is within their range.
    """
    sample = _usable(fits)
    kernel = _kernel(sample, bandwidth)
    low, high = sample.min(axis=1), sample.max(axis=1)
    index = DIMENSIONS.index("n")
    low[index], high[index] = np.clip((low[index], high[index]), *GALSIM_INDICES)
    drawn = _draw_within(kernel, low, high, size, seed)
    orientation = _orientations(size, seed)
    columns = {"id": np.arange(size), **dict(zip(DIMENSIONS, drawn, strict=True))}
    return columns | {
        "theta": np.pi * orientation[:, 0],
        "dx": orientation[:, 1] - 0.5,
        "dy": orientation[:, 2] - 0.5,
    }


def _usable(fits):
    """Rows that can be transformed, shape (5, M)."""
    sample = np.array([np.asarray(fits[name], dtype=float) for name in DIMENSIONS])
    good = np.all(np.isfinite(sample) & (sample > 0), axis=0)
    if good.sum() < _FEWEST:
        msg = (
            f"{good.sum()} of {good.size} good fits have positive q, n, flux, r50 and noise; "
            f"the population needs {_FEWEST} or more: more stamps, or laxer cuts in select"
        )
        raise EmptyError(msg)
    return sample[:, good]


def _kernel(sample, bandwidth):
    try:
        return gaussian_kde(_transform(sample), bw_method=bandwidth)
    except np.linalg.LinAlgError as error:
        msg = (
            f"{sample.shape[1]} good fits do not span the five dimensions "
            f"{', '.join(DIMENSIONS)}: their covariance is degenerate; use more stamps"
        )
        raise EmptyError(msg) from error


def _transform(sample):
    q, *others = sample
    q = np.minimum(q, _ROUNDEST)
    return np.array([np.log(q / (1 - q)), *np.log(others)])


def _restore(transformed):
    logit, *logs = transformed
    return np.array([1 / (1 + np.exp(-logit)), *np.exp(logs)])


def _draw_within(kernel, low, high, size, seed):
    """Draw in blocks of their own streams until enough are within bounds, shape (5, size)."""
    kept, count, block = [], 0, 0
    while count < size:
        generator = stream(seed, "resample.kernel", block)
        drawn = _restore(kernel.resample(_BLOCK, seed=generator))
        within = np.all((drawn >= low[:, None]) & (drawn <= high[:, None]), axis=0)
        kept.append(drawn[:, within])
        count, block = count + int(within.sum()), block + 1
        if block == _PATIENCE and count < block * _BLOCK / 1000:
            msg = f"{count} of {block * _BLOCK} draws lie within the range of the good fits"
            raise EmptyError(msg)
    return np.concatenate(kept, axis=1)[:, :size]


def _orientations(size, seed):
    """Three uniform numbers for each galaxy, shape (size, 3)."""
    blocks = range(-(-size // _BLOCK))
    uniform = [stream(seed, "resample.orientation", k).random((_BLOCK, 3)) for k in blocks]
    return np.concatenate(uniform)[:size]
