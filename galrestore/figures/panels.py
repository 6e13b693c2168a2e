"""Panels with images of one galaxy on one stretch, shared by galleries."""

import numpy as np

__all__ = ["inscribe", "show_row"]

# Softening of the asinh stretch, in units of the range: faint outskirts become visible.
_SOFTENING = 0.05


def show_row(panels, images, sky, sigma):
    """
    Show images of one galaxy on the stretch of the last.

    Parameters
    ----------
    panels : sequence of matplotlib.axes.Axes
        One for each image.
    images : sequence of ndarray, shape (H, W)
        Images on one scale, the truth last.
    sky, sigma : float
        Level and noise of the truth's sky: black is three ``sigma`` below it, white the
        truth's peak.
    """
    low, high = sky - 3 * sigma, images[-1].max()
    for panel, image in zip(panels, images, strict=True):
        part = np.clip((image - low) / (high - low), 0, 1)
        shown = np.arcsinh(part / _SOFTENING) / np.arcsinh(1 / _SOFTENING)
        panel.imshow(shown, cmap="gray", vmin=0, vmax=1)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)


def inscribe(panel, text):
    """
    Write into the lower left corner of a panel.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        The panel.
    text : str
        What to write.
    """
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    panel.text(0.03, 0.04, text, transform=panel.transAxes, fontsize=6.5, bbox=box)
