"""Tables of the limits in Markdown."""

import numpy as np

from galrestore.measurement.markdown_table import table_lines

__all__ = ["render_blanks", "render_stars"]

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
