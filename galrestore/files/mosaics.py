"""
Mosaics: FITS images of any size, read by window.

A `Mosaic` is one image of a manifest row with its weight or noise map, its WCS and its
scales.  Only the pixels of a window are in memory, whatever the size of the file.
Arrays are [row, column]; coordinates are 0-based with the centre of the first pixel
at (0, 0), so that x is the column and y the row.
"""

import contextlib
import functools
from pathlib import Path

import numpy as np

from galrestore.errors import InputError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.images import celestial_wcs, open_image, read_window
from galrestore.files.tables import read_table
from galrestore.provenance import sha256_of

__all__ = ["Mosaic", "MosaicImages", "open_mosaic"]

# Rows read at once while looking for the first pixel with data.
_ROWS = 256


def open_mosaic(source, image=0):
    """
    Open one image of a mosaic.

    Parameters
    ----------
    source : str, Path, mapping or pandas.Series
        Manifest: a Parquet file of one row, or the row itself (contract `MANIFEST`).
    image : int, optional
        Which image of a file with one cutout per extension, from 0.

    Returns
    -------
    mosaic : Mosaic
        A context manager; close it after use.

    Raises
    ------
    InputError
        If a file is missing, truncated, not FITS, without the extension or not
        two-dimensional; if science and weight differ in shape; or if a file is no
        longer the one the manifest describes.
    """
    row = source
    if isinstance(source, str | Path):
        row = read_table(source, MANIFEST).iloc[0]
    for kind in ("science", "weight"):
        _require_same_file(row[kind], row[f"{kind}_sha256"])
    return Mosaic(row, image)


class Mosaic:
    """
    One image of a mosaic, with its weight or noise map, read by window.

    Use it as a context manager.

    Parameters
    ----------
    row : mapping
        Manifest row, see `galrestore.files.contracts.manifest`.
    image : int
        Which image of several, from 0.

    Attributes
    ----------
    name, telescope, band, field, unit : str
        As in the manifest.
    pixel_scale, psf_fwhm : float
        Pixel scale and width of the PSF [arcsec].
    shape : tuple of int
        Rows and columns.
    wcs : astropy.wcs.WCS or None
        Celestial coordinates, if the header has them.
    has_weight : bool
        Whether there is a weight or noise map.
    weight_kind : str
        ``"inverse_variance"`` (relative), ``"rms"`` or ``""``.
    n_images : int
        Number of images that the manifest row stands for.
    """

    def __init__(self, row, image):
        self.name, self.telescope, self.band = row["mosaic"], row["telescope"], row["band"]
        self.field, self.unit = row["field"], row["unit"]
        self.pixel_scale, self.psf_fwhm = float(row["pixel_scale"]), float(row["psf_fwhm"])
        self.n_images, self.weight_kind = int(row["images"]), row["weight_kind"]
        self.has_weight = bool(row["weight"])
        self._paths = row["science"], row["weight"]
        with contextlib.ExitStack() as opening:
            self._science = opening.enter_context(
                open_image(row["science"], row["science_hdu"], image)
            )
            self.shape = self._science.shape
            self.wcs = celestial_wcs(row["science"], self._science)
            self._weight = None
            if self.has_weight:
                self._weight = opening.enter_context(
                    open_image(row["weight"], row["weight_hdu"], image)
                )
            self._check_shapes(row, image)
            self._files = opening.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """Close the files."""
        self._files.close()

    def _check_shapes(self, row, image):
        described = (int(row["height"]), int(row["width"]))
        if image == 0 and self.shape != described:
            raise InputError(
                row["science"],
                f"is {self.shape[0]} x {self.shape[1]}, its manifest says "
                f"{described[0]} x {described[1]}",
                "run stage acquire again",
            )
        if self._weight is not None and self._weight.shape != self.shape:
            raise InputError(
                row["weight"],
                f"has shape {self._weight.shape}, the science image {row['science']} has "
                f"{self.shape}",
                "name the weight or noise map that belongs to the image",
            )

    def window(self, y0, y1, x0, x1):
        """
        Read a window; only its pixels are in memory.

        Parameters
        ----------
        y0, y1, x0, x1 : int
            Rows y0 to y1 - 1 and columns x0 to x1 - 1, inside the image.

        Returns
        -------
        science : ndarray of float32, shape (y1 - y0, x1 - x0)
            Pixels in the mosaic's unit and native byte order; those under the mask may
            hold anything, NaN included.
        rms : ndarray of float32, same shape, or None
            Noise of each pixel: in the mosaic's unit for ``weight_kind = "rms"``, and
            1/sqrt(weight), known up to a factor only, for ``"inverse_variance"``.
            Infinite under the mask.  None without a map.
        mask : ndarray of bool, same shape
            True where there is no data: science not finite, weight not positive and
            finite, or rms not positive and finite.

        Raises
        ------
        ValueError
            If the window is empty or reaches beyond the image.
        InputError
            If the file cannot be read there.
        """
        height, width = self.shape
        if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
            msg = f"window rows {y0}:{y1}, columns {x0}:{x1} not inside {height} x {width}"
            raise ValueError(msg)
        science = read_window(self._paths[0], self._science, y0, y1, x0, x1)
        mask = ~np.isfinite(science)
        if self._weight is None:
            return science, None, mask
        rms = read_window(self._paths[1], self._weight, y0, y1, x0, x1)
        mask |= ~(np.isfinite(rms) & (rms > 0))
        if self.weight_kind == "inverse_variance":
            with np.errstate(divide="ignore", invalid="ignore"):
                rms = 1 / np.sqrt(rms)
        rms[mask] = np.inf
        return science, rms, mask

    def sky(self, x, y):
        """
        Return sky coordinates of pixel positions.

        Parameters
        ----------
        x, y : array_like of float, shape (N,)
            Column and row [pixel], 0-based.

        Returns
        -------
        ra, dec : ndarray of float64, shape (N,)
            Right ascension and declination [deg]; NaN without a WCS.
        """
        x, y = (np.asarray(values, dtype=float) for values in (x, y))
        if self.wcs is None:
            return np.full(x.shape, np.nan), np.full(y.shape, np.nan)
        return tuple(np.asarray(axis) for axis in self.wcs.all_pix2world(x, y, 0))

    def require_data(self):
        """
        Refuse an image without a single pixel of data.

        Raises
        ------
        InputError
            If all pixels are masked; reading stops at the first one that is not.
        """
        height, width = self.shape
        for y0 in range(0, height, _ROWS):
            if not self.window(y0, min(y0 + _ROWS, height), 0, width)[2].all():
                return
        raise InputError(
            self._paths[0],
            "has no finite pixel" + (" of positive weight" if self.has_weight else ""),
            "check the file and its extensions",
        )


class MosaicImages:
    """
    Images of a mosaic, opened one after the other as often as they are gone through.

    Parameters
    ----------
    source : str, Path, mapping or pandas.Series
        As in `open_mosaic`.
    """

    def __init__(self, source):
        self._source = source

    def __iter__(self):
        count, index = 1, 0
        while index < count:
            with open_mosaic(self._source, index) as image:
                yield image
                count = image.n_images
            index += 1


def _require_same_file(path, digest):
    if not path or not digest:
        return
    if not Path(path).is_file():
        raise InputError(path, "does not exist", "check the folder and the name of the file")
    status = Path(path).stat()
    if _sha256(str(path), status.st_size, status.st_mtime_ns) != digest:
        raise InputError(
            path, "has changed since its manifest was written", "run stage acquire again"
        )


@functools.lru_cache(maxsize=64)
def _sha256(path, size, modified):
    """Digest, computed once for each state of a file (100 cutouts may share one)."""
    del size, modified
    return sha256_of(path)
