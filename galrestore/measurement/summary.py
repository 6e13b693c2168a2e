"""Tables that sum up a run: scores by method, and sources by reason of rejection."""

import numpy as np
import pandas as pd

from galrestore.measurement.published import TABLE1, TABLE1_SET, method_label, method_labels
from galrestore.measurement.statistics import mean_and_error, median_and_error, paired_difference
from galrestore.rng import stream

__all__ = ["count_rejections", "scores_by_noise", "summarise_scores"]

_SCORES = ("psnr", "ssim", "psnr_authors", "psnr_matched", "ssim_matched", "nrmse_source")


def summarise_scores(measurements, lineages, seed, draws=1000):
    """
    Average the scores of several methods on the same test images.

    Parameters
    ----------
    measurements : sequence of pandas.DataFrame
        Scores of one method each (contract `MEASUREMENTS`), of one set, the same ids in
        the same order.
    lineages : dict of str to str
        Training sets of each variant of the network, see `method_label`.
    seed : int
        Seed of the run, for the bootstrap.
    draws : int, optional
        Resamplings of the bootstrap.

    Returns
    -------
    table : pandas.DataFrame
        One row per method in the order given (contract `TABLE1`).

    Raises
    ------
    ValueError
        If sets or ids differ.
    """
    ids = measurements[0]["id"].to_numpy()
    names = {frame["set"].iloc[0] for frame in measurements}
    if len(names) > 1 or not all(np.array_equal(ids, frame["id"]) for frame in measurements):
        msg = f"methods must be scored on the same images, got sets {sorted(names)}"
        raise ValueError(msg)
    labels = method_labels([frame["method"].iloc[0] for frame in measurements], lineages)
    best = {
        name: max(measurements, key=lambda frame, name=name: frame[name].mean())[name]
        for name in ("psnr", "ssim")
    }
    rows = [_row(frame, labels, lineages, best, seed, draws) for frame in measurements]
    return pd.DataFrame(rows)


def scores_by_noise(measurements, lineages, classes=3):
    """
    Average the matched scores in classes of noise, for each method.

    Parameters
    ----------
    measurements : list of pandas.DataFrame
        Scores of each method on the same images (contract `MEASUREMENTS`).
    lineages : dict of str to str
        Phases of each network, as in `summarise_scores`.
    classes : int, optional
        Equally populated classes of the noise of LQ, in rising noise.

    Returns
    -------
    table : pandas.DataFrame
        One row per method and class: ``label``, ``noise_class`` from 0, ``noise_low``,
        ``noise_high`` (range of the rms of the noise), ``psnr_matched`` [dB] and
        ``nrmse_source`` (means).
    """
    labels = method_labels([frame["method"].iloc[0] for frame in measurements], lineages)
    by_noise = np.argsort(measurements[0]["noise"].to_numpy(), kind="stable")
    rows = []
    for frame in measurements:
        for index, members in enumerate(np.array_split(by_noise, min(classes, len(by_noise)))):
            part = frame.iloc[members]
            rows.append(
                {
                    "label": labels[frame["method"].iloc[0]],
                    "noise_class": index,
                    "noise_low": part["noise"].min(),
                    "noise_high": part["noise"].max(),
                    "psnr_matched": part["psnr_matched"].mean(),
                    "nrmse_source": part["nrmse_source"].mean(),
                }
            )
    return pd.DataFrame(rows)


def _row(frame, labels, lineages, best, seed, draws):
    method, name = frame["method"].iloc[0], frame["set"].iloc[0]
    row = {"label": labels[method], "method": method, "set": name, "n": len(frame)}
    for score in _SCORES:
        values = frame[score].to_numpy()
        generator = stream(seed, f"present.bootstrap.{name}.{method}.{score}")
        row[score], row[f"{score}_error"] = mean_and_error(values)
        row[f"{score}_median"], row[f"{score}_median_error"] = median_and_error(
            values, generator, draws
        )
    for score, reference in best.items():
        row[f"{score}_to_best"], row[f"{score}_to_best_error"] = paired_difference(
            frame[score], reference
        )
    published = TABLE1 if name == TABLE1_SET else {}
    # The paper's rows belong to training sets: all models of those sets stand beside them.
    key = method_label(method, lineages.get(method))
    row["paper_psnr"], row["paper_ssim"] = published.get(key, (np.nan, np.nan))
    return row


def count_rejections(catalogues, criteria):
    """
    Count sources by reason of rejection.

    Parameters
    ----------
    catalogues : dict of str to pandas.DataFrame
        Catalogue of each mosaic (contract `CATALOGUE`).
    criteria : dict of str to str
        Rejections in the order in which they are tried, with their meaning.

    Returns
    -------
    table : pandas.DataFrame
        Rows of each mosaic, then of all HST and all JWST mosaics: sources detected,
        each rejection in the order in which they are tried, sources accepted (contract
        `SELECTION`).
    """
    everything = pd.concat(catalogues.values(), ignore_index=True)
    sums = {
        f"all {telescope}": everything[everything["telescope"] == telescope]
        for telescope in ("hst", "jwst")
        if (everything["telescope"] == telescope).any()
    }
    rows = [
        row for name, frame in (catalogues | sums).items() for row in _counts(name, frame, criteria)
    ]
    names = ["mosaic", "telescope", "criterion", "meaning", "first", "failing"]
    return pd.DataFrame(rows, columns=names)


def _counts(mosaic, frame, criteria):
    about = mosaic, frame["telescope"].iloc[0] if len(frame) else ""
    yield *about, "detected", "sources detected", len(frame), len(frame)
    for name, meaning in criteria.items():
        first = int((frame["rejected_by"] == name).sum())
        yield *about, name, meaning, first, int(frame[f"reject_{name}"].sum())
    accepted = int((frame["rejected_by"] == "").sum())
    yield *about, "accepted", "stamps cut", accepted, accepted
