"""Wiener filter: exact without noise, better than no filter with it."""

import numpy as np
import pytest

from galrestore.baselines.wiener import wiener
from galrestore.measurement.image_quality import affine_match, psnr
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

LINE = gaussian_kernel(1.88, 7)
KERNEL = np.outer(LINE, LINE)


def _galaxy(height, width):
    y, x = np.indices((height, width)) - np.array([height // 2, width // 2])[:, None, None]
    return np.exp(-0.5 * ((x / 2.5) ** 2 + (y / 1.6) ** 2))


def _wiener(images, noise, factor=1.0, kernel=LINE):
    return next(wiener(images, np.full(len(images), noise), kernel, factor))


@pytest.mark.parametrize("kernel", [LINE, KERNEL])
@pytest.mark.parametrize(("height", "width"), [(40, 40), (37, 52)])
def test_noiseless_image_comes_back(height, width, kernel):
    # The blur reflects at the edges as the filter does: the inverse is exact.  The kernel
    # dims the last frequencies by 1e-3, which raises rounding from 1e-16 to 1e-13.
    galaxy = _galaxy(height, width)[None]
    restored = _wiener(blur(galaxy, LINE), 0.0, kernel=kernel)
    np.testing.assert_allclose(restored, galaxy, atol=1e-11)


def test_the_noise_factor_weighs_the_noise():
    # Each frequency is dimmed by P_s / (P_s + f N), or dropped: the reciprocal is linear
    # in f.
    stamp = blur(_galaxy(48, 64)[None], LINE) + stream(1, "wiener").normal(0, 0.05, (1, 48, 64))
    frames = [
        np.pad(_wiener(stamp, 0.05, factor), ((0, 0), (0, 48), (0, 64)), mode="symmetric")
        for factor in (0.0, 1.0, 2.0)
    ]
    spectra = np.fft.rfft2(frames)[:, 0]
    kept = np.abs(spectra[2]) > 1e-6
    assert 10 < kept.sum() < kept.size / 4
    zero, one, two = 1 / spectra[:, kept]
    np.testing.assert_allclose(two - one, one - zero, rtol=1e-6)


def test_noise_is_weighed_by_frequency():
    galaxy = _galaxy(64, 64)
    noise = stream(1, "wiener").normal(0, 0.05, (1, 64, 64))
    stamp = blur(galaxy[None], LINE) + noise
    restored = _wiener(stamp, 0.05)
    inverse = _wiener(stamp, 1e-9)

    def score(image):
        return psnr(affine_match(image, galaxy[None])[0], galaxy[None])[0]

    # The galaxy's power falls below the noise's within a third of the frequencies on each
    # axis: at most 1/9 of the noise, -9.5 dB, passes, part of it amplified, and detail is
    # lost; half of that gain is asked for.  Full inversion amplifies noise everywhere.
    assert score(restored) > score(stamp) + 4.7
    assert score(inverse) < score(stamp)


def test_pure_noise_gives_no_galaxy():
    noise = stream(3, "wiener").normal(size=(1, 32, 48))
    restored = _wiener(noise, 1.0)
    # At most the rings of lowest frequency pass, a handful of 1,536 modes.
    spectrum = np.abs(np.fft.rfft2(restored[0]))
    assert (spectrum > 1e-3 * max(spectrum.max(), 1e-12)).mean() < 0.2


def test_a_stamp_of_mean_sky_is_restored():
    # A dip of the same flux, wide and shallow, takes the power at frequency 0 away; the
    # galaxy's own frequencies still stand out.
    y, x = np.indices((64, 64)) - np.array([32, 32])[:, None, None]
    galaxy = _galaxy(64, 64)
    dip = np.exp(-0.5 * (x**2 + y**2) / 15**2)
    stamp = blur(galaxy[None], LINE)[0] + stream(4, "wiener").normal(0, 0.01, (64, 64))
    stamp -= dip * stamp.sum() / dip.sum()
    assert abs(stamp.sum()) < 1e-9
    restored = _wiener(stamp[None], 0.01)[0]
    assert np.unravel_index(restored.argmax(), restored.shape) == (32, 32)
    assert restored.max() > 0.9 * (galaxy - dip * galaxy.sum() / dip.sum()).max()
