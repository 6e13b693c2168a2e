"""
Population drawn from a kernel density estimate of fitted galaxies (section 3.2).

Five quantities are drawn together: axis ratio, Sersic index, flux, half-light radius
and noise.  The estimate lives in one of two spaces, where kernels of one width suit faint
and bright galaxies alike and no draw can be unphysical:

``logarithms``
    ``logit q, ln n, ln flux, ln r50, ln noise``.
``normal_scores``
    Each of these mapped by its rank among the fits to the quantile of a normal
    distribution, and draws back by interpolation between the fits: the kernels smooth how
    quantities hang together, and leave the distribution of each, sharp cuts included.
    Kernels have the correlations that normal variables with the fits' rank correlations
    have, ``2 sin(pi rho / 6)``.  Narrow kernels repeat the fits, wide ones make a normal
    distribution, and both have these rank correlations.  With the covariance of the scores
    only the former would: 266 skewed fits lost up to 0.03 of a rank correlation.

Draws outside the range of the fits are drawn anew.

A kernel estimate is wider than its sample, by the factor ``sqrt(1 + h**2)`` in every
direction for kernels of h times the sample's covariance: 4 % for the paper's 66,092 fits and
Scott's h of 0.29, 13 % for 262 fits.  The shrunk estimate draws every point towards the
mean by that factor, so that mean and covariance (of normal scores, the variances) are the
sample's.

References
----------
Scott (1992), Multivariate Density Estimation, section 6.3; Silverman & Young (1987),
Biometrika 74, 469, and Silverman (1986), Density Estimation, section 6.4: the smoothed
bootstrap, shrunk; Kruskal (1958), JASA 53, 814: rank correlation of the normal
distribution; Geenens, Charpentier & Paindaveine (2017), Bernoulli 23, 1848: kernels
between normal scores.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import gaussian_kde, ks_2samp, rankdata, spearmanr

from galrestore.errors import EmptyError
from galrestore.rng import stream

__all__ = ["DIMENSIONS", "GALSIM_INDICES", "compare_population", "draw_population"]

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
# Least eigenvalue of a correlation matrix that has an inverse.
_FLATTEST = 1e-10
# Draws that the comparison with the fits rests on: 3e-3 of a distribution function.
_COMPARED = 100_000


def draw_population(fits, size, seed, bandwidth=None, space="logarithms", shrink=False):
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
        Factor h of the kernel's width; by default Scott's, ``M**(-1/9)``.
    space : {"logarithms", "normal_scores"}, optional
        Where the kernels are, see the module.
    shrink : bool, optional
        Keep the spread of the fits, see the module; by default draws in logarithms are
        ``scipy.stats.gaussian_kde``'s own.

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
    estimate = _estimate(sample, bandwidth, space, shrink)
    drawn = _draw_within(estimate, *_bounds(sample), size, seed)
    orientation = _orientations(size, seed)
    columns = {"id": np.arange(size), **dict(zip(DIMENSIONS, drawn, strict=True))}
    return columns | {
        "theta": np.pi * orientation[:, 0],
        "dx": orientation[:, 1] - 0.5,
        "dy": orientation[:, 2] - 0.5,
    }


def compare_population(fits, seed, bandwidth=None, space="logarithms", shrink=False):
    """
    Compare what is drawn with the fits.

    Parameters
    ----------
    fits, seed, bandwidth, space, shrink
        As in `draw_population`.

    Returns
    -------
    rows : list of dict
        ``statistic`` of the quantity ``first``, or of ``first`` and ``second``: in the
        ``fits``, among 100,000 ``drawn`` before bounds, and among the ``bounded`` of
        them that lie within.  Statistics are ``median``, ``spread`` (half the range
        of the middle 68 %), ``ks_distance`` to the fits and ``rank_correlation``.

    Raises
    ------
    EmptyError
        As `draw_population`.
    """
    sample = _usable(fits)
    estimate = _estimate(sample, bandwidth, space, shrink)
    drawn = estimate.draw(_COMPARED, stream(seed, "resample.comparison"))
    low, high = _bounds(sample)
    bounded = drawn[:, _within(drawn, low, high)]
    samples = {"fits": sample, "drawn": drawn, "bounded": bounded}
    rows = []
    for k, name in enumerate(DIMENSIONS):
        parts = {key: values[k] for key, values in samples.items()}
        for statistic, function in (
            ("median", np.median),
            ("spread", lambda x: np.diff(np.quantile(x, [0.16, 0.84]))[0] / 2),
            ("ks_distance", lambda x, own=sample[k]: ks_2samp(x, own, method="asymp").statistic),
        ):
            values = {key: float(function(part)) for key, part in parts.items()}
            rows.append({"statistic": statistic, "first": name, "second": ""} | values)
    matrices = {key: spearmanr(values, axis=1).statistic for key, values in samples.items()}
    for j, k in zip(*np.triu_indices(len(DIMENSIONS), 1), strict=True):
        values = {key: float(matrix[j, k]) for key, matrix in matrices.items()}
        pair = {"first": DIMENSIONS[j], "second": DIMENSIONS[k]}
        rows.append({"statistic": "rank_correlation"} | pair | values)
    return rows


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


@dataclass(frozen=True)
class _Estimate:
    """Kernel density estimate; ``ordered`` holds the sorted logarithms if they were ranked."""

    kernel: gaussian_kde
    shrink: bool
    ordered: np.ndarray | None

    def draw(self, size, generator):
        """Draw without bounds, shape (5, size)."""
        drawn = self.kernel.resample(size, seed=generator)
        if self.shrink:
            mean = self.kernel.dataset.mean(axis=1, keepdims=True)
            drawn = mean + (drawn - mean) / np.sqrt(1 + self.kernel.factor**2)
        if self.ordered is not None:
            places = _places(np.arange(1, self.ordered.shape[1] + 1))
            pairs = zip(ndtr(drawn), self.ordered, strict=True)
            # Beyond the outermost fits they are at them, and out of bounds.
            drawn = np.array([np.interp(share, places, line) for share, line in pairs])
        logit, *logs = drawn
        return np.array([1 / (1 + np.exp(-logit)), *np.exp(logs)])


def _estimate(sample, bandwidth, space, shrink):
    points, ordered = _logarithms(sample), None
    if space == "normal_scores":
        ordered = np.sort(points, axis=1)
        points = ndtri(_places(rankdata(points, axis=1)))
    elif space != "logarithms":
        msg = f"space must be logarithms or normal_scores, got {space!r}"
        raise ValueError(msg)
    try:
        spread = np.linalg.eigvalsh(np.corrcoef(points))
        if not spread[0] > _FLATTEST:
            raise np.linalg.LinAlgError
        kernel = gaussian_kde(points, bw_method=bandwidth)
    except np.linalg.LinAlgError as error:
        msg = (
            f"{sample.shape[1]} good fits do not span the five dimensions "
            f"{', '.join(DIMENSIONS)}: their covariance is degenerate; use more stamps"
        )
        raise EmptyError(msg) from error
    if ordered is not None:
        kernel.covariance = kernel.factor**2 * _rank_covariance(points)
    return _Estimate(kernel, shrink, ordered)


def _rank_covariance(scores):
    """Covariance of normal variables with the widths and rank correlations of the scores."""
    width = scores.std(axis=1, ddof=1)
    correlation = 2 * np.sin(np.pi / 6 * spearmanr(scores, axis=1).statistic)
    # Such a matrix of few points may be that of no distribution by a hair.
    values, vectors = np.linalg.eigh(correlation)
    correlation = (vectors * np.maximum(values, _FLATTEST)) @ vectors.T
    return correlation * np.outer(width, width)


def _places(ranks):
    """Share of the distribution below each rank, counted from 1 along the last axis."""
    return (ranks - 0.5) / ranks.shape[-1]


def _logarithms(sample):
    q, *others = sample
    q = np.minimum(q, _ROUNDEST)
    return np.array([np.log(q / (1 - q)), *np.log(others)])


def _bounds(sample):
    """Range of the fits, within what GalSim renders, shapes (5,) and (5,)."""
    low, high = sample.min(axis=1), sample.max(axis=1)
    index = DIMENSIONS.index("n")
    low[index], high[index] = np.clip((low[index], high[index]), *GALSIM_INDICES)
    return low, high


def _within(drawn, low, high):
    return np.all((drawn > low[:, None]) & (drawn < high[:, None]), axis=0)


def _draw_within(estimate, low, high, size, seed):
    """Draw in blocks of their own streams until enough are within bounds, shape (5, size)."""
    kept, count, block = [], 0, 0
    while count < size:
        drawn = estimate.draw(_BLOCK, stream(seed, "resample.kernel", block))
        kept.append(drawn[:, _within(drawn, low, high)])
        count, block = count + kept[-1].shape[1], block + 1
        if block == _PATIENCE and count < block * _BLOCK / 1000:
            msg = f"{count} of {block * _BLOCK} draws lie within the range of the good fits"
            raise EmptyError(msg)
    return np.concatenate(kept, axis=1)[:, :size]


def _orientations(size, seed):
    """Three uniform numbers for each galaxy, shape (size, 3)."""
    blocks = range(-(-size // _BLOCK))
    uniform = [stream(seed, "resample.orientation", k).random((_BLOCK, 3)) for k in blocks]
    return np.concatenate(uniform)[:size]
