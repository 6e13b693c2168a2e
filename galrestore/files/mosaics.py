"""
Mosaics: FITS images of any size, read by window.

A `Mosaic` is one image of a manifest row with its weight or noise map, its WCS and its
scales.  Only the pixels of a window are in memory, whatever the size of the file.
Arrays are [row, column]; coordinates are 0-based with the centre of the first pixel
at (0, 0), so that x is the column and y the row.
"""

import contextlib
import functools
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from galrestore.errors import InputError
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.tables import read_table
from galrestore.provenance import sha256_of

__all__ = ["Mosaic", "celestial_wcs", "count_images", "open_image", "open_mosaic", "wcs_scale"]

_FETCH = "fetch it again"
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
        science = _pixels(self._paths[0], self._science, y0, y1, x0, x1)
        mask = ~np.isfinite(science)
        if self._weight is None:
            return science, None, mask
        rms = _pixels(self._paths[1], self._weight, y0, y1, x0, x1)
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


@contextlib.contextmanager
def open_image(path, extension, image=0):
    """
    Open one two-dimensional image of a FITS file.

    Parameters
    ----------
    path : str or Path
        FITS file, plain or with tile-compressed images.
    extension : int or str
        Index or name; ``"all"`` for one image in each extension.
    image : int, optional
        With ``"all"``: which of the images, from 0.

    Yields
    ------
    hdu : astropy.io.fits image HDU
        The image, whose ``section`` reads windows.

    Raises
    ------
    InputError
        If the file is missing, truncated or not FITS, if the extension is missing,
        or if it is not a two-dimensional image.
    """
    with _open(path) as hdus:
        with _reading(path):
            hdu = _find(path, hdus, extension, image)
            _require_whole(path, hdu)
        yield hdu


def count_images(path, extension):
    """
    Return how many images an extension setting stands for.

    Parameters
    ----------
    path : str or Path
        FITS file.
    extension : int or str
        As in `open_image`.

    Returns
    -------
    count : int
        1, or the number of two-dimensional images in the file for ``"all"``.

    Raises
    ------
    InputError
        If the file is not readable or ends before the last of its images.
    """
    if extension != "all":
        return 1
    count = 0
    with _open(path) as hdus, _reading(path):
        for hdu in _images(path, hdus):
            _require_whole(path, hdu)
            count += 1
    return count


def celestial_wcs(path, hdu):
    """
    Return the celestial WCS of an open image.

    Parameters
    ----------
    path : str or Path
        File, for messages.
    hdu : astropy.io.fits image HDU
        As opened by `open_image`.

    Returns
    -------
    wcs : astropy.wcs.WCS or None
        Two axes, right ascension first; None if the header describes no sky.

    Raises
    ------
    InputError
        If the header's WCS is broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # obsolete cards that astropy mends by itself
        try:
            wcs = WCS(hdu.header, naxis=2)
            return wcs.celestial if wcs.has_celestial else None
        except Exception as error:  # wcslib raises a dozen unrelated types
            raise InputError(path, f"has a broken WCS ({error})", "mend its header") from error


def wcs_scale(wcs):
    """
    Return the pixel scale of a celestial WCS at its reference pixel.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates in two axes.

    Returns
    -------
    scale : float
        Side of a square of a pixel's area [arcsec].
    """
    return float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600


@contextlib.contextmanager
def _open(path):
    """Open a file whose headers are read when they are asked for."""
    if not Path(path).is_file():
        raise InputError(path, "does not exist", "check the folder and the name of the file")
    with contextlib.ExitStack() as stack:
        with _reading(path):
            # No memory map: a file cut short while mapped ends the process.
            hdus = stack.enter_context(fits.open(path, mode="readonly", memmap=False))
        yield hdus


@contextlib.contextmanager
def _reading(path):
    """Turn astropy's errors into ours; what it merely warns of is checked anew."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except (OSError, ValueError) as error:
        problem = f"is not a readable FITS file ({str(error).splitlines()[0]})"
        raise InputError(path, problem, _FETCH) from error


def _find(path, hdus, extension, image):
    if extension == "all":
        for number, hdu in enumerate(_images(path, hdus)):
            if number == image:
                return hdu
        raise InputError(path, f"holds {number + 1} images, number {image} is wanted")
    key = int(extension) if str(extension).isdigit() else extension
    try:
        hdu = hdus[key]
    except (KeyError, IndexError) as error:
        found = ", ".join(f"{i} {hdu.name}".strip() for i, hdu in enumerate(hdus))
        raise InputError(path, f"has no extension {key!r}", f"it has: {found}") from error
    if not hdu.is_image or len(hdu.shape) != 2:
        kind = f"has {len(hdu.shape)} axes" if hdu.is_image else "is a table"
        raise InputError(path, f"extension {key!r} {kind}, expected a 2-D image")
    return hdu


def _images(path, hdus):
    """Yield the two-dimensional images, one at least."""
    found = False
    for hdu in hdus:
        if hdu.is_image and len(hdu.shape) == 2:
            found = True
            yield hdu
    if not found:
        raise InputError(path, "holds no 2-D image", "name the right file or extension")


def _require_whole(path, hdu):
    """Compare the file's length with the end of the image that its header announces."""
    if isinstance(hdu, fits.CompImageHDU) or Path(path).suffix in {".gz", ".bz2", ".xz"}:
        return  # lengths of compressed data are known only when they are read
    end = hdu.fileinfo()["datLoc"] + hdu.size
    length = Path(path).stat().st_size
    if length < end:
        problem = f"is truncated: {length} bytes, its header announces {end}"
        raise InputError(path, problem, _FETCH)


def _pixels(path, hdu, y0, y1, x0, x1):
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore")
            # FITS is big-endian; float64 beyond float32 becomes infinite, hence masked.
            return np.array(hdu.section[y0:y1, x0:x1], dtype=np.float32)
    except (OSError, ValueError, TypeError, EOFError, RuntimeError) as error:
        raise InputError(path, f"is truncated or broken ({error})", _FETCH) from error


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
