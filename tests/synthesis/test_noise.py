"""Noise fields: variances, correlations, and noise that cannot be."""

import galsim
import numpy as np
import pytest
import sep
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_dilation, convolve

from galrestore.rng import stream
from galrestore.synthesis.degradation import add_noise, blur, degrade, gaussian_kernel
from galrestore.synthesis.noise import (
    amplitudes,
    cosmos_correlation,
    draw_fields,
    neighbour_correlation,
    sky_correlation,
)

BOX = np.array([[0.2, 0.6, 0.2], [0.5, 1.0, 0.7], [0.2, 0.8, 0.3]])


def box_correlation():
    """Closed form: the autocorrelation of the filter that white noise went through."""
    padded = np.pad(BOX, 2)
    full = np.array(
        [
            [(BOX * padded[2 + r : 5 + r, 2 + c : 5 + c]).sum() for c in range(-2, 3)]
            for r in range(-2, 3)
        ]
    )
    return full / full[2, 2]


@pytest.mark.parametrize("shape", [(64, 64), (37, 52), (5, 7)])
def test_fields_have_unit_variance_and_the_correlation(shape):
    correlation = box_correlation()
    spectrum = amplitudes(correlation, shape)
    fields = draw_fields(shape, np.arange(900), 1, spectrum)
    assert_allclose((spectrum**2).mean(), 1, rtol=1e-12)
    # Products of 900 x H x W correlated pixels: the sum of squared correlations, about 4,
    # divides their number; five standard errors.
    error = 5 * np.sqrt(2 * 4 / fields.size)
    for (r, c), expected in np.ndenumerate(correlation):
        r, c = r - 2, c - 2
        a = fields[:, max(r, 0) : shape[0] + min(r, 0), max(c, 0) : shape[1] + min(c, 0)]
        b = fields[:, max(-r, 0) : shape[0] + min(-r, 0), max(-c, 0) : shape[1] + min(-c, 0)]
        assert np.mean(a * b) == pytest.approx(expected, abs=error * fields[0].size / a[0].size)
    # No correlation across the border of the periodic grid.
    assert abs(np.mean(fields[:, 0] * fields[:, -1])) < 5 * np.sqrt(2 * 4 / (900 * shape[1]))


def test_white_noise_is_the_streams():
    fields = draw_fields((5, 7), np.array([3, 9]), 4)
    assert_array_equal(fields[1], stream(4, "degrade.noise", 9).standard_normal((5, 7)))


def test_a_field_does_not_depend_on_its_company():
    spectrum = amplitudes(box_correlation(), (33, 41))
    together = draw_fields((33, 41), np.arange(9), 1, spectrum)
    assert_array_equal(draw_fields((33, 41), np.array([4]), 1, spectrum)[0], together[4])


def test_measured_correlation_is_the_filters():
    white = stream(5, "test.noise").standard_normal((700, 500))
    sky = 3.0 + 0.1 * convolve(white, BOX, mode="wrap")
    sky[100:140, 200:260] = np.nan
    sky[50:60, 50:60] += 40.0
    found = sky_correlation(sky, 2)
    # 350,000 pixels: 0.0017 x sqrt(4); the clip at 4 sigma costs 1e-3 of the variance.
    assert_allclose(found, box_correlation(), atol=0.015)
    assert_allclose(found, found[::-1, ::-1], atol=1e-12)
    # Mean of the four neighbours.
    assert neighbour_correlation(found) == pytest.approx(
        (found[2, 1] + found[2, 3] + found[1, 2] + found[3, 2]) / 4
    )


def test_several_images_are_measured_as_one():
    rng = np.random.default_rng(8)
    sky = convolve(rng.normal(size=(40, 70, 50)), BOX[None], mode="wrap")
    sky[3, :30] = np.nan
    sky[4] = np.nan
    found = sky_correlation(sky, 2)
    # 137,000 pixels: 0.0027 x sqrt(4), and the clip.
    assert_allclose(found, box_correlation(), atol=0.015)
    # Images do not touch: one row is as the other.
    apart = np.full((39 * 73, 50), np.nan)
    for k, image in enumerate(np.delete(sky, 4, axis=0)):
        apart[73 * k : 73 * k + 70] = image
    assert_allclose(sky_correlation(apart, 2), found, atol=1e-10)


def test_cosmos_noise_is_galsims():
    # Another implementation of the same field: GalSim's own generator on its own scale.
    noise = galsim.getCOSMOSNoise(rng=galsim.BaseDeviate(7), variance=1.0)
    image = galsim.ImageD(600, 600, scale=0.03)
    image.addNoise(noise)
    assert_allclose(cosmos_correlation(0.03, 4), sky_correlation(image.array, 4), atol=0.025)
    assert neighbour_correlation(cosmos_correlation(0.05, 4)) == pytest.approx(0.193, abs=0.003)


@pytest.mark.real
@pytest.mark.parametrize("scene", ["scene_a", "scene_b", "scene_147246"])
def test_cosmos_noise_is_that_of_real_images(real_data, scene):
    with fits.open(real_data / "hst_cosmos_f814w" / f"{scene}.fits") as hdus:
        image = hdus[0].data.astype(float)
    sky = image - sep.Background(image).back()
    _, segments = sep.extract(
        sky, 1.5, err=sep.Background(image).globalrms, segmentation_map=True, filter_kernel=None
    )
    sky[binary_dilation(segments > 0, iterations=6)] = np.nan
    found, expected = sky_correlation(sky, 2), cosmos_correlation(0.03, 2)
    # 39,000 pixels or more of sky settle each lag to 0.01; faint sources and another
    # reduction of the same survey add a few hundredths.
    assert_allclose(found, expected, atol=0.06)
    assert found[2, 3] > 0.4


@pytest.mark.parametrize("noise", [0.003, 0.05, 0.12])
def test_correlated_noise_is_the_fraction_asked_for(noise):
    y, x = np.mgrid[:64, :64]
    images = np.stack([np.exp(-np.hypot(y - 32, x - 32) / s) for s in (1, 3, 9)])
    ids = np.arange(3)
    correlation = cosmos_correlation(0.03, 8)
    fields = draw_fields((64, 64), ids, 1, amplitudes(correlation, (64, 64)))
    noisy, sigma, reached = add_noise(images, fields, np.full(3, noise))
    assert_array_equal(reached, noise)
    assert_allclose(sigma / np.ptp(noisy, axis=(1, 2)), noise, rtol=1e-10)


def test_pairs_with_correlated_noise():
    y, x = np.mgrid[:64, :64]
    images = np.repeat(np.exp(-np.hypot(y - 32, x - 32) / 2)[None], 200, axis=0)
    correlation = cosmos_correlation(0.05, 8)
    line = gaussian_kernel(1.88, 7)
    _, low, columns = degrade(images, np.arange(200), np.full(200, 0.05), line, 1, correlation)
    span = (columns["lq_max"] - columns["lq_min"])[:, None, None]
    added = low * span + columns["lq_min"][:, None, None] - blur(images, line)
    # Pixel rms is the fraction: 800,000 pixels, of which neighbours correlate by 0.2.
    assert np.sqrt(np.mean((added / span) ** 2)) == pytest.approx(0.05, rel=0.01)
    field = added / columns["noise_sigma"][:, None, None]
    neighbours = np.mean(field[:, :, 1:] * field[:, :, :-1])
    assert neighbours == pytest.approx(correlation[8, 9], abs=0.008)
    assert_allclose(columns["noise"], 0.05)


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        (np.ones((4, 4)), r"odd sides, got shape \(4, 4\)"),
        (np.array([[0, 2, 0], [2, 1, 2], [0, 2, 0]]), "largest at lag 0, got 1"),
        (np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), "of its power is negative"),
        (np.full((3, 3), np.nan), "largest at lag 0, got nan"),
    ],
)
def test_correlations_that_cannot_be(correlation, message):
    with pytest.raises(ValueError, match=message):
        amplitudes(correlation, (32, 32))


def test_sky_that_is_none():
    with pytest.raises(ValueError, match="100 pixels of sky in an image of"):
        sky_correlation(np.random.default_rng(1).normal(size=(10, 10)), 3)
    narrow = np.random.default_rng(1).normal(size=(400, 5))
    with pytest.raises(ValueError, match="has no pairs of pixels 8 apart"):
        sky_correlation(narrow, 8)
