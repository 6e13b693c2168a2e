"""
Sersic fits in torch: the compiled fit's maths and policy for many stamps at once.

Preparation is the compiled code's; on the CPU the compiled fit is several times faster,
and this form is for GPUs.  `galrestore.sersic.fitting.fit_sersic` imports it on demand.
"""

import math

import numpy as np
import torch

from galrestore.sersic.expansion import expansion_table
from galrestore.sersic.kernel import PARAMETERS, window_size
from galrestore.sersic.solver import (
    CONVERGED,
    DAMPING,
    EXHAUSTED,
    LARGEST_DAMPING,
    LONGEST,
    SINGULAR,
)
from galrestore.sersic.stamp import (
    REPORT,
    START_INDICES,
    prepare_block,
    stamp_workspace,
    verdict,
)
from galrestore.sersic.torch_model import evaluate_torch

__all__ = ["fit_torch"]

# Stamps at a time: what fits a processor's cache, or fills a GPU.
_CHUNK = {"cpu": 32, "cuda": 512}
_CHI2, _STEPS, _FAILURE = (REPORT.index(name) for name in ("chi2", "iterations", "failure"))
_PRIOR = [REPORT.index(name) for name in ("prior_mean", "prior_weight")]


def fit_torch(pixels, roots, noises, skies, terms, *, gaussians, ranges, options, dtype):
    """
    Fit some stamps, on a GPU if there is one.

    Parameters
    ----------
    pixels, roots, noises, skies, terms, ranges, options : object
        As in `galrestore.sersic.stamp.fit_block`.
    gaussians : int
        Gaussians of the expansion.
    dtype : data-type
        Precision, float32 or float64.

    Returns
    -------
    parameters, curvature, report : ndarray, shapes (N, 8), (N, 8, 8), (N, 13)
        As `galrestore.sersic.stamp.fit_block` fills them.
    """
    count, height, width = pixels.shape
    guesses, limits = np.zeros((count, PARAMETERS)), np.zeros((count, 2, PARAMETERS - 1))
    flat = [np.zeros((count, height * width), dtype) for _ in range(2)]
    report = np.zeros((count, len(REPORT)))
    work = stamp_workspace(height, width, gaussians, dtype)[2]
    prepared = guesses, limits, *flat, report
    prepare_block(pixels, roots, noises, skies, terms, ranges, work, prepared)
    results = guesses, np.zeros((count, PARAMETERS, PARAMETERS)), report
    # Stamps that prepare_block could not prepare have no start values: flux is never e^0 = 1
    # with a radius of 1 where there are.
    ready = np.any(guesses != 0, axis=1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    table = expansion_table(gaussians)
    values = torch.as_tensor(np.array(table.values), dtype=_torch(dtype), device=device)
    grid = (values, table.low, table.step)
    for windows, rows in _groups(terms, ready):
        for start in range(0, len(rows), _CHUNK[device]):
            chunk = rows[start : start + _CHUNK[device]]
            images = _framed(flat, report, chunk)
            priors = report[chunk][:, _PRIOR]
            fit = _Fit(images, terms[chunk], limits[chunk], priors, windows, grid, options)
            _fit_chunk(fit, chunk, results)
    return results


def _torch(dtype):
    return torch.float32 if np.dtype(dtype) == np.float32 else torch.float64


def _groups(terms, ready):
    """Yield stamps whose PSFs ask for the same windows."""
    kinds = [tuple(window_size.py_func(variance) for variance in psf[:, 1]) for psf in terms]
    for windows in sorted({kind for kind, good in zip(kinds, ready, strict=True) if good}):
        same = np.array([kind == windows for kind in kinds])
        yield windows, np.flatnonzero(same & ready)


def _framed(flat, report, rows):
    """Put boxes of different sizes into images of one size, from their first pixel on."""
    column = dict(zip(REPORT, report[rows].astype(int).T, strict=True))
    sides = np.stack([column["bottom"] - column["top"], column["right"] - column["left"]], 1)
    height, width = sides.max(axis=0)
    images = [np.zeros((len(rows), height, width), source.dtype) for source in flat]
    for image, source in zip(images, flat, strict=True):
        for plane, row, (h, w) in zip(image, rows, sides, strict=True):
            plane[:h, :w] = source[row, : h * w].reshape(h, w)
    return *images, sides


def _fit_chunk(fit, chunk, results):
    """Try the start indices in turn; keep the best fits, as the compiled code does."""
    best, curvature, report = results
    guesses = best[chunk].copy()
    report[chunk, _CHI2], report[chunk, _STEPS] = math.inf, 0
    todo = np.arange(len(chunk))
    for index in START_INDICES:
        start = guesses[todo].copy()
        start[:, 4] = math.log(index)
        start[:, :-1] = np.clip(start[:, :-1], fit.limits[todo, 0], fit.limits[todo, 1])
        p, matrix, chi2, taken, status = fit.minimise(start, todo)
        report[chunk[todo], _STEPS] += taken
        for k, row in enumerate(chunk[todo]):
            if chi2[k] < report[row, _CHI2]:
                gain = fit.flat[todo[k]] - chi2[k]
                failure = verdict.py_func(p[k], gain, status[k], fit.limits[todo[k]])
                report[row, _CHI2], report[row, _FAILURE] = chi2[k], failure
                best[row], curvature[row] = p[k], matrix[k]
        todo = np.flatnonzero(report[chunk, _FAILURE] != 0)
        if not len(todo):
            break


class _Fit:
    """Images of a chunk on the device, and Levenberg-Marquardt fits to them."""

    def __init__(self, images, terms, limits, priors, windows, table, options):
        pixels, roots, sides = images
        values = table[0]
        self.limits, self.windows, self.table, self.options = limits, windows, table, options
        self.shape = pixels.shape[1:]

        def move(array, dtype=values.dtype):
            return torch.as_tensor(array, dtype=dtype, device=values.device)

        self._move = move
        self.pixels, self.roots = move(pixels).flatten(1), move(roots).flatten(1)
        self.terms, self.sides = move(terms), move(sides, torch.int64)
        self.priors = move(priors, torch.float64)
        weights, values64 = np.square(roots, dtype=float), pixels.astype(float)
        centre, prior = priors.T
        mean = (weights * values64).sum((1, 2)) + prior * centre
        mean /= weights.sum((1, 2)) + prior
        self.flat = (weights * (values64 - mean[:, None, None]) ** 2).sum((1, 2))
        self.flat += prior * (mean - centre) ** 2

    def minimise(self, start, rows):
        """Return parameters, curvature, chi-square, evaluations and status, as NumPy arrays."""
        steps, absolute, relative = self.options
        state = _State(
            self._move(start, torch.float64), self._move(self.limits[rows], torch.float64)
        )
        rows = self._move(rows, torch.int64)
        for _ in range(steps):
            active = torch.nonzero(state.active)[:, 0]
            if not len(active):
                break
            found = self._equations(state.candidate[active], rows[active])
            state.accept(active, *found)
            state.step(torch.nonzero(state.active)[:, 0], absolute, relative)
        arrays = (state.p, state.normal, state.chi2, state.taken, state.status)
        return tuple(array.cpu().numpy() for array in arrays)

    def _equations(self, p, rows):
        """Chi-square, curvature and gradient."""
        q = p.to(self.pixels.dtype)
        derivatives = evaluate_torch(
            q, self.terms[rows], self.windows, self.table, self.shape, self.sides[rows]
        )
        roots = self.roots[rows]
        rest = (self.pixels[rows] - derivatives[:, 2] - q[:, 7:]) * roots
        design = torch.cat([derivatives * roots[:, None], roots[:, None]], 1)
        normal = torch.bmm(design, design.transpose(1, 2))
        gradient = torch.bmm(design, rest[:, :, None])[:, :, 0]
        chi2, normal, gradient = (rest**2).sum(1).double(), normal.double(), gradient.double()
        mean, weight = self.priors[rows].unbind(1)
        normal[:, 7, 7] += weight
        gradient[:, 7] += weight * (mean - p[:, 7])
        return chi2 + weight * (mean - p[:, 7]) ** 2, normal, gradient


class _State:
    """Where each fit of a chunk stands; the policy is that of `galrestore.sersic.solver`."""

    def __init__(self, start, limits):
        count = len(start)
        self.p, self.candidate, self.limits = start.clone(), start.clone(), limits
        self.longest = torch.tensor([*LONGEST, math.inf], dtype=start.dtype, device=start.device)
        self.normal = start.new_zeros((count, PARAMETERS, PARAMETERS))
        self.gradient = start.new_zeros((count, PARAMETERS))
        self.chi2 = start.new_full((count,), 1e300)
        self.damping = start.new_full((count,), DAMPING[0])
        self.small = torch.zeros(count, dtype=torch.bool, device=start.device)
        self.active = torch.ones_like(self.small)
        self.taken = torch.zeros(count, dtype=torch.int64, device=start.device)
        self.status = torch.full_like(self.taken, EXHAUSTED)

    def accept(self, rows, chi2, normal, gradient):
        """Take better candidates over; stop or damp the others."""
        self.taken[rows] += 1
        better = chi2 < self.chi2[rows]
        won, lost = rows[better], rows[~better]
        self.p[won], self.chi2[won] = self.candidate[won], chi2[better]
        self.normal[won], self.gradient[won] = normal[better], gradient[better]
        self.damping[won] = torch.clamp(self.damping[won] / DAMPING[1], min=1e-7)
        self._stop(lost[self.small[lost]], CONVERGED)
        self.damping[lost] *= DAMPING[2]

    def step(self, rows, absolute, relative):
        """Propose candidates, and stop where they promise little."""
        diagonal = torch.diagonal(self.normal[rows], dim1=1, dim2=2)
        damping = self.damping[rows, None]
        matrix = self.normal[rows] + torch.diag_embed(damping * diagonal)
        matrix = self._held(rows, matrix)
        factor, info = torch.linalg.cholesky_ex(matrix)
        pivots = torch.diagonal(factor, dim1=1, dim2=2) ** 2
        whole = torch.diagonal(matrix, dim1=1, dim2=2)
        regular = (info == 0) & torch.all(pivots > 1e-12 * whole, dim=1)
        self._stop(rows[~regular], SINGULAR)
        rows, damping, diagonal = rows[regular], damping[regular], diagonal[regular]
        gradient = self.gradient[rows]
        delta = torch.cholesky_solve(gradient[:, :, None], factor[regular])[:, :, 0]
        promised = (delta * (gradient + damping * diagonal * delta)).sum(1)
        self.small[rows] = promised < absolute + relative * self.chi2[rows]
        over = (self.small[rows] & (self.damping[rows] < 1)) | (
            self.damping[rows] > LARGEST_DAMPING
        )
        self._stop(rows[over], CONVERGED)
        self._propose(rows[~over], delta[~over])

    def _stop(self, rows, status):
        self.active[rows], self.status[rows] = False, status

    def _held(self, rows, matrix):
        """Cut off parameters that press against a bound."""
        p, gradient, limits = self.p[rows], self.gradient[rows], self.limits[rows]
        held = (p[:, :5] <= limits[:, 0, :5]) & (gradient[:, :5] < 0)
        held |= (p[:, :5] >= limits[:, 1, :5]) & (gradient[:, :5] > 0)
        held = torch.nn.functional.pad(held, (0, PARAMETERS - 5))
        matrix = torch.where(held[:, :, None] | held[:, None, :], 0.0, matrix)
        return matrix + torch.diag_embed(torch.where(held, 1e30, 0.0).to(matrix.dtype))

    def _propose(self, rows, delta):
        """Shorten the step to the longest allowed, and keep it within the bounds."""
        scale = torch.clamp((self.longest / delta.abs().clamp(min=1e-30)).amin(1), max=1.0)
        moved = self.p[rows] + scale[:, None] * delta
        limits = self.limits[rows]
        moved[:, :5] = moved[:, :5].clamp(limits[:, 0, :5], limits[:, 1, :5])
        eta = torch.hypot(moved[:, 5], moved[:, 6])
        moved[:, 5:7] *= torch.clamp(limits[:, 1, 5] / eta.clamp(min=1e-30), max=1.0)[:, None]
        self.candidate[rows] = moved
