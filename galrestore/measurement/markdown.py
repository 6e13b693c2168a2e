"""Tables for readers, in Markdown that is also legible on a terminal."""

import numpy as np

from galrestore.measurement.markdown_table import cells_with_errors as _with_errors
from galrestore.measurement.markdown_table import number_cells as _numbers
from galrestore.measurement.markdown_table import table_lines
from galrestore.measurement.markdown_table import table_of_columns as _table
from galrestore.measurement.published import TABLE1_SET

__all__ = [
    "render_by_noise",
    "render_population",
    "render_published",
    "render_scores",
    "render_selection",
    "render_selection_truth",
]

# Column of the table: score, heading, decimals, whether the smallest is the best.
_COLUMNS = (
    ("psnr", "PSNR [dB]", 2, False),
    ("ssim", "SSIM", 4, False),
    ("psnr_authors", "PSNR, RS peak [dB]", 2, False),
    ("psnr_matched", "PSNR, matched [dB]", 2, False),
    ("ssim_matched", "SSIM, matched", 4, False),
    ("nrmse_source", "NRMSE on source", 3, True),
)

_NOTES = """\
PSNR (eq. 4) takes the peak of GT as MAX, "RS peak" that of the restored image, as the authors'
code does. "Matched" scores follow the least-squares scale and offset of each restored image to GT
over the whole frame, so they leave out the arbitrary zero point and scale of the min-max
normalisation; NRMSE on source is the rms error of the matched image on the source's pixels over
the rms of the source above its sky. PSNR and SSIM are mostly about sky: see the matched columns.
"""


def render_scores(table):
    """
    Write Table 1 as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Scores by method (contract `TABLE1`).

    Returns
    -------
    text : str
        Means with standard errors, the best of each column in bold, then medians with
        bootstrap errors and paired differences to the best method.
    """
    name, count = table["set"].iloc[0], int(table["n"].iloc[0])
    return "\n".join(
        [
            f"# Table 1: scores on the test images of set {name}",
            "",
            f"Mean over {count} images, with its standard error; the best of a column in bold.",
            "",
            *_means(table, with_paper=name == TABLE1_SET),
            "",
            _NOTES,
            "## Medians with bootstrap errors, and paired differences to the best method",
            "",
            *_medians(table),
            "",
        ]
    )


def render_by_noise(table):
    """
    Write the scores by class of noise as Markdown, to stand below Table 1.

    Parameters
    ----------
    table : pandas.DataFrame
        As `summary.scores_by_noise` gives it.

    Returns
    -------
    text : str
        One row per method, for each class the matched PSNR [dB] / the NRMSE on the
        source; the best of each in bold.
    """
    columns = [["method", *dict.fromkeys(table["label"])]]
    for _, part in table.groupby("noise_class"):
        low, high = part[["noise_low", "noise_high"]].iloc[0]
        ratios = _bold_best(_numbers(part["psnr_matched"], 2), part["psnr_matched"], False)
        errors = _bold_best(_numbers(part["nrmse_source"], 3), part["nrmse_source"], True)
        cells = [f"{ratio} / {error}" for ratio, error in zip(ratios, errors, strict=True)]
        columns.append([f"noise {low:.3f} to {high:.3f}", *cells])
    return "\n".join(
        [
            "## By the noise of LQ: PSNR, matched [dB] / NRMSE on source",
            "",
            *_table(columns),
            "",
        ]
    )


def render_selection(table):
    """
    Write the counts of sources by reason of rejection as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts (contract `SELECTION`).

    Returns
    -------
    text : str
        One row per criterion, one column per mosaic: sources rejected first by the
        criterion / sources that fail it at all.
    """
    mosaics = list(dict.fromkeys(table["mosaic"]))
    by_key = table.set_index(["criterion", "mosaic"])
    rows = [["criterion", *mosaics, "meaning"]]
    for criterion, meaning in dict(zip(table["criterion"], table["meaning"], strict=True)).items():
        cells = [by_key.loc[(criterion, mosaic)] for mosaic in mosaics]
        if criterion in ("detected", "accepted"):
            counts = [f"{cell['first']}" for cell in cells]
        else:
            counts = [f"{cell['first']} / {cell['failing']}" for cell in cells]
        rows.append([criterion, *counts, meaning])
    return "\n".join(
        [
            "# Sources by reason of rejection",
            "",
            "Sources whose first rejection this is / sources that fail it at all.",
            "",
            *table_lines(rows, numbers=range(1, len(mosaics) + 1)),
            "",
        ]
    )


def render_population(table):
    """
    Write how the population compares with the fits as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Statistics (contract `POPULATION_STATISTICS`).

    Returns
    -------
    text : str
        One table of distributions, one of rank correlations.
    """
    marginal = table[table["statistic"] != "rank_correlation"].set_index(["statistic", "first"])
    correlation = table[table["statistic"] == "rank_correlation"]
    names = list(dict.fromkeys(marginal.loc["median"].index))
    columns = [["quantity", *names]]
    for statistic, heading in (("median", "median"), ("spread", "spread")):
        for key in ("fits", "drawn", "bounded"):
            values = [f"{marginal.loc[(statistic, name), key]:.4g}" for name in names]
            columns.append([f"{heading}, {key}", *values])
    for key in ("drawn", "bounded"):
        values = [marginal.loc[("ks_distance", name), key] for name in names]
        columns.append([f"KS distance, {key}", *_numbers(values, 4)])
    pairs = [f"{row.first}, {row.second}" for row in correlation.itertuples()]
    correlations = [["pair", *pairs]]
    correlations += [[key, *_numbers(correlation[key], 3)] for key in ("fits", "drawn", "bounded")]
    change = (correlation["drawn"] - correlation["fits"]).abs().max()
    distance = marginal.loc["ks_distance", "drawn"].max()
    return "\n".join(
        [
            "# The population against the fits it is drawn from",
            "",
            "Drawn: before bounds; bounded: those within the range of the fits and of GalSim; "
            "spread: half the range of the middle 68%. "
            f"Before bounds distributions are at most {distance:.4f} from the fits' "
            f"(Kolmogorov-Smirnov), rank correlations at most {change:.3f}.",
            "",
            *_table(columns),
            "",
            "## Rank correlations",
            "",
            *_table(correlations),
            "",
        ]
    )


def render_published(galaxies, summary):
    """
    Write the comparison with published fits as Markdown.

    Parameters
    ----------
    galaxies : pandas.DataFrame
        Galaxies (contract `PUBLISHED_FITS`).
    summary : pandas.DataFrame
        Their summary (contract `PUBLISHED_SUMMARY`).

    Returns
    -------
    text : str
        One row for each file, PSF and quantity, then the failed fits.
    """
    columns = [
        ["file", *summary["mosaic"]],
        ["PSF", *summary["psf"]],
        ["ours against published", *summary["meaning"]],
        *([name, *map(str, summary[name])] for name in ("published", "failed", "missing")),
        ["median", *_with_errors(summary["median"], summary["median_error"], 3)],
        ["scatter", *_numbers(summary["scatter"], 3)],
        ["outliers", *(text or "-" for text in summary["outliers"])],
    ]
    failures = galaxies[galaxies["failure"] != ""].groupby(["mosaic", "psf", "failure"], sort=False)
    return "\n".join(
        [
            "# Fits against published ones",
            "",
            "Medians with standard errors, and robust scatters, of the differences; images farther "
            "than 3 scatters from the median. Failed fits and missing values count no further.",
            "",
            *table_lines(list(zip(*columns, strict=True)), numbers=range(3, 8)),
            "",
            "Failed fits: "
            + ("; ".join(f"{n} {' '.join(key)}" for key, n in failures.size().items()) or "none")
            + ".",
            "",
        ]
    )


def render_selection_truth(table, definition):
    """
    Write the selection against the truth as Markdown.

    Parameters
    ----------
    table : pandas.DataFrame
        Counts (contract `SELECTION_TRUTH`).
    definition : str
        What counts as a good galaxy, to stand below.

    Returns
    -------
    text : str
        What the accepted sources are, and what good galaxies were lost to: numbers and
        fractions, one column per mosaic.
    """
    lines = ["# Selection against the truth of the simulated sky", ""]
    for group, heading in (("accepted", "What is accepted"), ("good", "What became of good ones")):
        part = table[table["group"] == group]
        cells = {
            (row.item, row.mosaic): f"{row.count_} ({row.fraction:.2%})" if row.total else "-"
            for row in part.rename(columns={"count": "count_"}).itertuples()
        }
        totals = part.groupby("mosaic", sort=False)["total"].first()
        rows = [["", *totals.index, "meaning"], ["all", *map(str, totals), ""]]
        for item, meaning in dict(zip(part["item"], part["meaning"], strict=True)).items():
            rows.append([item, *(cells[(item, mosaic)] for mosaic in totals.index), meaning])
        lines += [f"## {heading}", "", *table_lines(rows, numbers=range(1, len(totals) + 1)), ""]
    return "\n".join([*lines, definition, ""])


def _means(table, with_paper):
    columns = [["method", *table["label"]], ["N", *(str(n) for n in table["n"])]]
    for score, heading, decimals, smallest in _COLUMNS:
        cells = _with_errors(table[score], table[f"{score}_error"], decimals)
        columns.append([heading, *_bold_best(cells, table[score], smallest)])
    if with_paper:
        columns.append(["paper PSNR [dB]", *_numbers(table["paper_psnr"], 2)])
        columns.append(["paper SSIM", *_numbers(table["paper_ssim"], 4)])
    return _table(columns)


def _medians(table):
    columns = [["method", *table["label"]]]
    for score, heading, decimals, smallest in _COLUMNS:
        cells = _with_errors(table[f"{score}_median"], table[f"{score}_median_error"], decimals)
        columns.append([heading, *_bold_best(cells, table[f"{score}_median"], smallest)])
    for score, heading, decimals, _ in _COLUMNS[:2]:
        cells = _with_errors(
            table[f"{score}_to_best"], table[f"{score}_to_best_error"], decimals + 1
        )
        is_best = (table[f"{score}_to_best"] == 0) & (table[f"{score}_to_best_error"] == 0)
        columns.append(
            [
                f"{heading} to best",
                *("best" if best else cell for cell, best in zip(cells, is_best, strict=True)),
            ]
        )
    return _table(columns)


def _bold_best(cells, values, smallest):
    values = np.asarray(values, dtype=float)
    if np.isnan(values).all():
        return cells
    best = np.nanmin(values) if smallest else np.nanmax(values)
    return [
        f"**{cell}**" if value == best else cell for cell, value in zip(cells, values, strict=True)
    ]
