"""
What report and page show: title, place in the paper and category of every figure and table.

The standard library alone is needed here, because the Snakefile imports this module.
"""

from pathlib import PurePath
from typing import NamedTuple

__all__ = ["Entry", "entry_of", "in_order"]

_TRAINING = "1. Networks and training (section 2)"
_SAMPLES = "2. Selection, fits and population (section 3)"
_SCORES = "3. Restored images and Table 1 (sections 4.1, 4.2)"
_SHAPES = "4. Morphology and photometry (sections 4.3, 4.4)"
_HST = "5. HST images (section 5)"
_LIMITS = "6. Limits (section 6, appendix A)"
_ABOUT = "7. Claims and provenance"

# Figures: category, place in the paper (empty where it has none), title.
_FIGURES = {
    "fig01_architecture": (_TRAINING, "Figure 1", "The network"),
    "fig02_training": (_TRAINING, "Figure 2", "Phases of training"),
    "training_curves": (_TRAINING, "", "Losses and scores during training"),
    "selection_funnel": (_SAMPLES, "", "Sources left by each criterion"),
    "star_locus": (_SAMPLES, "", "Star locus of each mosaic"),
    "fig03_sizes": (_SAMPLES, "Figure 3", "Sizes of HST stamps"),
    "fig04_corner": (_SAMPLES, "Figure 4", "Fits of HST and of GalSim images"),
    "fit_quality": (_SAMPLES, "", "Fits of GalSim images against truth"),
    "published_fits": (_SAMPLES, "", "Fits against published ones"),
    "fig05_examples": (_SCORES, "Figure 5", "Restored galaxies"),
    "fig06_morphology": (_SHAPES, "Figure 6", "Morphology against the ground truth"),
    "fig07_photometry": (_SHAPES, "Figure 7", "Photometry against the ground truth"),
    "calibration": (_SHAPES, "", "Bias and scatter of flux, size and index"),
    "residual_power": (_SHAPES, "", "Residual power by spatial frequency"),
    "fig08a_single_epoch": (_HST, "Figure 8a", "Single-epoch exposures restored"),
    "shallow_epoch": (_HST, "", "Real mosaics as one of their exposures"),
    "fig08b_mosaic": (_HST, "Figure 8b", "HST mosaic restored, beside NIRCam"),
    "fig09_morphology": (_HST, "Figure 9", "Morphology of single-epoch images"),
    "fig10_photometry": (_HST, "Figure 10", "Photometry of single-epoch images"),
    "fig11_failures": (_LIMITS, "Figure 11", "Failures of restoration"),
    "fig12_stars": (_LIMITS, "Figure 12", "Stacked stars"),
    "fig13_drizzle": (_LIMITS, "Figure 13", "Kernels of drizzling"),
    "fig14_blanks": (_LIMITS, "Figure 14", "Noise without sources"),
    "hallucination": (_LIMITS, "", "Peaks that the truth has not"),
    "shear_calibration": (_LIMITS, "", "Calibration of shear"),
}
# Tables by the beginning of their name; what follows it is the set of pairs.
_TABLES = {
    "selection": (_SAMPLES, "", "Sources by first rejection"),
    "selection_truth": (_SAMPLES, "", "Selection against the simulated truth"),
    "population": (_SAMPLES, "Figure 4", "Population against the fits"),
    "published_fits": (_SAMPLES, "", "Fits against published ones"),
    "table1": (_SCORES, "Table 1", "Scores by method"),
    "morphology": (_SHAPES, "Figure 6", "Morphology"),
    "photometry": (_SHAPES, "Figure 7", "Photometry"),
    "calibration": (_SHAPES, "", "Bias and scatter in bins"),
    "limits_blanks": (_LIMITS, "Figure 14", "Noise without sources"),
    "limits_drizzle": (_LIMITS, "Figure 13", "Kernels of drizzling"),
    "limits_failures": (_LIMITS, "Figure 11", "Failures by noise"),
    "limits_false_peaks": (_LIMITS, "", "Peaks that the truth has not"),
    "limits_shear": (_LIMITS, "", "Calibration of shear"),
    "limits_stars": (_LIMITS, "Figure 12", "Widths of stars"),
    "claims": (_ABOUT, "", "The paper's claims beside this run's figures"),
    "provenance": (_ABOUT, "", "What made the files of this run"),
}
_HST_SETS = ("single_epoch", "single_epoch_truth", "shallow_epoch", "multi_epoch")


class Entry(NamedTuple):
    """
    What report and page say about a figure or a table beside its caption.

    Attributes
    ----------
    category : str
        Heading it stands under.
    kind : str
        ``"Figures"`` or ``"Tables"``.
    paper : str
        Its place in the paper; empty where it has none.
    title : str
        What it shows.
    pairs : str
        Set of pairs of a table; empty where there is only one.
    """

    category: str
    kind: str
    paper: str
    title: str
    pairs: str


def entry_of(path):
    """
    Look up a figure or a table by its file's name.

    Parameters
    ----------
    path : str or Path
        Figures end in ``.png``; everything else is a table.

    Returns
    -------
    entry : Entry
        What is said about it.

    Raises
    ------
    KeyError
        If there is nothing of that name.
    """
    path = PurePath(path)
    if path.suffix == ".png":
        category, paper, title = _FIGURES[path.stem]
        return Entry(category, "Figures", paper, title, "")
    if path.stem in _TABLES:
        category, paper, title = _TABLES[path.stem]
        return Entry(category, "Tables", paper, title, "")
    name, _, pairs = path.stem.partition("_")
    category, paper, title = _TABLES[name]
    return Entry(_HST if pairs in _HST_SETS else category, "Tables", paper, title, pairs)


def in_order(figures):
    """
    Sort figures as they follow in the paper.

    Parameters
    ----------
    figures : iterable of str or Path
        Files of figures.

    Returns
    -------
    figures : list
        The same, each beside the others of its category.
    """
    names = list(_FIGURES)
    return sorted(figures, key=lambda path: names.index(PurePath(path).stem))
