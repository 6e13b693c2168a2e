"""
What Table 1 says, in sentences derived from the scores.

Differences between methods are means over the same images, with the standard error of
the paired difference.  A difference of more than two standard errors counts as decided.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from galrestore.measurement.published import TABLE1, TABLE1_SET, method_label, method_labels
from galrestore.measurement.statistics import paired_difference

__all__ = [
    "compare_with_order",
    "networks_against_baselines",
    "render_contest",
    "render_order",
    "render_tuning",
]

_DECIDED = 2.0
_UNITS = {"psnr": "dB", "ssim": "SSIM"}
# Scores of the contest: name, decimals, unit, whether the smallest is the best.
_CONTEST = (
    ("psnr_matched", "matched PSNR", 2, " dB", False),
    ("nrmse_source", "NRMSE on the source", 3, "", True),
)


def compare_with_order(measurements, lineages):
    """
    Compare neighbours in the paper's order of its four methods.

    Parameters
    ----------
    measurements : sequence of pandas.DataFrame
        Scores of each method on the same images (contract `MEASUREMENTS`).
    lineages : dict of str to str
        Training sets of each network, see `method_label`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each step of the order and score: ``worse``, ``better`` (labels of the
        paper), ``score``, ``difference``, ``error``, ``paper`` (the paper's difference)
        and ``gain``, ``paper_gain``, the differences over the score without training.
        Empty for other sets than the paper's.

    References
    ----------
    Park et al. (2024), Table 1 and section 4.1.
    """
    frames = {}
    if measurements[0]["set"].iloc[0] == TABLE1_SET:
        for frame in measurements:
            method = frame["method"].iloc[0]
            frames.setdefault(method_label(method, lineages.get(method)), frame)
    order = [label for label in sorted(TABLE1, key=TABLE1.get) if label in frames]
    rows = []
    for worse, better in pairwise(order):
        for index, score in enumerate(_UNITS):
            difference, error = paired_difference(frames[better][score], frames[worse][score])
            paper = TABLE1[better][index] - TABLE1[worse][index]
            start = frames[order[0]][score].mean() if order[0] == "no training" else np.nan
            gains = difference / start, paper / TABLE1["no training"][index]
            rows.append((worse, better, score, difference, error, paper, *gains))
    names = ["worse", "better", "score", "difference", "error", "paper", "gain", "paper_gain"]
    return pd.DataFrame(rows, columns=names)


def render_order(table):
    """
    Say where the paper's order holds.

    Parameters
    ----------
    table : pandas.DataFrame
        As `compare_with_order` returns it.

    Returns
    -------
    text : str
        Markdown; empty for an empty table.
    """
    if table.empty:
        return ""
    lines = [
        "## The paper's order of training sets",
        "",
        "Differences of means with the standard error of the paired difference; beyond two of them",
        "an order holds or is reversed.",
        "",
    ]
    for (worse, better), steps in table.groupby(["worse", "better"], sort=False):
        parts = []
        for row in steps.itertuples():
            decimals = 2 if row.score == "psnr" else 4
            verdict = _verdict(row.difference, row.error)
            parts.append(
                f"{row.difference:+.{decimals}f} ± {row.error:.{decimals}f} {_UNITS[row.score]} "
                f"(paper {row.paper:+.{decimals}f}): {verdict}"
            )
        lines.append(f"- {better} over {worse}: {'; '.join(parts)}")
    last = table[(table["worse"] == "JWST") & (table["better"] == "GalSim -> JWST")]
    if len(last) and last["gain"].notna().all():
        gains = [
            f"{100 * row.gain:+.2f}% ({100 * row.paper_gain:+.2f}%)" for row in last.itertuples()
        ]
        lines.append(
            f"- GalSim -> JWST over JWST in units of no training (paper): PSNR {gains[0]}, "
            f"SSIM {gains[1]}"
        )
    verdicts = [
        (
            _verdict(row.difference, row.error),
            f"{row.better} over {row.worse} ({_UNITS[row.score]})",
        )
        for row in table.itertuples()
    ]
    failed = [f"{step} is {verdict}" for verdict, step in verdicts if verdict != "holds"]
    summary = f"does not hold at this budget: {', '.join(failed)}" if failed else "holds"
    return "\n".join([*lines, "", f"The paper's order {summary}.", ""])


def networks_against_baselines(measurements, lineages):
    """
    Compare the best network with the best method without training.

    Parameters
    ----------
    measurements, lineages
        As in `compare_with_order`.

    Returns
    -------
    table : pandas.DataFrame
        One row for each of the scores ``psnr_matched`` and ``nrmse_source``: ``score``,
        labels ``network`` and ``baseline``, ``difference`` (network - baseline) and
        ``error``.  Empty without networks or without baselines; no restoration at all
        does not count as a baseline.
    """
    labels = method_labels([frame["method"].iloc[0] for frame in measurements], lineages)
    networks = [frame for frame in measurements if frame["method"].iloc[0] in lineages]
    others = [frame for frame in measurements if frame["method"].iloc[0] not in (*lineages, "none")]
    rows = []
    for score, _, _, _, smallest in _CONTEST:
        if networks and others:
            sign = -1 if smallest else 1
            network, baseline = (
                max(group, key=lambda frame, score=score, sign=sign: sign * frame[score].mean())
                for group in (networks, others)
            )
            names = (labels[frame["method"].iloc[0]] for frame in (network, baseline))
            rows.append((score, *names, *paired_difference(network[score], baseline[score])))
    return pd.DataFrame(rows, columns=["score", "network", "baseline", "difference", "error"])


def render_contest(table):
    """
    Say whether networks beat what needs no training.

    Parameters
    ----------
    table : pandas.DataFrame
        As `networks_against_baselines` returns it.

    Returns
    -------
    text : str
        Markdown; empty for an empty table.
    """
    if table.empty:
        return ""
    lines = ["## The best network against the best method without training", ""]
    meanings = {name: rest for name, *rest in _CONTEST}
    for row in table.itertuples():
        meaning, decimals, unit, smallest = meanings[row.score]
        verdict = {"holds": "the network is better", "reversed": "the network is worse"}.get(
            _verdict(-row.difference if smallest else row.difference, row.error), "undecided"
        )
        lines.append(
            f"- {meaning}: {row.network} - {row.baseline} = "
            f"{row.difference:+.{decimals}f} ± {row.error:.{decimals}f}{unit}: {verdict}"
        )
    return "\n".join([*lines, ""])


def render_tuning(grids):
    """
    Say how the methods without training were tuned.

    Parameters
    ----------
    grids : sequence of pandas.DataFrame
        Grid of each method (contract ``TUNING_GRID``).

    Returns
    -------
    text : str
        Markdown; empty without grids.
    """
    if not grids:
        return ""
    lines = [
        "## Parameters of the methods without training",
        "",
        "Those with the best mean matched PSNR on validation images, for each class of noise that",
        "LQ itself shows; chosen points where the grid ends are marked.",
        "",
    ]
    for grid in grids:
        chosen = grid[grid["chosen"]].sort_values("noise_class")
        parts = [
            f"{row.parameter} {row.value:g}, iterations {row.iterations}"
            f" from noise {row.noise_low:.3f} on ({row.score:.2f} ± {row.score_error:.2f} dB on"
            f" {row.stamps} images{', the grid ends here' if row.at_edge else ''})"
            for row in chosen.itertuples()
        ]
        lines.append(f"- {method_label(chosen['method'].iloc[0])}: {'; '.join(parts)}")
    return "\n".join([*lines, ""])


def _verdict(difference, error):
    if not abs(difference) > _DECIDED * error:
        return "undecided"
    return "holds" if difference > 0 else "reversed"
