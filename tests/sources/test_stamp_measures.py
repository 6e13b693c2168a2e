"""What stamps tell, with closed forms, and one by one as in a window."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.sources import stamp_measures as measures
from galrestore.sources import stamps
from galrestore.sources.detection import Window
from galrestore.sources.measurement import FWHM_PER_SIGMA


def test_blank_noise_ignores_outliers():
    rng = np.random.default_rng(1)
    stamp = rng.normal(7, 0.5, (64, 65))
    blank = np.ones(stamp.shape, bool)
    stamp[::8, ::8] += 40  # 72 of 4160 pixels
    level, rms = measures.blank_noise(stamp, blank)
    # Standard errors: of the median 1.25, of the MAD 1.17 sigma / sqrt(N); the clipping
    # takes 0.5% off the MAD of a Gaussian.
    assert_allclose(level, 7, atol=5 * 1.25 * 0.5 / 64)
    assert_allclose(rms, 0.5, rtol=5 * 1.17 / 64 + 0.005)


def test_too_few_blank_pixels():
    blank = np.zeros((8, 8), bool)
    blank.flat[:15] = True
    assert np.isnan(measures.blank_noise(np.ones((8, 8)), blank)).all()


def test_neighbour_peak():
    data = np.array([[1.0, 5.0, 2.0], [9.0, 3.0, 8.0]])
    segments = np.array([[0, 2, 3], [1, 3, 0]])
    assert measures.neighbour_peak(data, segments, 1) == 5
    assert measures.neighbour_peak(data, np.minimum(segments, 1) * 4, 4) == 0
    assert measures.neighbour_peak(-data, segments, 1) == 0


def test_gradient_of_a_plane_and_only_of_the_centre():
    y, x = np.mgrid[:31, :37]
    data = 3.0 * x - 4.0 * y
    data[2, 30] = 1e6
    assert measures.central_gradient(data, 17, 14) == 4
    # Columns 12 to 21: the step between 20 and 21 is inside, the one beyond is not.
    for column, steep in ((12, 0), (13, 1000), (21, 1000), (22, 0)):
        step = np.where(x >= column, 1000.0, 0.0)
        assert measures.central_gradient(step, 17, 14) == steep


def test_gradient_of_a_wide_psf():
    # Steepest slope of exp(-r^2 / 2 sigma^2) is exp(-1/2) / sigma at r = sigma; steps
    # and pixels take off 1 / (6 sigma^2) or so, 1.5% at sigma = 3.4.
    sigma = 8 / FWHM_PER_SIGMA
    assert_allclose(measures.psf_gradient(8.0), np.exp(-0.5) / sigma, rtol=0.02)


@pytest.mark.parametrize("fwhm", [1.88, 2.5, 3.7])
def test_a_hot_pixel_is_steeper_than_the_psf_and_a_galaxy_is_not(make, fwhm):
    hot = np.zeros((41, 41))
    hot[20, 20] = 1
    assert measures.central_gradient(hot, 20, 20) == 1
    assert measures.psf_gradient(fwhm) < 0.8
    galaxy = np.zeros((41, 41))
    make.gaussian(galaxy, 20.5, 20, 1, 1.5 * fwhm / FWHM_PER_SIGMA)
    slope = measures.central_gradient(galaxy, 20, 20) / galaxy.max()
    assert slope < 0.75 * measures.psf_gradient(fwhm)


def test_truncation_by_light_in_the_ring():
    data, segments = np.zeros((64, 64)), np.zeros((64, 64), int)
    segments[20:40, 20:40] = 1
    assert not measures.is_truncated(data, segments, 1, 1.0, 3.0)
    # The ring has 64^2 - 60^2 = 496 pixels: 3 sigma are 66.8.
    data[0, :] = 66.7 / 64
    assert not measures.is_truncated(data, segments, 1, 1.0, 3.0)
    data[0, :] = 66.9 / 64
    assert measures.is_truncated(data, segments, 1, 1.0, 3.0)
    segments[0, :] = 2  # the light is a neighbour's
    assert not measures.is_truncated(data, segments, 1, 1.0, 3.0)


def test_truncation_by_a_segment_at_the_edge():
    data, segments = np.zeros((20, 20)), np.zeros((20, 20), int)
    segments[5:19, 8] = 1
    assert not measures.is_truncated(data, segments, 1, 1.0, 3.0)
    segments[19, 8] = 1
    assert measures.is_truncated(data, segments, 1, 1.0, 3.0)


def noisy_window():
    rng = np.random.default_rng(8)
    science = rng.normal(10, 1, (91, 83)).astype(np.float32)
    science[40:44, 30:34] = np.nan
    segments = np.zeros(science.shape, np.int32)
    for label, (y, x) in enumerate(((45, 41), (52, 47), (8, 9), (60, 20)), 1):
        science[y - 3 : y + 4, x - 3 : x + 4] += 20 * label
        segments[y - 3 : y + 4, x - 3 : x + 4] = label
    data = np.where(np.isfinite(science), science - 10, 0).astype(np.float32)
    blank = ~np.isfinite(science)
    rms = np.ones_like(science)
    return Window(1000, 2000, (5000, 5000), science, data, rms, blank, 10 * rms), segments


def sources(**changes):
    columns = {"label": [1, 2, 3, 4], "stamp_width": [40, 12, 30, 64]}
    columns |= {
        "x": [2041.2, 2047, 2009, 2020],
        "y": [1045.4, 1051.6, 1008, 1060],
        "peak": [20.0, 40.0, 60.0, 80.0],
    }
    return pd.DataFrame(columns | {"background": 10.0, "rms": 1.0} | changes)


def test_stamps_in_a_window_are_measured_like_single_ones():
    window, segments = noisy_window()
    table = sources()
    found = measures.measure_stamps(window, segments, table, 50, 3.0)
    for i, source in enumerate(table.to_dict("records")):
        width = source["stamp_width"]
        first = [int(stamps.corner(source[axis], width)) for axis in "yx"]
        at = first[0] - 1000, first[1] - 2000, width
        science = stamps.cut(window.science, *at, np.nan)
        data, owner = stamps.cut(window.data, *at, 0), stamps.cut(segments, *at, 0)
        valid = np.isfinite(science)
        level, rms = measures.blank_noise(science, valid & (owner == 0))
        step = measures.central_gradient(data, width // 2, width // 2) - 3 * np.sqrt(2) * rms
        cut_off = False
        if width > 50:
            trimmed, owners = stamps.resized(science, 50), stamps.resized(owner, 50)
            cut_off = measures.is_truncated(trimmed - level, owners, source["label"], rms, 3.0)
        expected = {
            "coverage": valid.mean(),
            "sky": level,
            "sky_rms": rms,
            "noise": rms / np.ptp(science[valid]),
            "neighbour_ratio": measures.neighbour_peak(data, owner, source["label"])
            / source["peak"],
            "gradient": max(step, 0) / source["peak"],
            "flux_stamp": np.sum(science[valid].astype(float) - level),
            "cut_off": cut_off,
        }
        assert set(expected) == set(measures.MEASURES)
        for name, value in expected.items():
            assert_allclose(found[name][i], value, rtol=1e-6, atol=1e-9, err_msg=name)


def test_where_no_sky_is_left_the_mesh_tells_it():
    window, segments = noisy_window()
    crowded = np.where(segments == 0, 9, segments).astype(np.int32)
    found = measures.measure_stamps(window, crowded, sources(background=7.0, rms=2.0), 64, 3.0)
    assert (found["sky"] == 7).all()
    assert (found["sky_rms"] == 2).all()


def test_noise_is_the_median_deviation_of_even_and_odd_samples():
    # By hand: median 2.5 (or 3), deviations 1.5, 0.5, 0.5, 1.5, ...; nothing to clip.
    for count in (16, 17, 1001):
        values = np.arange(count, dtype=np.float32)
        level, rms = measures.blank_noise(values[::-1][None], np.ones((1, count), bool))
        assert level == np.median(values)
        deviation = np.median(np.abs(values - np.median(values)))
        assert_allclose(rms, 1.482602218505602 * deviation, rtol=1e-6)
