"""
Geometry between a mosaic and the distorted frame of a detector, through full WCSs.

Pixels are 0-based, windows are (y0, y1, x0, x1): rows y0 to y1 - 1 and columns x0 to
x1 - 1.  Positions go from pixels to the sky with all distortions and from the sky to a
mosaic, which has none, in closed form: nothing is iterated but `overlap` of a mosaic's
window with a detector, which looks at a coarse grid instead.
"""

import numpy as np
from drizzle.resample import blot_image
from scipy.ndimage import distance_transform_edt

__all__ = ["blot", "overlap", "pixel_jacobians", "pixel_map", "pixel_map_and_areas"]

_STRIP = 256  # rows mapped at once
_GRID = 32  # spacing of the coarse grid [pixel]
# Rows and columns around a point that the widest interpolation looks at.
_REACH = 4
KERNELS = ("nearest", "linear", "poly3", "poly5", "lanczos3", "lanczos5")


def pixel_map(wcs, target, window):
    """
    Map pixels of one frame to positions in another.

    Parameters
    ----------
    wcs, target : astropy.wcs.WCS
        Frames from and to; all distortions of ``wcs`` count, ``target`` has none.
    window : tuple of int
        Window of ``wcs``.

    Returns
    -------
    positions : ndarray of float64, shape (H, W, 2)
        Column and row in ``target`` of each pixel's centre [pixel].
    """
    y0, y1, x0, x1 = window
    rows, columns = np.mgrid[y0:y1, x0:x1].astype(float)
    x, y = _mapped(wcs, target, columns.ravel(), rows.ravel())
    return np.stack([x, y], axis=-1).reshape(y1 - y0, x1 - x0, 2)


def pixel_map_and_areas(wcs, target, window):
    """
    Map pixels of one frame to positions and areas in another.

    Parameters
    ----------
    wcs, target, window
        As in `pixel_map`.

    Returns
    -------
    positions : ndarray of float64, shape (H, W, 2)
        As returned by `pixel_map`.
    areas : ndarray of float64, shape (H, W)
        Area of each pixel in pixels of ``target``, the determinant of the local
        Jacobian by central differences.
    """
    y0, y1, x0, x1 = window
    wide = pixel_map(wcs, target, (y0 - 1, y1 + 1, x0 - 1, x1 + 1))
    along = (wide[1:-1, 2:] - wide[1:-1, :-2]) / 2
    across = (wide[2:, 1:-1] - wide[:-2, 1:-1]) / 2
    areas = np.abs(along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0])
    return np.ascontiguousarray(wide[1:-1, 1:-1]), areas


def pixel_jacobians(wcs, x, y):
    """
    Return how the sky moves with a pixel position.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Frame with its distortions.
    x, y : array_like of float, shape (N,)
        Column and row [pixel].

    Returns
    -------
    jacobians : ndarray of float64, shape (N, 2, 2)
        Offsets east (first row) and north with column (first column) and row
        [arcsec/pixel], by central differences over one pixel.
    """
    x, y = (np.atleast_1d(np.asarray(values, dtype=float)) for values in (x, y))
    _, dec = wcs.all_pix2world(x, y, 0)
    columns = []
    for dx, dy in ((0.5, 0.0), (0.0, 0.5)):
        after, before = (wcs.all_pix2world(x + s * dx, y + s * dy, 0) for s in (1, -1))
        # Right ascension may step over 360 degrees.
        east = ((after[0] - before[0] + 180) % 360 - 180) * np.cos(np.radians(dec))
        columns.append(np.stack([east, after[1] - before[1]], axis=-1))
    return np.stack(columns, axis=-1) * 3600


def overlap(wcs, shape, target, window, margin=_REACH):
    """
    Find the part of a frame that falls into a window of another.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Frame whose part is wanted, distortions included.
    shape : (int, int)
        Rows and columns of that frame.
    target : astropy.wcs.WCS
        Frame of the window, without distortions.
    window : tuple of int
        Window of ``target``.
    margin : float, optional
        Pixels of ``target`` added on all sides.

    Returns
    -------
    part : tuple of int or None
        Window of ``wcs`` that holds all pixels which fall into the window and some more;
        None if there are none.
    """
    rows, columns = (np.unique(np.r_[0 : n - 1 : _GRID, n - 1]) for n in shape)
    x, y = _mapped(wcs, target, *(g.ravel().astype(float) for g in np.meshgrid(columns, rows)))
    x, y = (values.reshape(len(rows), len(columns)) for values in (x, y))
    # A pixel that falls into the window has a point of the grid within one step.
    steps = [np.abs(np.diff(v, axis=a)).max(initial=0) for v in (x, y) for a in (0, 1)]
    wide = margin + 2 * max(steps)
    y0, y1, x0, x1 = window
    inside = (y > y0 - wide) & (y < y1 + wide) & (x > x0 - wide) & (x < x1 + wide)
    if not inside.any():
        return None
    hit_rows, hit_columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return (
        int(rows[hit_rows[0]]),
        int(rows[hit_rows[-1]]) + 1,
        int(columns[hit_columns[0]]),
        int(columns[hit_columns[-1]]) + 1,
    )


def blot(image, wcs, target, window, origin=(0, 0), nominal_scale=None, kernel="poly5"):
    """
    Bring a mosaic to the frame of a detector.

    Parameters
    ----------
    image : ndarray of float, shape (H, W)
        Cutout of the mosaic, flux per pixel; NaN where there is no data.
    wcs : astropy.wcs.WCS
        The whole mosaic's, without distortions.
    target : astropy.wcs.WCS
        The detector's, with its distortions.
    window : tuple of int
        Window of the detector to fill.
    origin : (int, int), optional
        Row and column of the cutout's first pixel in the mosaic.
    nominal_scale : float, optional
        Side of the nominal pixel of a flat-fielded exposure [arcsec]: the result then is
        surface brightness times that pixel's area, as in the exposure.  By default it is
        the flux in each pixel, by the pixel's own area.
    kernel : str, optional
        Interpolation of drizzle's blot, one of `KERNELS`.

    Returns
    -------
    blotted : ndarray of float32, shape (y1 - y0, x1 - x0)
        Flux per pixel of the detector (times the exposure's factor, see above); NaN where
        the mosaic has no data or does not reach.

    Raises
    ------
    ValueError
        For an unknown kernel.

    Notes
    -----
    Surface brightness is interpolated at the centres of the detector's pixels, as
    AstroDrizzle does; the smoothing by the mosaic's own pixels stays in the image.  A
    cutout should hold some pixels more than the window covers, see `overlap`.

    References
    ----------
    Fruchter & Hook (2002), PASP 114, 144.
    """
    if kernel not in KERNELS:
        msg = f"kernel must be one of {', '.join(KERNELS)}, got {kernel!r}"
        raise ValueError(msg)
    y0, y1, x0, x1 = window
    blank = ~np.isfinite(image)
    filled = _filled(image, blank).astype(np.float32)
    result = np.empty((y1 - y0, x1 - x0), np.float32)
    for top in range(y0, y1, _STRIP):
        strip = (top, min(top + _STRIP, y1), x0, x1)
        positions, areas = pixel_map_and_areas(target, wcs, strip)
        positions -= origin[::-1]
        if nominal_scale is not None:
            areas = _nominal_areas(wcs, nominal_scale, positions + origin[::-1])
        values = blot_image(filled, positions, fillval=np.nan, interp=kernel) * areas
        values[_without_data(blank, positions)] = np.nan
        result[top - y0 : strip[1] - y0] = values
    return result


def _mapped(wcs, target, x, y):
    return target.wcs_world2pix(*wcs.all_pix2world(x, y, 0), 0)


def _nominal_areas(wcs, nominal_scale, positions):
    """Area of the nominal pixel in pixels of the mosaic where they lie."""
    jacobian = pixel_jacobians(wcs, *positions[positions.shape[0] // 2, positions.shape[1] // 2])
    return nominal_scale**2 / abs(np.linalg.det(jacobian[0]))


def _filled(image, blank):
    """Give blank pixels the value of the nearest one with data, against ringing."""
    if not blank.any() or blank.all():
        return np.where(blank, 0, image)
    nearest = distance_transform_edt(blank, return_distances=False, return_indices=True)
    return image[tuple(nearest)]


def _without_data(blank, positions):
    """Where one of the four pixels around a position is blank, or there is none."""
    column, row = (np.floor(positions[..., i]).astype(np.int64) for i in (0, 1))
    # One more row and column on all sides, where there is no mosaic.
    blank = np.pad(blank, 1, constant_values=True)
    row, column = ((v + 1).clip(0, n - 2) for v, n in zip((row, column), blank.shape, strict=True))
    pairs = blank[:, :-1] | blank[:, 1:]
    return (pairs[:-1] | pairs[1:])[row, column]
