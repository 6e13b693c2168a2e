"""Stamps on the scale that networks know."""

import numpy as np
import pandas as pd
import pytest
from astropy.wcs import WCS

from galrestore.sources.own_sources import detected, frame_columns, given
from galrestore.sources.own_stamps import own_stamp, pixel_ratio, stamp_psf
from galrestore.sources.proxies import on_frame, stamp_frame


@pytest.fixture
def mosaic(make):
    """Discs at 0.03 arcsec a pixel, the frame turned by 30 degrees."""
    image = np.random.default_rng(2).normal(1.0, 0.01, (260, 300))
    make.disc(image, 140.3, 120.8, 60.0, 6.0, 0.6, 0.4)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [150.0, 130.0]
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    wcs.wcs.cd = np.array([[-c, s], [s, c]]) * 0.03 / 3600
    return make.mosaic(image.astype(np.float32), pixel_scale=0.03, wcs=wcs)


def test_drizzled_stamps_are_those_of_the_frame_on_the_sky(mosaic):
    positions = pd.DataFrame({"id": [7], "x": [140.3], "y": [120.8]})
    source = given(positions, mosaic).iloc[0]
    ratio = pixel_ratio(0.03, 0.05)
    stamp = own_stamp(mosaic, source["x"], source["y"], 64, ratio, seed=1)
    place = source.to_dict() | {"pixel_scale": 0.03, "radesys": "ICRS"}
    frame, own = stamp_frame(place, 64, 0.05)
    assert not own
    # Tangent planes differ by 1e-6 pixel; the noise of an image pixel is 0.01.
    assert np.abs(stamp.image - on_frame(mosaic, frame, 64)).max() < 1e-4
    columns = frame_columns(source, 0.03, 64, ratio)
    assert (columns["crpix1"], columns["crpix2"]) == (33, 33)
    assert columns["crval1"] == source["ra"]
    assert columns["cd1_1"] == pytest.approx(frame.wcs.cd[0, 0])
    # Drops as large as the image's pixels, on pixels of 5/3 their side, correlate neighbours.
    assert 0.08 < stamp.noise_lag1 < 0.25


def test_scales_that_agree_are_one():
    assert pixel_ratio(0.05, 0.05) == pixel_ratio(0.05004, 0.05) == 1
    assert pixel_ratio(0.0501, 0.05) == pytest.approx(0.998, abs=1e-4)
    assert pixel_ratio(0.03, 0.05, keep_pixels=True) == 1
    assert stamp_psf(2.0, 1) == 2.0


def test_stamps_with_a_tenth_blank_are_not_restored(make):
    image = np.random.default_rng(2).normal(0, 1, (100, 100)).astype(np.float32)
    mosaic = make.mosaic(image)
    # Six columns of 64 beyond the edge are 9.4 per cent, seven are 10.9.
    inside = own_stamp(mosaic, 26, 50, 64, 1.0, seed=1)
    assert (inside.problem, inside.filled.sum()) == ("", 6 * 64)
    assert own_stamp(mosaic, 25, 50, 64, 1.0, seed=1).problem == "blank"
    again = own_stamp(mosaic, 26, 50, 64, 1.0, seed=1)
    assert np.array_equal(again.image, inside.image)
    assert not np.array_equal(own_stamp(mosaic, 26, 50, 64, 1.0, seed=2).image, inside.image)
    # Filled like the sky; 384 values scatter by 4 per cent in rms, 5 in the mean.
    filled = inside.image[inside.filled]
    assert abs(filled.mean() - inside.sky) < 0.2
    assert filled.std() == pytest.approx(1, abs=0.15)


def test_constant_stamps_are_told(make):
    mosaic = make.mosaic(np.ones((100, 100), np.float32))
    assert own_stamp(mosaic, 50, 50, 64, 1.0, seed=1).problem == "constant"


def test_white_noise_and_galaxies_raise_no_alarm(make):
    image = np.random.default_rng(4).normal(5.0, 1.0, (120, 120))
    make.gaussian(image, 60.2, 59.7, 4000.0, 1.9)
    stamp = own_stamp(make.mosaic(image.astype(np.float32)), 60.2, 59.7, 64, 1.0, seed=1)
    assert (stamp.cosmic_rays, stamp.saturated, stamp.filled.sum()) == (0, 0, 0)
    # 3,500 pixels in 14,000 pairs along rows and columns: 0.012.
    assert abs(stamp.noise_lag1) < 0.05
    assert stamp.rms == pytest.approx(1.0, abs=0.1)
    assert stamp.noise == pytest.approx(stamp.rms / np.ptp(stamp.image))


def test_saturation_of_the_header(make):
    image = np.random.default_rng(4).normal(0.0, 1.0, (100, 100)).astype(np.float32)
    image[50, 48:50] = 90.0, 91.0
    mosaic = make.mosaic(image)
    assert own_stamp(mosaic, 50, 50, 64, 1.0, 1).saturated == 0
    assert own_stamp(mosaic, 50, 50, 64, 1.0, 1, saturation=80.0).saturated == 2


def test_wide_sources_are_left_out():
    frame = dict.fromkeys(("ra", "dec", "cd1_1", "cd1_2", "cd2_1", "cd2_2"), np.nan)
    table = pd.DataFrame({"x": [1.0, 2.0], "y": 3.0, "stamp_width": [64, 66], **frame})
    table = table.assign(reject_star=[True, False], rejected_by=["star", ""])
    found = detected(table, 64.0)
    assert found["left_out"].tolist() == ["", "wide"]
    assert found["star"].tolist() == [True, False]
