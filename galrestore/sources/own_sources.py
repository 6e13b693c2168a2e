"""Which sources of an image are restored: those detected, or those at given positions."""

import numpy as np
import pandas as pd

from galrestore.sources.proxies import stamp_frame
from galrestore.sources.stamp_wcs import FRAME, local_frames

__all__ = ["NOT_JUDGED", "detected", "frame_columns", "given"]

# In place of a rejection where positions were given.
NOT_JUDGED = "not judged"
_COLUMNS = ["id", "x", "y", *FRAME, "star", "rejected_by", "left_out"]
_CD = ("cd1_1", "cd1_2", "cd2_1", "cd2_2")


def detected(table, width):
    """
    Take the sources that were detected, whatever the paper's rejections say of them.

    Parameters
    ----------
    table : pandas.DataFrame
        Catalogue of one image, see `galrestore.sources.selection.select`.
    width : float
        Side of a stamp [pixel of the image]; wider sources are left out.

    Returns
    -------
    sources : pandas.DataFrame
        ``id`` from 0, ``x, y`` [pixel], the frame of the image there (`FRAME`), ``star``,
        ``rejected_by`` and ``left_out`` (``"wide"`` or empty).
    """
    wide = table["stamp_width"] > width
    return table.assign(
        id=np.arange(len(table)),
        star=table["reject_star"].astype(bool),
        left_out=np.where(wide, "wide", ""),
    )[_COLUMNS]


def given(positions, mosaic):
    """
    Find given positions in an image.

    Parameters
    ----------
    positions : pandas.DataFrame
        ``id``, and ``ra`` and ``dec`` [deg], or ``x`` and ``y`` [pixel, 0-based].
    mosaic : galrestore.files.mosaics.Mosaic
        The image; with celestial coordinates if the positions are on the sky.

    Returns
    -------
    sources : pandas.DataFrame
        As `detected` returns them; left out are those ``"outside"`` of the image, where
        x and y may be NaN.
    """
    if "ra" in positions:
        places = mosaic.wcs.all_world2pix(positions["ra"], positions["dec"], 0, quiet=True)
        positions = positions.assign(x=places[0], y=places[1])
    x, y = (positions[axis].to_numpy(float) for axis in "xy")
    height, width = mosaic.shape
    with np.errstate(invalid="ignore"):
        inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
    frames = pd.DataFrame(np.nan, positions.index, FRAME)
    if inside.any():
        frames[inside] = pd.DataFrame(local_frames(mosaic.sky, x[inside], y[inside])).to_numpy()
    return positions.assign(
        **{name: frames[name] for name in FRAME},
        star=False,
        rejected_by=NOT_JUDGED,
        left_out=np.where(inside, "", "outside"),
    )[_COLUMNS]


def frame_columns(source, pixel_scale, size, ratio):
    """
    Tell where a stamp lies on the sky, in FITS keywords.

    Parameters
    ----------
    source : pandas.Series
        Row that `detected` or `given` returned.
    pixel_scale : float
        Of the image [arcsec].
    size : int
        Side of the stamp [pixel].
    ratio : float
        See `galrestore.sources.own_stamps.pixel_ratio`.

    Returns
    -------
    columns : dict of str to float
        ``crpix1, crpix2`` (1-based), ``crval1, crval2`` and ``cd1_1`` to ``cd2_2`` [deg] of
        a TAN projection; without a WCS only the first two are numbers.
    """
    # Without a WCS a frame of any place serves: where the source is in the stamp is the same.
    known = np.isfinite(source["ra"])
    place = source.to_dict() | {"pixel_scale": pixel_scale, "radesys": "ICRS"}
    if not known:
        place |= {"ra": 0.0, "dec": 0.0} | dict(zip(_CD, (-1e-5, 0.0, 0.0, 1e-5), strict=True))
    wcs = stamp_frame(place, size, pixel_scale * ratio)[0].wcs
    values = [*wcs.crval, *wcs.cd.ravel()] if known else [np.nan] * 6
    names = ("crpix1", "crpix2", "crval1", "crval2", *_CD)
    return dict(zip(names, map(float, [*wcs.crpix, *values]), strict=True))
