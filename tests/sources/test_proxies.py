"""Stamps beside a better image: frames and what networks have seen."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.sources.proxies import split_like, stamp_frame

SOURCE = pd.Series(
    {"x": 120.3, "y": 77.6, "ra": 53.16, "dec": -27.79, "radesys": "ICRS", "pixel_scale": 0.03,
     "cd1_1": -0.03 / 3600, "cd1_2": 0.0, "cd2_1": 0.0, "cd2_2": 0.03 / 3600}
)  # fmt: skip


def test_own_pixels_keep_the_sources_phase():
    frame, own = stamp_frame(SOURCE, 64, 0.03)
    assert own
    # Pixel 120 is index 32, so x = 120.3 is at 32.3; row 78 is index 32, y = 77.6 at 31.6.
    place = frame.all_world2pix([[SOURCE["ra"], SOURCE["dec"]]], 0)[0]
    assert_allclose(place, [32.3, 31.6], atol=1e-9)


def test_other_pixels_have_the_scale_asked_for():
    frame, own = stamp_frame(SOURCE, 64, 0.05)
    assert not own
    assert_allclose(frame.all_world2pix([[SOURCE["ra"], SOURCE["dec"]]], 0)[0], [32, 32], atol=1e-9)
    ra, dec = frame.all_pix2world([32, 32], [32, 42], 0)
    # Ten rows of 0.05 arcsec to the north.
    assert_allclose((dec[1] - dec[0]) * 3600, 0.5, rtol=1e-6)
    assert ra[0] == pytest.approx(ra[1], abs=1e-9)


def test_split_is_that_of_the_nearest_seen():
    arcsec = 1 / 3600
    others = pd.DataFrame({"ra": [10.0, 10.0, 20.0], "dec": [0.0, 0.5 * arcsec, 0.0]})
    sources = pd.DataFrame({"ra": [10.0, 20.0, 20.0], "dec": [0.2 * arcsec, 0.9 * arcsec, 30.0]})
    # The first is close to a training and to a test pair; the last to none.
    splits = split_like(sources, others, np.array(["test", "train", "validation"]), 1.0)
    assert splits.tolist() == ["train", "validation", "test"]
    assert split_like(sources, others.iloc[:0], np.array([]), 1.0).tolist() == ["test"] * 3


def test_sources_without_a_place_on_the_sky_are_not_seen():
    nowhere = pd.DataFrame({"ra": [np.nan, 10.0], "dec": [np.nan, 0.0]})
    sources = pd.DataFrame({"ra": [10.0, np.nan], "dec": [0.0, np.nan]})
    splits = split_like(sources, nowhere, np.array(["validation", "train"]), 1.0)
    assert splits.tolist() == ["train", "test"]
