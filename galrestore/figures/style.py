"""
Shared look of the figures, and how they are written.

Colours are Okabe and Ito's, told apart by the colour-blind and, in the order given, by
their lightness in grey.  Text stays text in the PDF.  Files hold the caption and what
made them, and no dates: the same input gives the same bytes.

References
----------
Okabe & Ito (2008), "Color Universal Design", jfly.uni-koeln.de/color.
"""

import contextlib
import logging

import matplotlib as mpl
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from galrestore.files.atomic import atomic

__all__ = ["BLUE", "VERMILION", "WIDTH", "plain_ticks", "save", "style"]

BLUE = "#0072B2"
VERMILION = "#D55E00"

# Width of a text column of the Astrophysical Journal, of images six rows of which fit
# on its page, and of the page itself [inch].
WIDTH = {"column": 3.5, "gallery": 5.6, "page": 7.1}

_RESOLUTION = 200  # dots per inch of the PNG
_SETTINGS = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "lines.linewidth": 1.0,
    "image.interpolation": "nearest",
    "image.origin": "lower",
    "pdf.fonttype": 42,
    "savefig.dpi": _RESOLUTION,
}

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def style():
    """Give figures drawn or saved inside the context the shared look."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **_SETTINGS}):
        yield


def plain_ticks(axis, reach):
    """
    Label a logarithmic axis with plain numbers.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        The axis.
    reach : float
        Its end over its beginning: short axes have ticks at 1, 2 and 5, long ones at 1.
    """
    digits = (1, 2, 5) if reach < 40 else (1, 3) if reach < 200 else (1,)
    axis.set_major_locator(LogLocator(subs=digits))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save(figure, caption, pdf, png, provenance):
    """
    Write a figure as PDF and PNG, both or none.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers; stored in both files and logged.
    pdf, png : Path
        Files to write.
    provenance : Provenance
        What made the figure; stored in both files.
    """
    record = provenance.to_json()
    about_pdf = {
        "Title": pdf.stem,
        "Subject": caption,
        "Keywords": record,
        "Creator": "galrestore",
        "Producer": None,
        "CreationDate": None,
    }
    about_png = {"Title": png.stem, "Description": caption, "galrestore": record, "Software": None}
    with style(), atomic(pdf) as pdf_part, atomic(png) as png_part:
        figure.savefig(pdf_part, format="pdf", metadata=about_pdf)
        figure.savefig(png_part, format="png", metadata=about_png)
    logger.info("%s: %s", png, caption)
