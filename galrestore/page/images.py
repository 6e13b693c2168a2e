"""Images as data URIs, and the stamps of the sliders."""

import base64
import io
from typing import NamedTuple

import numpy as np
from PIL import Image

from galrestore.figures.fig05_examples import stretched
from galrestore.measurement.image_quality import affine_match, psnr, sky_level

__all__ = ["Galaxy", "figure_uri", "make_galaxies", "scale_bar", "stamp_uri"]

# Lengths of scale bars [arcsec], and what part of the stamp a bar takes at most.
_LENGTHS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_WIDEST = 0.4
_PIXELS = 16  # length of the bar where the scale is unknown


class Galaxy(NamedTuple):
    """
    One galaxy of the sliders.

    Attributes
    ----------
    frames : list of (str, str, str)
        LQ, RS and GT: name, data URI, text for those who do not see it.
    source : str
        Mosaic, or file of pairs.
    ident : int
        Object.
    noise : float
        rms of the noise of LQ.
    before, after : float
        Affine-matched PSNR of LQ and RS [dB].
    bar : float
        Length of the scale bar over the side of the stamp.
    bar_text : str
        What the bar is long.
    """

    frames: list
    source: str
    ident: int
    noise: float
    before: float
    after: float
    bar: float
    bar_text: str


def make_galaxies(low_quality, restored, truth, about, scales):
    """
    Prepare galaxies for the sliders: one zero point, scale and stretch for LQ, RS and GT.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, H, W)
        Their images, min-max normalised.
    about : pandas.DataFrame
        ``id``, ``source`` and ``noise`` of each (contract `PAIRS`).
    scales : dict of str to float
        Pixel scale [arcsec] by source, where it is known.

    Returns
    -------
    galaxies : list of Galaxy
        In the order given.

    Notes
    -----
    LQ and RS are brought to GT's zero point and scale by the best affine match, as in
    Figure 5.  Black is three sigma below GT's sky, white is GT's peak, by an asinh stretch.
    """
    matched = [affine_match(images, truth)[0] for images in (low_quality, restored)]
    ratios = [psnr(images, truth) for images in matched]
    sky, sigma = sky_level(truth)
    galaxies = []
    for k, row in enumerate(about.itertuples()):
        low, high = sky[k] - 3 * sigma[k], truth[k].max()
        uris = [
            stamp_uri(stretched(image, low, high))
            for image in (matched[0][k], matched[1][k], truth[k])
        ]
        about_image = (row.source, int(row.id), float(row.noise))
        scores = float(ratios[0][k]), float(ratios[1][k])
        bar = scale_bar(truth.shape[-1], scales.get(row.source))
        frames = _frames(uris, *about_image, *scores)
        galaxies.append(Galaxy(frames, *about_image, *scores, *bar))
    return galaxies


def _frames(uris, source, ident, noise, before, after):
    said = (
        f"low quality, noise rms {noise:.3f}, {before:.1f} dB",
        f"restored, {after:.1f} dB",
        "ground truth",
    )
    named = zip(("LQ", "RS", "GT"), uris, said, strict=True)
    return [(name, uri, f"Galaxy {ident} of {source}, {text}") for name, uri, text in named]


def scale_bar(side, scale):
    """
    Choose the length of a scale bar.

    Parameters
    ----------
    side : int
        Side of the stamp [pixel].
    scale : float or None
        Pixel scale [arcsec]; None where it is unknown.

    Returns
    -------
    length : float
        Length over the side: the longest of some round lengths up to four tenths of it.
    text : str
        The length, with its unit.
    """
    if scale is None:
        return _PIXELS / side, f"{_PIXELS} px"
    fitting = [length for length in _LENGTHS if length <= _WIDEST * side * scale]
    length = fitting[-1] if fitting else _LENGTHS[0]
    return length / (side * scale), f"{length:g}″"


def stamp_uri(image):
    """
    Write a stamp as a data URI.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Pixels in [0, 1], the first row at the bottom.

    Returns
    -------
    uri : str
        PNG in grey, 8 bits a pixel.
    """
    grey = np.rint(255 * np.clip(image[::-1], 0, 1)).astype(np.uint8)
    return _uri(Image.fromarray(grey), "png", optimize=True)


def figure_uri(image):
    """
    Write a figure as a data URI.

    Parameters
    ----------
    image : PIL.Image.Image
        The figure.

    Returns
    -------
    uri : str
        WebP without loss.
    """
    return _uri(image, "webp", lossless=True, quality=60, method=4, exact=True)


def _uri(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
