"""Tables of the limits in Markdown."""

import numpy as np

from galrestore.measurement.failures import KINDS
from galrestore.measurement.markdown_table import table_lines

__all__ = [
    "render_blanks",
    "render_drizzling",
    "render_failures",
    "render_false_peaks",
    "render_shear",
    "render_stars",
]

_BLANKS = """\
Input and output are on one scale: that of the min-max normalised image (`blanks`), as every input
of the pipeline, or that of the noise as drawn (`blanks_raw`), which has the mean and the standard
deviation of the sky of a min-max normalised training image. Sources are counted as the paper
detects them, five connected pixels above 1.5 sigma: sigma being the noise of the input in LQ and
in RS, and that of RS itself in the last column. Peak: the highest pixel of all RS above their
median, in units of the input's noise.
"""

_STARS = """\
Stacks of stars aligned by their known centres with a Fourier shift. FWHM: Gaussians fitted to the
stacks, pixel not included; the error of the ratio is a jackknife over the stars. r50, r80: radii
that encircle half and four fifths of the light within 15 pixels. Residual: largest difference of
the stacks of GT and RS, each of unit flux, in units of GT's peak.
"""

_KINDS = KINDS | {"any": "any of these", "false_peak": "with false peaks"}

_FAILURES = """\
Failures among the images that a kind applies to, with the 68 per cent interval of the rate
(Wilson 1927). Lost structure: the rms of GT - RS on the source exceeds a part of GT's; wrong
position angle and too round: second moments over the pixels of GT's object, for elongated ones;
peaks not split: GT's object has two peaks or more, and RS lacks one. Thresholds are the settings
`limits.failures`. RS is brought to GT's zero point and scale by the best affine match.
"""

_FALSE = """\
A false peak is a peak of RS (of prominence `limits.failures.prominence` in units of GT's range, and
six times GT's noise) without one of GT within `limits.failures.distance` pixels, where RS is also
brighter than GT by half of that. Noise beneath: LQ minus the blurred GT, averaged over 3 x 3
pixels, in units of its own standard deviation; rates with 68 per cent Poisson intervals.
"""

_DRIZZLING = """\
The same exposures combined without dithers (white noise), and with random dithers by square and
lanczos3 kernels, drops and pixels of one size. In theory the square kernel leaves an rms of 2/3 of
the white noise's and correlates neighbours by 1/4 (Casertano et al. 2000). Error on source: rms of
GT - RS over that of GT; off source: in units of GT's range; to white: mean difference to the same
galaxies without dithers.
"""

_SHEAR = """\
Ring test: simulated galaxies in four orientations under shears of both signs in each component;
the mean ellipticity is (1 + m) g + c. Fits are of Sersic profiles, for LQ with its PSF, for GT and
RS of what is seen; adaptive moments are GalSim's, of what is seen. Errors are standard errors over
the galaxies; a galaxy without an ellipticity in any of its images is lost. Shape noise cancels, and
noise does between shears of one orientation.
"""


def render_blanks(summary):
    """
    Set the table of blanks.

    Parameters
    ----------
    summary : pandas.DataFrame
        Contract `BLANK_SUMMARY`.

    Returns
    -------
    text : str
        Markdown.
    """
    heading = ["method", "set", "by", "class", "N", "noise drawn", "LQ mean", "LQ std"]
    heading += ["RS mean", "RS std", "RS peak [LQ sigma]"]
    heading += ["in LQ", "in RS", "in RS, own noise"]
    rows = [heading]
    for row in summary.itertuples():
        cells = [row.method, row.set, row.by, str(row.class_index), str(row.n)]
        cells += [f"{value:.4f}" for value in (row.sigma, row.lq_mean, row.lq_std)]
        cells += [f"{row.rs_mean:.4f} ± {row.rs_mean_scatter:.4f}"]
        cells += [f"{row.rs_std:.5f} ± {row.rs_std_scatter:.5f}", f"{row.rs_peak:.2f}"]
        cells += [str(n) for n in (row.lq_sources, row.rs_sources, row.rs_sources_own)]
        rows.append(cells)
    lines = table_lines(rows, numbers=range(3, len(heading)))
    return "\n".join(["# Noise without sources", "", *lines, "", _BLANKS])


def render_stars(summary):
    """
    Set the table of stars.

    Parameters
    ----------
    summary : pandas.DataFrame
        Contract `STAR_SUMMARY`.

    Returns
    -------
    text : str
        Markdown.
    """
    heading = ["method", "PSF of", "N", "noise", "FWHM GT [pixel]", "FWHM RS", "FWHM LQ"]
    heading += ["RS / GT", "r50 GT", "r50 RS", "r80 GT", "r80 RS", "residual"]
    rows = [heading]
    for row in summary.itertuples():
        cells = [row.method, row.source, str(row.n), f"{row.noise_low:.3f}-{row.noise_high:.3f}"]
        cells += [f"{value:.3f}" for value in (row.fwhm_gt, row.fwhm_rs, row.fwhm_lq)]
        cells += [f"{row.ratio:.4f}" + _error(row.ratio_error)]
        cells += [f"{value:.3f}" for value in (row.r50_gt, row.r50_rs, row.r80_gt, row.r80_rs)]
        rows.append([*cells, f"{row.residual:.3f}"])
    lines = table_lines(rows, numbers=range(2, len(heading)))
    return "\n".join(["# Point sources", "", *lines, "", _STARS])


def _error(value):
    return "" if np.isnan(value) else f" ± {value:.4f}"


def render_failures(rates):
    """
    Set the table of failures.

    Parameters
    ----------
    rates : pandas.DataFrame
        Contract `FAILURE_RATES`.

    Returns
    -------
    text : str
        Markdown: a row for each class of noise, a column for each kind.
    """
    kinds = list(dict.fromkeys(rates["kind"]))
    heading = ["method", "set", "noise of LQ", "images", *(_KINDS[kind] for kind in kinds)]
    rows = [heading]
    for (method, name, _), part in rates.groupby(["method", "set", "class_index"], sort=False):
        first = part.iloc[0]
        span = f"{first['noise_low']:.3f}-{first['noise_high']:.3f}"
        own = part.set_index("kind")
        cells = [_failed(own.loc[kind]) for kind in kinds]
        rows.append([method, name, span, str(own.loc["any", "images"]), *cells])
    lines = table_lines(rows, numbers=range(3, len(heading)))
    return "\n".join(["# Failures of restoration", "", *lines, "", _FAILURES])


def _failed(row):
    if not row["images"]:
        return "-"
    return (
        f"{row['failed']} of {row['images']} ({row['rate']:.0%}, "
        f"{row['low']:.0%}-{row['high']:.0%})"
    )


def render_false_peaks(rates, by_noise):
    """
    Set the table of false peaks.

    Parameters
    ----------
    rates : pandas.DataFrame
        Contract `FALSE_PEAK_RATES`.
    by_noise : pandas.DataFrame
        Contract `FAILURE_RATES`, of which the rows of false peaks count.

    Returns
    -------
    text : str
        Markdown.
    """
    heading = ["method", "set", "noise of LQ", "images", "false peaks", "a stamp"]
    rows = [heading]
    for row in by_noise[by_noise["kind"] == "false_peak"].itertuples():
        span = f"{row.noise_low:.3f}-{row.noise_high:.3f}"
        cells = [row.method, row.set, span, str(row.images), str(row.events)]
        rows.append([*cells, f"{row.events / row.images:.3f}"])
    beneath = [
        ["method", "set", "noise beneath [sigma]", "pixels", "false peaks", "per 10^6 pixels"]
    ]
    for row in rates.itertuples():
        span = f"{row.excess_low:g} to {row.excess_high:g}"
        cells = [row.method, row.set, span, str(row.pixels), str(row.false_peaks)]
        value = "-" if np.isnan(row.rate) else f"{row.rate:.1f} ({row.low:.1f}-{row.high:.1f})"
        beneath.append([*cells, value])
    return "\n".join(
        [
            "# Peaks that the truth has not",
            "",
            *table_lines(rows, numbers=range(3, 6)),
            "",
            *table_lines(beneath, numbers=range(3, 6)),
            "",
            _FALSE,
        ]
    )


def render_drizzling(summary):
    """
    Set the table of drizzle kernels.

    Parameters
    ----------
    summary : pandas.DataFrame
        Contract `DRIZZLE_SUMMARY`.

    Returns
    -------
    text : str
        Markdown.
    """
    heading = ["method", "kernel", "N", "noise", "rms / white", "lag 1", "lag 2", "lag 3"]
    heading += ["error on source", "to white", "error off source", "to white"]
    heading += ["false peaks a stamp"]
    shown = [("rms_ratio", 3), *((f"lag_{k}", 3) for k in (1, 2, 3))]
    shown += [("residual", 3), ("residual_to_white", 4), ("outskirts", 4)]
    shown += [("outskirts_to_white", 5), ("false_peaks", 2)]
    rows = [heading]
    for row in summary.to_dict("records"):
        cells = [row["method"], row["kernel"], str(row["n"]), f"{row['noise']:.4f}"]
        cells += [f"{row[name]:.{k}f} ± {row[f'{name}_error']:.{k}f}" for name, k in shown]
        rows.append(cells)
    lines = table_lines(rows, numbers=range(2, len(heading)))
    return "\n".join(["# Kernels of drizzling", "", *lines, "", _DRIZZLING])


def render_shear(biases):
    """
    Set the table of shear biases.

    Parameters
    ----------
    biases : pandas.DataFrame
        Contract `SHEAR_BIASES`.

    Returns
    -------
    text : str
        Markdown.
    """
    heading = ["method", "image", "estimator", "component", "N", "lost", "m", "c"]
    rows = [heading]
    for row in biases.itertuples():
        cells = [row.method, row.image, row.estimator, str(row.component), str(row.n)]
        cells += [str(row.lost), f"{row.m:+.4f} ± {row.m_error:.4f}"]
        rows.append([*cells, f"{row.c:+.5f} ± {row.c_error:.5f}"])
    lines = table_lines(rows, numbers=range(3, len(heading)))
    return "\n".join(["# Calibration of shear", "", *lines, "", _SHEAR])
