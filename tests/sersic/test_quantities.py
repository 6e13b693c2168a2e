"""Quality flags, each from a stamp that deserves it."""

import numpy as np
import pytest

from galrestore.sersic.fitting import fit_sersic, model_images
from galrestore.sersic.quantities import FLAGS

FWHM, RMS = 2.0, 1.0
GALAXY = {"x": 32.3, "y": 31.6, "model_flux": 3000.0, "r50": 4.0, "n": 1.5, "q": 0.7, "theta": 0.4}


def flags(change=None, mask=None, side=64, extra=0.0):
    """Names of the flags of one noisy galaxy."""
    galaxy = GALAXY | (change or {})
    noise = np.random.default_rng(9).normal(0, RMS, (side, side))
    middle = side // 2 - 32
    galaxy |= {"x": galaxy["x"] + middle, "y": galaxy["y"] + middle}
    stamp = model_images(galaxy, (side, side), FWHM) + noise + extra
    flag = fit_sersic(stamp, FWHM, mask=mask, rms=RMS)["flag"][0]
    return {name for name, (bit, _) in FLAGS.items() if flag & bit}


def test_a_good_fit_has_none():
    assert flags() == set()


def test_bits_are_distinct():
    bits = [bit for bit, _ in FLAGS.values()]
    assert bits == [1 << k for k in range(len(bits))]


def test_masked():
    mask = np.zeros((1, 64, 64), dtype=bool)
    mask[:, :, :22] = True
    assert flags(mask=mask) == {"masked"}
    mask[:, :, 20:22] = False
    assert flags(mask=mask) == set()


def test_residual():
    # A ring that no Sersic profile has.
    y, x = np.indices((64, 64))
    ring = 8 * np.exp(-((np.hypot(x - 32.3, y - 31.6) - 14) ** 2) / 4)
    assert "residual" in flags(extra=ring)


def test_truncated():
    # Of an exponential disc of r50 = 12 pixels, 31 % lie beyond 17 pixels: 1 - (1 + u) e^-u
    # is 0.69 at u = 1.678 * 17 / 12.
    assert flags({"r50": 12.0, "n": 1.0, "q": 0.95, "model_flux": 4e4}, side=34) == {"truncated"}
    assert flags({"r50": 12.0, "n": 1.0, "q": 0.95, "model_flux": 4e4}, side=64) == set()


def test_index_is_not_constrained():
    assert "index" in flags({"model_flux": 70.0, "r50": 1.2})


def test_unresolved():
    assert "unresolved" in flags({"r50": 0.4, "n": 0.8})


def test_failed():
    assert "failed" in flags({"model_flux": 1e-3})
    blank = fit_sersic(np.full((1, 20, 20), np.nan), FWHM)
    assert blank["flag"][0] == 1
    assert np.isnan(blank["chi2"][0])


@pytest.mark.parametrize("count", [0, 1])
def test_samples_of_any_size(count):
    result = fit_sersic(np.zeros((count, 12, 12)), FWHM)
    assert all(len(values) == count for values in result.values())
    assert result["flag"].dtype == np.int64


@pytest.mark.parametrize(
    "correlation", [None, np.array([[0.1, 0.3, 0.1], [0.3, 1, 0.3], [0.1, 0.3, 0.1]])]
)
def test_company_changes_no_bit(correlation):
    # As shards have other numbers of stamps, down to one.
    noise = np.random.default_rng(5).normal(0, RMS, (40, 48, 48))
    galaxy = GALAXY | {"x": 24.3, "y": 23.6}
    turned = [galaxy | {"theta": angle} for angle in np.linspace(0, 3, 40)]
    stamps = np.concatenate([model_images(row, (48, 48), FWHM) for row in turned]) + noise
    given = {"rms": RMS, "noise_correlation": correlation}
    together = fit_sersic(stamps, FWHM, **given)
    alone = [fit_sersic(stamp[None], FWHM, **given) for stamp in stamps]
    for name, values in together.items():
        assert np.array_equal(values, np.concatenate([one[name] for one in alone])), name
