"""Scales of restored images against known ones, and areas against closed forms."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.measurement.apertures import find_apertures
from galrestore.measurement.photometry import (
    area_flux,
    levels,
    rescale_matched,
    rescale_paper,
)
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur, gaussian_kernel

SIDE = 64
KERNEL = gaussian_kernel(1.88, 7)


def gaussian(sigma, centre=(32.0, 32.0), q=1.0):
    """Gaussian of unit peak, its long axis along columns."""
    rows, columns = np.indices((SIDE, SIDE))
    squared = (columns - centre[1]) ** 2 + ((rows - centre[0]) / q) ** 2
    return np.exp(-squared / (2 * sigma**2))


def ring(radius, sigma):
    """Ring of unit height, dark in the middle of the stamp."""
    rows, columns = np.indices((SIDE, SIDE))
    distance = np.hypot(rows - 32, columns - 32)
    return np.exp(-((distance - radius) ** 2) / (2 * sigma**2))


def noisy(images, scale, offset, rms, key=0, count=1):
    """Blurred images of known scale and offset under white noise, ``count`` of each."""
    clean = scale * blur(np.stack(images), KERNEL) + offset
    clean = np.repeat(clean, count, axis=0)
    return clean + rms * stream(6, "test.photometry", key).normal(size=clean.shape)


def test_levels_of_a_square_on_a_sky():
    # The central 4 x 4 pixels of 64 are rows and columns 30 to 33.
    image = np.full((2, SIDE, SIDE), 0.25)
    image[:, 30:34, 30:34] = [[[1.0]], [[3.0]]]
    image += stream(6, "test.levels").normal(0, 0.01, image.shape)
    lower, upper, rms = levels(image)
    # Mode = 2.5 median - 1.5 mean: variance of at most (2.5^2 pi / 2 + 1.5^2) / 4080 rms^2,
    # so an error of 0.055 rms; 5 of them.  Mean of 16 pixels: rms / 4.
    assert_allclose(lower, 0.25, atol=5 * 0.055 * 0.01)
    assert_allclose(upper, [1.0, 3.0], atol=5 * 0.01 / 4)
    # Clipping at 3 sigma takes 1.7%; error of a standard deviation 1 / sqrt(2 N) = 1.1%.
    assert_allclose(rms, 0.0098, rtol=0.06)


def test_equations_8_and_9_literally():
    # No noise at the levels: squares on exact skies, blurred by nothing.
    low, restored = (np.full((1, SIDE, SIDE), value) for value in (5.0, 0.125))
    low[:, 30:34, 30:34], restored[:, 30:34, 30:34] = 25.0, 0.625
    found = rescale_paper(low, restored)
    # s = (25 - 5) / (0.625 - 0.125) = 40, c = -40 * 0.125 + 5 = 0; levels of single
    # precision.
    assert_allclose(found.scale, 40.0, rtol=1e-6)
    assert_allclose(found.offset, 0.0, atol=1e-5)
    assert np.isnan(found.scale_error).all()


@pytest.mark.parametrize("rms", [0.003, 0.03, 0.3])
def test_both_recipes_recover_scale_and_offset(rms):
    # RS is the truth itself; the height of LQ is 3 times the blurred peak of 0.86.
    truth, scale, offset, count = gaussian(3.0, q=0.7), 3.0, -1.5, 40
    low = noisy([truth], scale, offset, rms, key=int(1000 * rms), count=count)
    blurred = np.repeat(blur(truth[None], KERNEL), count, axis=0)
    matched = rescale_matched(low, blurred, np.full(count, rms))
    paper = rescale_paper(low, blurred)
    # Stated errors hold: deviations in their units are standard normal; 5 sigma bounds on
    # their mean and on their variance over 40 draws.
    for values, errors, known in (
        (matched.scale, matched.scale_error, scale),
        (matched.offset, matched.offset_error, offset),
    ):
        deviation = (values - known) / errors
        assert abs(deviation.mean()) < 5 / np.sqrt(count)
        assert abs((deviation**2).mean() - 1) < 5 * np.sqrt(2 / count)
    # Within 1% of 3, of all noise levels on average: errors of the mean of 40 draws are at
    # most 0.3 / sqrt(40 sum of departures^2 = 40 * 16) / 3 = 0.4%.
    assert_allclose(matched.scale.mean(), scale, rtol=0.01)
    # 16 pixels and the mode: (rms / 4 and 0.06 rms) / 2.4 of the scale, 5 sigma of the mean,
    # and 0.3% because the galaxy's wings shift the modes of LQ and of RS unequally.
    assert_allclose(paper.scale.mean(), scale, rtol=5 * 0.26 * rms / 2.4 / np.sqrt(count) + 0.003)
    # The paper's scale rests on 16 pixels and the mode, 0.26 rms / 0.8 = 0.33 rms; the match
    # on all, rms / sqrt(14) = 0.27 rms. The ratio of 1.2 errs by 1.2 / sqrt(40) = 0.2.
    assert 0.6 < paper.scale.std() / matched.scale.std() < 2.0


def test_the_match_tells_the_covariance_of_scale_and_offset():
    truth, count = gaussian(3.0), 400
    low = noisy([truth], 2.0, 0.5, 0.1, count=count)
    blurred = np.repeat(blur(truth[None], KERNEL), count, axis=0)
    found = rescale_matched(low, blurred, np.full(count, 0.1))
    measured = np.cov(found.scale, found.offset)
    expected = found.covariance[0]
    # A covariance of 400 draws errs by sqrt((c_ab^2 + c_aa c_bb) / 400); 5 sigma.
    error = np.sqrt((expected**2 + np.outer(expected.diagonal(), expected.diagonal())) / count)
    assert np.all(np.abs(measured - expected) < 5 * error)
    # Closed form: variance / sum of squared departures, over all 4096 pixels.
    departure = blurred[0] - blurred[0].mean()
    assert_allclose(expected[0, 0], 0.01 / np.sum(departure**2), rtol=1e-12)


def test_errors_of_the_match_under_correlated_noise():
    # White noise averaged over 3 x 3 pixels, of variance 1 / 9: it correlates like the overlap
    # of two squares, (3 - |dx|)(3 - |dy|) / 9.
    count, rms = 400, 0.1
    overlap = (3 - np.abs(np.arange(-2, 3))) / 3
    correlation = np.outer(overlap, overlap)
    white = stream(6, "test.correlated").normal(size=(count, SIDE + 2, SIDE + 2))
    field = sum(white[:, y : y + SIDE, x : x + SIDE] for y in range(3) for x in range(3)) / 3
    blurred = np.repeat(blur(gaussian(3.0)[None], KERNEL), count, axis=0)
    low = 2.0 * blurred + 0.5 + rms * field
    plain = rescale_matched(low, blurred, np.full(count, rms))
    found = rescale_matched(low, blurred, np.full(count, rms), correlation=correlation)
    # Scale and offset are the same numbers, their errors are not.
    assert_array_equal(found.scale, plain.scale)
    assert_array_equal(found.offset, plain.offset)
    measured = np.cov(found.scale, found.offset)
    expected = found.covariance[0]
    error = np.sqrt((expected**2 + np.outer(expected.diagonal(), expected.diagonal())) / count)
    assert np.all(np.abs(measured - expected) < 5 * error)
    # The sky's mean has the power at frequency 0: nine times that of white noise, less 2.5% at
    # the rims; a source of 3 pixels has less, and more than half of it.
    ratio = found.covariance[0] / plain.covariance[0]
    assert 5 < ratio[0, 0] < 9
    assert 8 < ratio[1, 1] < 9
    # White noise is correlated at lag 0 alone.
    alone = np.zeros((3, 3))
    alone[1, 1] = 1.0
    same = rescale_matched(low, blurred, np.full(count, rms), correlation=alone)
    assert_allclose(same.covariance, plain.covariance, rtol=1e-9)


def test_weights_and_masks_of_the_match():
    truth = blur(gaussian(4.0)[None], KERNEL)
    low = 2 * truth + 1
    low[:, :20] += 7.0  # half of the frame is wrong, and said to be
    rms = np.full(low.shape, 0.1)
    rms[:, :20] = 1e6
    use = np.ones(low.shape, dtype=bool)
    use[:, :20] = False
    for found in (rescale_matched(low, truth, rms), rescale_matched(low, truth, [0.1], use)):
        # Pixels of weight 1e-14 pull by that much.
        assert_allclose([found.scale[0], found.offset[0]], [2.0, 1.0], rtol=1e-9)


def test_a_centre_that_is_not_the_peak_fails_the_paper_and_not_the_match():
    # Rings are dark in the middle: the levels differ by less than the noise of 16 pixels.
    truth, count, rms = ring(9.0, 1.5), 60, 0.05
    low = noisy([truth], 2.0, 0.3, rms, key=1, count=count)
    blurred = np.repeat(blur(truth[None], KERNEL), count, axis=0)
    matched = rescale_matched(low, blurred, np.full(count, rms))
    paper = rescale_paper(low, blurred)
    assert np.abs(matched.scale / 2 - 1).max() < 0.01
    # Nearly every one of the paper's scales is wrong by more than 10%, many in their sign.
    assert np.mean(np.abs(paper.scale / 2 - 1) > 0.1) > 0.9
    assert np.mean(paper.scale < 0) > 0.1


def test_nothing_to_match():
    flat = np.ones((1, SIDE, SIDE))
    found = rescale_matched(gaussian(3.0)[None], flat, [0.1])
    assert np.isnan(found.scale).all()
    assert np.isnan(rescale_paper(gaussian(3.0)[None], flat).scale).all()
    with pytest.raises(ValueError, match="noise of LQ must be positive, got 0"):
        rescale_matched(flat, flat, [0.0])
    with pytest.raises(ValueError, match=r"must both be \(N, H, W\)"):
        rescale_paper(flat, flat[0])


def test_area_flux_is_the_sum_above_the_sky():
    image = np.full((2, 8, 8), 3.0)
    area = np.zeros((2, 8, 8), dtype=bool)
    area[0, 2:4, 1:6] = True
    assert_array_equal(area_flux(image, [1.0, 1.0], area), [20.0, np.nan])


def test_areas_of_an_elliptical_gaussian():
    # Second moments of the pixels above a threshold t of the peak: a Gaussian cut at
    # squared radius u = 2 ln(1/t) has moments sigma^2 (1 - (u/2) t / (1 - t)).
    sigma, q, rms = 4.0, 0.6, 0.002
    image = gaussian(sigma, q=q)[None] + stream(6, "test.areas").normal(0, rms, (1, SIDE, SIDE))
    found = find_apertures(image, [0.0], [rms])
    threshold = 1.5 * rms
    u = 2 * np.log(1 / threshold)
    share = 1 - (u / 2) * threshold / (1 - threshold)
    # SExtractor's filter widens moments by 1/2 pixel^2 along each axis.
    expected = [np.sqrt(share * sigma**2 + 0.5), np.sqrt(share * (q * sigma) ** 2 + 0.5)]
    assert_allclose([found.shape["a"][0], found.shape["b"][0]], expected, rtol=0.02)
    assert_allclose([found.shape["x"][0], found.shape["y"][0]], 32.0, atol=0.02)
    # The isophote is the ellipse of area pi q sigma^2 u; its rim of about 60 pixels is ragged
    # by noise to a few pixels, and the filter moves it out by 0.5 / sigma^2 = 3%.
    assert_allclose(found.isophote.sum(), np.pi * q * sigma**2 * u, rtol=0.06)
    # Kron's first moment of a Gaussian within six axes is sqrt(pi / 2) = 1.2533 axes of the
    # light; 2.5 of them are less than the least of 3.5 semi-axes.
    assert_allclose(found.shape["radius"][0], 3.5)
    area = np.pi * 3.5**2 * found.shape["a"][0] * found.shape["b"][0]
    # Pixel centres in an ellipse: the count errs like its rim of 65 pixels, a few of them.
    assert abs(found.ellipse.sum() - area) < 12
    assert not found.neighbours.any()


def test_neighbours_are_left_out_of_all_areas():
    rms = 0.005
    image = gaussian(3.0) + 0.8 * gaussian(3.0, centre=(32.0, 50.0))
    image = image[None] + stream(6, "test.two").normal(0, rms, (1, SIDE, SIDE))
    found = find_apertures(image, [0.0], [rms])
    # They meet where 1 exp(-x^2/18) = 0.8 exp(-(18-x)^2/18), x = 9.1; the neighbour's side
    # is masked, the object's is not.
    row = found.neighbours[0, 32]
    assert row[44:52].all()
    assert not row[:40].any()
    assert not (found.ellipse & found.neighbours)[0, 32, 44:].any()
    assert not found.isophote[0, :, 44:].any()


def test_a_stamp_without_an_object_in_the_middle():
    rms = 0.01
    image = gaussian(2.0, centre=(10.0, 52.0))[None]
    image = image + stream(6, "test.empty").normal(0, rms, (1, SIDE, SIDE))
    found = find_apertures(image, [0.0], [rms])
    assert not found.ellipse.any()
    assert not found.isophote.any()
    assert np.isnan(found.shape["a"]).all()
