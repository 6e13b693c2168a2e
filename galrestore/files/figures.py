"""Figures as PNG files that hold their caption and what made them."""

import json
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from galrestore.errors import InputError
from galrestore.provenance import Provenance

__all__ = ["read_caption", "read_figure", "read_provenance"]


def read_caption(path):
    """
    Return the caption of a figure.

    Parameters
    ----------
    path : str or Path
        PNG that `galrestore.figures.style.save` wrote.

    Returns
    -------
    caption : str
        What the figure shows, with its numbers.

    Raises
    ------
    InputError
        If the file is missing or broken, or holds no caption.
    """
    return _text(path, "Description", "holds no caption")


def read_provenance(path):
    """
    Return what made a figure.

    Parameters
    ----------
    path : str or Path
        PNG that `galrestore.figures.style.save` wrote.

    Returns
    -------
    provenance : Provenance
        The record in the file.

    Raises
    ------
    InputError
        If the file is missing or broken, or holds no record.
    """
    record = _text(path, "galrestore", "holds no provenance")
    try:
        return Provenance.from_json(record)
    except (json.JSONDecodeError, TypeError) as error:
        raise InputError(path, f"holds a broken provenance record ({error})") from error


def read_figure(path):
    """
    Read the pixels of a figure.

    Parameters
    ----------
    path : str or Path
        PNG file.

    Returns
    -------
    image : PIL.Image.Image
        The figure on white, in RGB.

    Raises
    ------
    InputError
        If the file is missing or broken.
    """
    image = _open(path).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _text(path, key, problem):
    text = _open(path).text.get(key)
    if text is None:
        raise InputError(path, problem, "it was not written by galrestore")
    return text


def _open(path):
    if not Path(path).is_file():
        raise InputError(path, "does not exist")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return image
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        raise InputError(path, f"is not a readable PNG file ({error})", "remake it") from error
