"""Frames of stamps: on the mosaic's own WCS to a hundredth of a pixel, and far better."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from galrestore.sources import stamps
from galrestore.sources.stamp_wcs import local_frames, stamp_wcs


def tangent_plane(scale, angle=0.0, ra=150.1, dec=2.2, projection="TAN"):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval, wcs.wcs.crpix = (ra, dec), (12500.5, 12500.5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.cd = scale / 3600 * turn @ np.diag([-1, 1])
    wcs.wcs.set()
    return wcs


def catalogue(wcs, x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    frames = local_frames(lambda x, y: wcs.all_pix2world(x, y, 0), x, y)
    return pd.DataFrame({"x": x, "y": y, **frames, "radesys": "ICRS"})


def worst_offset(wcs, source, size):
    """Largest distance between a stamp's pixels and the mosaic's pixels on the sky [pixel]."""
    frame = stamp_wcs(source, size)
    column, row = (axis.ravel() for axis in np.meshgrid([0, size / 2, size - 1], [0, size - 1]))
    place = frame.all_pix2world(column, row, 0)
    x, y = wcs.all_world2pix(*place, 0)
    first = (int(stamps.corner(source[axis], size)) for axis in "xy")
    x0, y0 = first
    return max(np.abs(x - x0 - column).max(), np.abs(y - y0 - row).max())


@pytest.mark.parametrize("size", [10, 64, 128])
@pytest.mark.parametrize(
    ("scale", "angle", "dec"), [(0.05, 0, -27.8), (0.06, 0.9, 62), (0.03, 3, 0)]
)
def test_stamps_of_a_large_mosaic_lie_where_its_pixels_do(scale, angle, dec, size):
    wcs = tangent_plane(scale, angle, dec=dec)
    table = catalogue(wcs, [12499.5, 0.2, 24990.4, 7000.5], [12499.5, 3.7, 24980.1, 20000.49])
    # Tangent planes 15 arcmin apart differ by tan(15') theta^2 in second order: for
    # theta of 64 pixels 1e-5 pixels.
    for _, source in table.iterrows():
        assert worst_offset(wcs, source, size) < 3e-5


def test_other_projections_and_the_pole():
    for wcs in (tangent_plane(0.05, 0.4, dec=89.9), tangent_plane(0.05, projection="SIN")):
        for _, source in catalogue(wcs, [30.0, 24000.0], [40.0, 900.0]).iterrows():
            assert worst_offset(wcs, source, 64) < 1e-3


def test_distortion_is_followed_to_first_order():
    # A quadratic term of 1e-6 per pixel^2 is 32^2 x 1e-6 = 1e-3 pixels at the stamp's edge.
    header = tangent_plane(0.05).to_header()
    header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
    header["A_ORDER"], header["B_ORDER"], header["A_2_0"], header["B_0_2"] = 2, 2, 1e-6, 1e-6
    wcs = WCS(header)
    for _, source in catalogue(wcs, [11000.0], [13000.0]).iterrows():
        assert worst_offset(wcs, source, 64) < 3e-3


def test_the_frame_is_that_of_the_header():
    wcs = tangent_plane(0.05, 0.3)
    source = catalogue(wcs, [12499.5], [12499.5]).iloc[0]
    # At the tangent point the local frame is the mosaic's own; differences over 64 pixels
    # leave (32 x 0.05 arcsec)^2 = 6e-11 of the plane's curvature, and rounding.
    matrix = [[source["cd1_1"], source["cd1_2"]], [source["cd2_1"], source["cd2_2"]]]
    assert_allclose(matrix, wcs.wcs.cd, rtol=0, atol=1e-9 * np.abs(wcs.wcs.cd).max())
    frame = stamp_wcs(source, 64)
    assert frame.wcs.radesys == "ICRS"
    assert frame.array_shape == (64, 64)
    # x = 12499.5 rounds up to 12500, so the source lies half a pixel before index 32.
    assert_allclose(frame.wcs.crpix, [32.5, 32.5])
    assert_allclose(frame.wcs.crval, [150.1, 2.2], atol=1e-9)


def test_without_a_wcs_there_is_no_frame():
    nowhere = local_frames(lambda x, y: (x * np.nan, y * np.nan), np.ones(1), np.ones(1))
    source = {
        "x": 1.0,
        "y": 1.0,
        "radesys": "",
        **{key: value[0] for key, value in nowhere.items()},
    }
    with pytest.raises(ValueError, match="no celestial WCS"):
        stamp_wcs(source, 64)


@pytest.mark.real
@pytest.mark.parametrize("name", ["scene_a", "scene_b", "scene_147246"])
def test_real_scenes(real_data, name):
    # Scenes a and b have CDELT of 1 and the scale in the PC matrix.
    with fits.open(real_data / "hst_cosmos_f814w" / f"{name}.fits") as hdus:
        wcs = WCS(hdus[0].header, naxis=2).celestial
    assert wcs.has_celestial
    for _, source in catalogue(wcs, [30.4, 200.9], [220.2, 10.0]).iterrows():
        assert worst_offset(wcs, source, 128) < 1e-3
