"""The numbers of a run in a sentence each."""

import numpy as np

from galrestore.measurement.claims_rows import with_error
from galrestore.measurement.published import TABLE1_SET

__all__ = ["headlines"]

_UNTRAINED = "none"
_SCATTERS = {"n": "Sersic index", "r50": "half-light radius", "log isophotal flux": "flux"}
_SHAPE_FILES = "tables/morphology_jwst.md, tables/photometry_jwst.md"


def headlines(table1, claims, shown, trained):
    """
    Say what a run comes to.

    Parameters
    ----------
    table1 : pandas.DataFrame
        Scores by method (contract `TABLE1`).
    claims : pandas.DataFrame
        The paper's claims beside the run's figures (contract `CLAIMS`).
    shown : str
        Method that stands for the paper's network.
    trained : sequence of str
        Methods that are networks.

    Returns
    -------
    sentences : list of (str, str)
        Each with the file that holds its numbers; sentences whose numbers the run has not
        are left out.
    """
    rows = table1.set_index("method")
    figures = claims.set_index("claim")
    sentences = [*_scores(rows, shown, trained), *_scatters(figures), *_limits(figures)]
    return [sentence for sentence in sentences if sentence is not None]


def _scores(rows, shown, trained):
    if not {shown, _UNTRAINED} <= set(rows.index):
        return
    file = f"tables/table1_{TABLE1_SET}.md"
    ours, before = rows.loc[shown], rows.loc[_UNTRAINED]
    text = (
        f"On {ours['n']} test images PSNR after the best affine match is "
        f"{_score(before, 'psnr_matched', 2)} dB as degraded and "
        f"{_score(ours, 'psnr_matched', 2)} dB restored by the network trained on {ours['label']}"
    )
    others = rows.drop(index=[_UNTRAINED, *(name for name in trained if name in rows.index)])
    if len(others):
        best = others.loc[others["psnr_matched"].idxmax()]
        score = _score(best, "psnr_matched", 2)
        text += f"; the best method without training, {best['label']}, reaches {score} dB"
    yield f"{text}.", file
    yield (
        f"The rms error on the source is {_score(before, 'nrmse_source', 3)} of the source's rms "
        f"as degraded and {_score(ours, 'nrmse_source', 3)} restored.",
        file,
    )
    text = (
        f"Counted as the paper does, PSNR is {_score(ours, 'psnr', 2)} dB and SSIM "
        f"{_score(ours, 'ssim', 3)}"
    )
    if np.isfinite(ours["paper_psnr"]):
        text += f" (the paper, on its own stamps: {ours['paper_psnr']:.2f} and "
        text += f"{ours['paper_ssim']:.3f})"
    yield f"{text}; both mostly count the zero point that min-max normalisation gives.", file


def _score(row, name, decimals):
    return with_error(row[name], row[f"{name}_error"], decimals)


def _scatters(figures):
    named = {
        text: figures.loc[claim]
        for quantity, text in _SCATTERS.items()
        if (claim := f"scatter of {quantity}, LQ's over RS's") in figures.index
    }
    if not named:
        return
    ratios = [f"{_figure(row)} in {text}" for text, row in named.items()]
    published = ", ".join(f"{row['paper']:.1f}" for row in named.values())
    yield (
        f"Restoring divides the scatter about the ground truth by {_listed(ratios)} (the paper: "
        f"{published}); a number below 1 means that the scatter grows.",
        _SHAPE_FILES,
    )


def _limits(figures):
    failing = "noise of LQ beyond which failures are frequent (half fail)"
    if failing in figures.index:
        row = figures.loc[failing]
        tried = np.isfinite(row["ours"])
        at = f"at a noise of LQ of {_figure(row)}" if tried else "at no noise tried"
        yield f"Half of the restorations fail {at} (the paper: about 0.1).", row["file"]
    blanks = "sources in 10,000 restored images of noise, min-max normalised"
    if blanks in figures.index:
        row = figures.loc[blanks]
        count, _, images = row["also"].partition(" in ")
        yield (
            f"Sources that the network invents in {int(images):,} images of noise: {count} "
            "(the paper: 0 in 10,000).",
            row["file"],
        )
    biases = figures[figures.index.str.startswith("multiplicative bias of shear in RS")]
    if len(biases):
        values = _listed([_figure(row) for _, row in biases.iterrows()])
        yield (
            f"Restored images are not calibrated for shear: its multiplicative bias is {values}.",
            biases["file"].iloc[0],
        )


def _figure(row):
    return with_error(row["ours"], row["error"], row["decimals"])


def _listed(parts):
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
