"""
Parameters of the baselines, chosen where networks choose their weights: in validation.

The score is the mean affine-matched PSNR, in which images of all noise levels weigh
alike.  Each class of noise has its own parameters, the noise being measured on LQ alone.
"""

import numpy as np
import pandas as pd

from galrestore.baselines.methods import METHODS, Choice, blocks, iterates, relative_noise
from galrestore.measurement.image_quality import affine_match, psnr
from galrestore.measurement.statistics import mean_and_error

__all__ = ["choices_of", "tune"]


def tune(method, lq, gt, kernel, values, iterations, classes):
    """
    Try all points of a grid on validation images.

    Parameters
    ----------
    method : str
        Key of `galrestore.baselines.methods.METHODS`.
    lq, gt : ndarray, shape (N, H, W)
        Validation images.
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    values : sequence of float
        Values of the method's parameter, rising.
    iterations : sequence of int
        Numbers of iterations, rising.
    classes : int
        Classes of noise, equally populated; fewer if there are fewer images.

    Returns
    -------
    grid : pandas.DataFrame
        One row for each class and point (contract ``TUNING_GRID``).
    stamps : pandas.DataFrame
        For each image ``noise``, ``noise_class`` and the ``score`` [dB] of the
        parameters that are chosen for its class.
    """
    noise = relative_noise(lq)
    edges = _edges(noise, classes)
    number = np.digitize(noise, edges)
    points, scores = [], []
    for value in values:
        parts = [iterates(method, lq[rows], kernel, value) for rows in blocks(np.arange(len(lq)))]
        for step in range(1, max(iterations) + 1):
            model = np.concatenate([next(part) for part in parts])
            if step not in iterations:
                continue
            score = psnr(affine_match(model, gt)[0], gt)
            for k in range(len(edges) + 1):
                scores.append(score)
                points.append(_point(value, step, k, score, model, gt, number == k))
    grid = pd.DataFrame(points)
    grid["method"], grid["parameter"] = method, METHODS[method][1]
    low, high = np.array([0.0, *edges]), np.array([*edges, np.inf])
    grid["noise_low"], grid["noise_high"] = low[grid["noise_class"]], high[grid["noise_class"]]
    best = grid.groupby("noise_class")["score"].idxmax()
    grid["chosen"] = grid.index.isin(best)
    grid["at_edge"] = _at_edge(grid["value"], 0) | _at_edge(grid["iterations"], 1)
    stamps = pd.DataFrame({"noise": noise, "noise_class": number})
    stamps["score"] = [scores[best[k]][row] for row, k in enumerate(number)]
    return grid, stamps


def choices_of(grid):
    """
    Read what was chosen.

    Parameters
    ----------
    grid : pandas.DataFrame
        As `tune` returns it.

    Returns
    -------
    choices : list of Choice
        Of each class of noise.
    edges : list of float
        Where the classes after the first begin.
    """
    chosen = grid[grid["chosen"]].sort_values("noise_class")
    names = ["value", "iterations", "scale", "offset"]
    choices = [Choice(**row) for row in chosen[names].to_dict("records")]
    return choices, chosen["noise_low"].tolist()[1:]


def _edges(noise, classes):
    """Midpoints between neighbours in noise that divide the images into equal classes."""
    ordered = np.sort(noise)
    first = [part[0] for part in np.array_split(np.arange(len(ordered)), classes) if len(part)]
    edges = [(ordered[k - 1] + ordered[k]) / 2 for k in first[1:]]
    # A midpoint of equal values would leave a class empty.
    return [edge for edge in np.unique(edges) if edge > ordered[0]]


def _point(value, step, number, score, model, gt, members):
    mean, error = mean_and_error(score[members])
    # Least squares over all pixels of the class: one zero point and scale for all images.
    x, y = model[members], gt[members].astype(float)
    power = ((x - x.mean()) ** 2).sum()
    scale = ((x - x.mean()) * (y - y.mean())).sum() / power if power > 0 else 0.0
    return {
        "value": float(value),
        "iterations": step,
        "noise_class": number,
        "stamps": int(members.sum()),
        "score": mean,
        "score_error": error,
        "scale": scale,
        "offset": y.mean() - scale * x.mean(),
    }


def _at_edge(values, least):
    """Whether values end a grid that could go on: it has several, and can pass its end."""
    low, high = values.min(), values.max()
    at_low = (values == low) & (low > least)
    return (at_low | (values == high)) & (low < high)
