"""Restored images in the unit of their input, and warnings."""

import numpy as np
import pytest

from galrestore.measurement.own_images import WARNINGS, in_unit_of, warnings_of
from galrestore.synthesis.degradation import blur, gaussian_kernel

GOOD = {
    "noise": 0.05,
    "noise_lag1": 0.02,
    "psf_fwhm": 1.9,
    "saturated": 0,
    "cosmic_rays": 0,
    "filled": 0.0,
    "star": False,
    "scale": 3.0,
}


def test_scale_and_zero_point_are_found_within_their_errors():
    rows, columns = np.indices((64, 64))
    truth = np.exp(-((rows - 32) ** 2 + (columns - 30) ** 2) / 18)[None]
    light = 40.0 * blur(truth, gaussian_kernel(1.88, 9)) + 7.0
    generator = np.random.default_rng(6)
    pulls = []
    for _ in range(40):
        low = light + generator.normal(0, 0.5, light.shape)
        blank = generator.random(light.shape) < 0.05
        low[blank] = 1e3  # does not count
        images, scaling = in_unit_of(low, truth, np.array([0.5]), blank, 1.88)
        pulls.append((scaling.scale[0] - 40) / scaling.scale_error[0])
        expected = scaling.scale[0] * truth + scaling.offset[0]
        assert images == pytest.approx(expected.astype(np.float32))
    # Unit normal: mean and standard deviation of 40 to 3 sigma.
    assert abs(np.mean(pulls)) < 3 / np.sqrt(40)
    assert np.std(pulls) == pytest.approx(1, abs=3 / np.sqrt(80))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"noise": 0.11}, "noise"),
        ({"noise_lag1": 0.12}, "correlated"),
        ({"psf_fwhm": 2.3}, "psf"),
        ({"psf_fwhm": 1.45}, "psf"),
        ({"saturated": 3}, "saturated"),
        ({"cosmic_rays": 1}, "cosmic_ray"),
        ({"filled": 0.01}, "filled"),
        ({"star": True}, "star"),
        ({"scale": -1.0}, "scale"),
        ({"scale": np.nan}, "scale"),
    ],
)
def test_each_warning_has_its_cause(change, name):
    assert warnings_of(GOOD) == []
    assert warnings_of(GOOD | {"noise_lag1": np.nan}) == []
    assert warnings_of(GOOD | change) == [name]
    assert name in WARNINGS
