"""Wiener filter: exact without noise, better than no filter with it."""

import numpy as np
import pytest

from galrestore.baselines.sky import sky_and_noise
from galrestore.baselines.wiener import wiener
from galrestore.measurement.image_quality import affine_match, psnr
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)


def _galaxy(height, width):
    y, x = np.indices((height, width)) - np.array([height // 2, width // 2])[:, None, None]
    return np.exp(-0.5 * ((x / 2.5) ** 2 + (y / 1.6) ** 2))


@pytest.mark.parametrize(("height", "width"), [(40, 40), (37, 52)])
def test_noiseless_image_comes_back(height, width):
    # The blur reflects at the edges as the filter does: the inverse is exact but for the
    # balance, which counts only where the galaxy itself has no power.
    galaxy = _galaxy(height, width)
    restored = wiener(blur(galaxy[None], LINE), KERNEL, balance=1e-10)
    np.testing.assert_allclose(restored[0], galaxy / galaxy.max(), atol=1e-4)


def test_a_large_balance_is_the_matched_filter():
    # conj(K) / (|K|^2 + b) -> conj(K) / b: correlation with the PSF, scaled to its peak.
    image = _galaxy(33, 41)
    twice = blur(image[None], LINE)
    restored = wiener(image[None], KERNEL, balance=1e8)
    np.testing.assert_allclose(restored, twice / twice.max(), atol=1e-5)


def test_noise_is_weighed_by_frequency():
    galaxy = _galaxy(64, 64)
    noise = stream(1, "wiener").normal(0, 0.05, (1, 64, 64))
    stamp = blur(galaxy[None], LINE) + noise
    restored = wiener(stamp, KERNEL)
    inverse = wiener(stamp, KERNEL, balance=1e-10)

    def score(image):
        return psnr(affine_match(image, galaxy[None])[0], galaxy[None])[0]

    # The galaxy's power falls below the noise's within a third of the frequencies on each
    # axis: at most 1/9 of the noise, -9.5 dB, passes, part of it amplified, and detail is
    # lost; half of that gain is asked for.  Full inversion amplifies noise everywhere.
    assert score(restored) > score(stamp) + 4.7
    assert score(inverse) < score(stamp)


def test_sky_and_unit_do_not_matter():
    stamp = blur(_galaxy(35, 44)[None], LINE) + stream(2, "wiener").normal(0, 0.02, (35, 44))
    np.testing.assert_allclose(wiener(40 * stamp + 300, KERNEL), wiener(stamp, KERNEL), atol=1e-5)


def test_pure_noise_gives_no_galaxy():
    noise = stream(3, "wiener").normal(size=(1, 32, 48))
    restored = wiener(noise, KERNEL)
    # At most the rings of lowest frequency pass, a handful of 1,536 modes.
    spectrum = np.abs(np.fft.rfft2(restored[0]))
    assert (spectrum > 1e-3 * max(spectrum.max(), 1e-12)).mean() < 0.2


def test_a_stamp_of_mean_sky_is_restored():
    # A dip of the same flux, wide and shallow, takes the power at frequency 0 away; the
    # galaxy's own frequencies still stand out.
    y, x = np.indices((64, 64)) - np.array([32, 32])[:, None, None]
    galaxy = _galaxy(64, 64)
    dip = np.exp(-0.5 * (x**2 + y**2) / 15**2)
    noise = stream(4, "wiener").normal(0, 0.01, (64, 64))
    stamp = blur(galaxy[None], LINE)[0] + noise
    for _ in range(50):  # the clipped sky follows the dip
        stamp -= dip * (stamp - sky_and_noise(stamp)[0]).sum() / dip.sum()
    assert abs((stamp - sky_and_noise(stamp)[0]).sum()) < 64 * 0.01  # within the noise's sum
    restored = wiener(stamp[None], KERNEL)[0]
    assert restored.max() == 1
    assert restored[32, 32] > 0.9
