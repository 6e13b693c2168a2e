"""
Writing mosaics of any size in bounded memory.

Windows of float32 pixels are put in place with seek and write: not through a memory
map, where a full disk would end the process.
"""

import contextlib

import numpy as np
from astropy.io import fits

from galrestore.files.atomic import atomic
from galrestore.files.cubes import provenance_header

__all__ = ["MosaicWriter"]

_BLOCK = 2880  # FITS files are made of blocks of this many bytes


class MosaicWriter:
    """
    FITS file of float32 images, written by window; a context manager.

    The file appears under its name when the context ends well, and not at all
    otherwise.

    Parameters
    ----------
    path : str or Path
        FITS file to write.
    images : dict of str to (int, int)
        Shape (rows, columns) of each image by extension name.  The image called
        ``"PRIMARY"``, if any, must come first; without it the file starts with a
        primary header that holds no image.
    headers : dict of str to astropy.io.fits.Header
        Cards of each image and of ``"PRIMARY"``, structural ones left out.
    provenance : Provenance
        What made the file; stored in the primary header.

    Raises
    ------
    ValueError
        On leaving the context, if some pixels were not written exactly once.
    """

    def __init__(self, path, images, headers, provenance):
        self._path = path
        self._images = images
        self._headers = headers
        self._provenance = provenance
        self._data = {}  # first byte of each image
        self._missing = {name: height * width for name, (height, width) in images.items()}
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as opening:
            part = opening.enter_context(atomic(self._path))
            self._file = opening.enter_context(open(part, "wb"))
            self._lay_out()
            self._stack = opening.pop_all()
        return self

    def __exit__(self, kind, error, traceback):
        unwritten = {name: count for name, count in self._missing.items() if count}
        if kind is None and unwritten:
            msg = f"{self._path}: pixels unwritten or written twice: {unwritten}"
            self._stack.__exit__(ValueError, ValueError(msg), None)
            raise ValueError(msg)
        return self._stack.__exit__(kind, error, traceback)

    def write(self, name, y0, x0, pixels):
        """
        Put a window in place.

        Parameters
        ----------
        name : str
            Image.
        y0, x0 : int
            Row and column of the window's first pixel.
        pixels : ndarray of float, shape (H, W)
            The window, stored as float32.

        Raises
        ------
        ValueError
            If the window reaches beyond the image.
        OSError
            If the disk is full.
        """
        height, width = self._images[name]
        rows, columns = pixels.shape
        if not (0 <= y0 <= height - rows and 0 <= x0 <= width - columns):
            msg = f"window at ({y0}, {x0}) of shape {pixels.shape} not inside {height} x {width}"
            raise ValueError(msg)
        stored = np.ascontiguousarray(pixels, dtype=">f4")
        self._missing[name] -= stored.size
        pieces = [stored] if columns == width else stored
        for row, piece in enumerate(pieces):
            self._file.seek(self._data[name] + 4 * ((y0 + row) * width + x0))
            self._file.write(piece.tobytes())

    def _lay_out(self):
        """Write all headers and give the file its full length, padding included."""
        names = list(self._images)
        if names[:1] != ["PRIMARY"]:
            names.insert(0, "PRIMARY")
        position = 0
        for name in names:
            header = self._header(name).tostring().encode("ascii")
            self._file.seek(position)
            self._file.write(header)
            height, width = self._images.get(name, (0, 0))
            self._data[name] = position + len(header)
            position = self._data[name] + -(-4 * height * width // _BLOCK) * _BLOCK
        self._file.truncate(position)

    def _header(self, name):
        shape = self._images.get(name)
        first = ("SIMPLE", True) if name == "PRIMARY" else ("XTENSION", "IMAGE")
        cards = [first, ("BITPIX", -32 if shape else 8), ("NAXIS", 2 if shape else 0)]
        if shape:
            cards += [("NAXIS1", shape[1]), ("NAXIS2", shape[0])]
        if name == "PRIMARY":
            cards += [("EXTEND", True)]
        else:
            cards += [("PCOUNT", 0), ("GCOUNT", 1), ("EXTNAME", name)]
        header = fits.Header(cards)
        header.extend(self._headers.get(name, fits.Header()), unique=True)
        if name == "PRIMARY":
            header.extend(provenance_header(self._provenance))
        return header
