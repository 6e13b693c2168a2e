"""All baselines through one door: unit and sky, classes of noise, scores on real pairs."""

from itertools import islice

import numpy as np
import pytest

from galrestore.baselines.methods import (
    METHODS,
    Choice,
    blocks,
    iterates,
    relative_noise,
    restore,
)
from galrestore.config import Restore
from galrestore.measurement.image_quality import affine_match, psnr
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel, normalise

LINE = gaussian_kernel(1.88, 7)


def stamps(noise):
    """One galaxy a stamp, with some noise each."""
    y, x = np.indices((41, 36)) - np.array([20, 18])[:, None, None]
    galaxy = blur(np.exp(-np.hypot(x, 1.7 * y) / 2.0)[None], LINE)[0]
    white = stream(1, "methods").normal(size=(len(noise), 41, 36))
    return galaxy / galaxy.max() + np.reshape(noise, (-1, 1, 1)) * white


def fixed(method):
    settings = Restore()
    value = getattr(settings, f"{method}_{METHODS[method][1]}")
    return Choice(value, getattr(settings, f"{method}_iterations", 1))


@pytest.mark.parametrize("method", METHODS)
def test_sky_and_unit_do_not_matter(method):
    images = stamps([0.01, 0.05])
    choice = fixed(method)
    restored = restore(method, images, LINE, [choice])
    # float32, and rounding of 300 + 40 x; iterations amplify it.
    np.testing.assert_allclose(
        restore(method, 40 * images + 300, LINE, [choice]), restored, atol=1e-5
    )
    np.testing.assert_allclose(restored.max(axis=(1, 2)), 1)


@pytest.mark.parametrize("method", METHODS)
def test_flat_stamps_stay_flat(method):
    restored = restore(method, np.full((1, 19, 21), 2.0), LINE, [fixed(method)])
    np.testing.assert_array_equal(restored, 0)


def test_each_class_of_noise_has_its_own_choice():
    images = normalise(stamps([0.08, 0.01, 0.05] * 20))[0]
    noise = relative_noise(images)
    # Peak of 1 and a range of about 2 x 3.2 sigma of noise below and around it.
    assert noise[0] == pytest.approx(0.08 / (1 + 3.2 * 0.08), rel=0.15)
    choices = [Choice(0.5, 8), Choice(2.0, 3, 0.5, 0.1)]
    found = restore("richardson_lucy", images, LINE, choices, [0.03])
    for rows, choice in ((noise < 0.03, choices[0]), (noise >= 0.03, choices[1])):
        assert rows.sum() in (20, 40)
        models = iterates("richardson_lucy", images[rows], LINE, choice.value)
        last = next(islice(models, choice.iterations - 1, None))
        np.testing.assert_allclose(found[rows], choice.scale * last + choice.offset, atol=1e-6)


def test_blocks_hold_all_rows_in_order():
    parts = blocks(np.arange(70))
    assert [len(part) for part in parts] == [32, 32, 6]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(70))
    assert blocks(np.arange(0)) == []


def test_real_pairs(real_data):
    # The noisier five of the authors' ten pairs; PSNR after the best match.
    lq, gt = (
        np.array([np.load(real_data / f"paper_sample/JWST/{k}/JWST_0{i}.npy") for i in range(1, 6)])
        for k in ("lq", "gt")
    )

    def score(images):
        return psnr(affine_match(images, gt)[0], gt).mean()

    scores = [score(lq)] + [score(restore(name, lq, LINE, [fixed(name)])) for name in METHODS]
    # Each method in the order of the list is better than the one before; LQ has 28.9 dB.
    assert scores == sorted(scores)
    assert scores[0] == pytest.approx(28.9, abs=0.05)
    assert scores[-1] > scores[0] + 10
