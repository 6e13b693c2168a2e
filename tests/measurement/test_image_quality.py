"""Scores against closed forms, scikit-image and the authors' pairs."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import from_numpy
from torchmetrics.functional import image as torchmetrics

from galrestore.measurement import image_quality
from galrestore.measurement.image_quality import (
    affine_match,
    nrmse_source,
    psnr,
    psnr_authors,
    scores,
    sky_level,
    source_mask,
    ssim,
    ssim_authors,
)
from galrestore.rng import stream

SHAPE = (33, 47)


def images(count=3, shape=SHAPE):
    """Smooth structure in [0, 1] and a noisy, shifted copy."""
    rng = stream(3, "test.image_quality")
    rows, columns = np.indices(shape)
    truth = np.stack([np.sin(rows / (5 + k)) * np.cos(columns / 7) for k in range(count)])
    truth = (truth - truth.min()) / np.ptp(truth)
    return 0.8 * truth + 0.1 + rng.normal(0, 0.05, truth.shape), truth


def galaxy(width=3.0, noise=0.0, shape=SHAPE, centre=(16, 23)):
    """Gaussian of peak 1 on a sky of 0.1, one image."""
    rows, columns = np.indices(shape)
    squared = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
    light = np.exp(-squared / (2 * width**2))
    return (0.1 + light + stream(4, "test.galaxy").normal(0, noise, shape))[None]


def test_psnr_of_an_offset_is_closed_form():
    # MSE = d^2, so PSNR = 20 log10(MAX / d).
    truth = np.zeros((2, *SHAPE))
    truth[:, 5, 7] = [1.0, 0.5]
    assert_allclose(psnr(truth + 0.01, truth), [40.0, 20 * np.log10(50)], rtol=1e-12)
    assert_allclose(psnr_authors(truth + 0.01, truth), 20 * np.log10([101, 51]), rtol=1e-12)
    assert_array_equal(psnr(truth, truth), np.inf)


@pytest.mark.parametrize("shape", [(11, 11), (12, 31), (33, 47), (64, 64)])
def test_ssim_is_that_of_scikit_image(shape):
    restored, truth = images(shape=shape)
    expected = [
        structural_similarity(
            a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1
        )
        for a, b in zip(restored, truth, strict=True)
    ]
    # Sums of 121 doubles of order 1 in another order.
    assert_allclose(ssim(restored, truth), expected, atol=1e-13)


def test_scores_are_those_of_torchmetrics_and_scikit_image():
    # Equation 4 with the peak of GT, the authors' code with that of the restored image.
    restored, truth = images()
    truth *= np.reshape([1.0, 0.7, 0.4], (3, 1, 1))
    for score, peaked in ((psnr, truth), (psnr_authors, restored)):
        expected = [
            peak_signal_noise_ratio(gt, rs, data_range=peak.max())
            for gt, rs, peak in zip(truth, restored, peaked, strict=True)
        ]
        assert_allclose(score(restored, truth), expected, rtol=1e-12)
    pairs = [
        (from_numpy(rs)[None, None], from_numpy(gt)[None, None])
        for rs, gt in zip(restored, truth, strict=True)
    ]
    expected = [
        torchmetrics.peak_signal_noise_ratio(*pair, data_range=float(pair[1].max()))
        for pair in pairs
    ]
    # torchmetrics takes the peak and its logarithm in single precision: 6e-8 of 30 dB.
    assert_allclose(psnr(restored, truth), expected, atol=4e-6)
    # torchmetrics reflects the frame; the windows inside it begin at the sixth pixel.
    maps = [
        torchmetrics.structural_similarity_index_measure(
            *pair, data_range=1.0, return_full_image=True
        )[1]
        for pair in pairs
    ]
    expected = [float(full[..., 5:-5, 5:-5].mean()) for full in maps]
    assert_allclose(ssim(restored, truth), expected, atol=1e-12)


def test_ssim_of_constant_images_is_the_luminance_term():
    a, b, c1 = 0.3, 0.7, 1e-4
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert_allclose(ssim(np.full((1, *SHAPE), a), np.full((1, *SHAPE), b)), expected, rtol=1e-9)
    assert_allclose(ssim(*[images()[1]] * 2), 1.0, rtol=1e-12)


@pytest.mark.parametrize("shape", [(9, 12), (33, 47)])
def test_ssim_of_the_full_frame_is_that_of_scikit_image(shape):
    # scikit-image's map of images padded by the window's half with their edge pixels, the
    # restored image's peak as the range; not 1, and not the truth's.
    restored, truth = images(shape=shape)
    restored *= np.reshape([0.5, 1.0, 2.0], (3, 1, 1))
    expected = []
    for rs, gt in zip(restored, truth, strict=True):
        padded = (np.pad(image, 5, mode="edge") for image in (rs, gt))
        _, full = structural_similarity(
            *padded,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=rs.max(),
            full=True,
        )
        expected.append(full[5:-5, 5:-5].mean())
    assert_allclose(ssim_authors(restored, truth), expected, atol=1e-13)


def test_both_ssim_of_a_hand_computed_case():
    # A step of one column at the frame's edge, 11 x 11 pixels: truth 0, restored 0 but for
    # its first column of 1.  Weights along a row: w_k of exp(-k^2 / 4.5) / sum, k = -5..5.
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    weights /= weights.sum()
    restored = np.zeros((1, 11, 11))
    restored[:, :, 0] = 1.0
    truth = np.zeros((1, 11, 11))
    # One window: mean m = w_-5, variance m - m^2, the truth's and the covariance 0.
    c1, c2, m = 1e-4, 9e-4, weights[0]
    expected = c1 / (m**2 + c1) * c2 / (m - m**2 + c2)
    assert_allclose(ssim(restored, truth), expected, rtol=1e-12)
    # Full frame: window j sees the column and its copies beyond the edge, m_j = the sum of
    # w_k for k <= -j; the peak is 1, so the same stabilisers.
    m = np.array([weights[: 6 - j].sum() if j <= 5 else 0.0 for j in range(11)])
    expected = np.mean(c1 / (m**2 + c1) * c2 / (m - m**2 + c2))
    assert_allclose(ssim_authors(restored, truth), expected, rtol=1e-12)
    assert_allclose(psnr_authors(restored, truth), 10 * np.log10(11), rtol=1e-12)


def test_scores_do_not_depend_on_the_type_of_the_pixels():
    restored, truth = (image.astype(np.float32) for image in images())
    assert_array_equal(ssim(restored, truth), ssim(restored.astype(float), truth.astype(float)))


def test_affine_match_undoes_scale_and_offset():
    _, truth = images()
    given = np.array([2.0, 0.5, -3.0])
    zero = np.array([0.1, -7.0, 0.0])
    restored = (truth - zero[:, None, None]) / given[:, None, None]
    matched, scale, offset = affine_match(restored, truth)
    assert_allclose(scale, given, rtol=1e-12)
    assert_allclose(offset, zero, atol=1e-12)
    assert_allclose(matched, truth, atol=1e-12)


def test_affine_match_is_the_least_squares_solution():
    # Normal equations: the error is orthogonal to the image and to a constant.
    restored, truth = images()
    matched, _, _ = affine_match(restored, truth)
    error = matched - truth
    assert_allclose(error.sum(axis=(1, 2)), 0, atol=1e-10)
    assert_allclose((error * restored).sum(axis=(1, 2)), 0, atol=1e-10)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_constant_image_is_matched_by_the_mean(value):
    _, truth = images()
    matched, scale, offset = affine_match(np.full_like(truth, value), truth)
    assert_array_equal(scale, 0.0)
    assert_allclose(offset, truth.mean(axis=(1, 2)), rtol=1e-14)
    assert_allclose(matched, truth.mean(axis=(1, 2), keepdims=True) + 0 * truth, rtol=1e-14)


def test_sky_level_of_noise_under_a_source():
    sigma, shape = 0.02, (301, 299)
    sky, noise = sky_level(galaxy(noise=sigma, shape=shape))
    # Clipping at 3 of its own sigma settles where s = sigma sqrt(1 - 2 k phi(k) / P(k)),
    # k = 3 s / sigma: s = 0.983 sigma.
    kept = 1.0
    for _ in range(50):
        k = 3 * kept
        kept = np.sqrt(1 - 2 * k * norm.pdf(k) / (1 - 2 * norm.sf(k)))
    pixels = shape[0] * shape[1]
    # 5 standard errors, sqrt(pi / 2N) of a median; the source's wings cover 500 pixels
    # and can move the median by 0.003 sigma.
    assert_allclose(sky, 0.1, atol=sigma * (5 * np.sqrt(np.pi / 2 / pixels) + 0.003))
    assert_allclose(noise, kept * sigma, atol=5 * sigma / np.sqrt(2 * pixels) + 0.002 * sigma)


def test_source_mask_keeps_sources_and_drops_noise_peaks():
    truth = stream(5, "test.mask").normal(0, 0.001, (3, *SHAPE))
    block = np.zeros(SHAPE, dtype=bool)
    block[10:14, 20:23] = True
    diagonal = np.zeros(SHAPE, dtype=bool)
    diagonal[range(5), range(5)] = True
    truth[0][block], truth[1][diagonal] = 1.0, 1.0
    truth[:, 30, 40] = 1.0  # alone in its plane, though the planes are neighbours in memory
    mask = source_mask(truth, sigma=6.0)
    assert_array_equal(mask[0], block)
    assert_array_equal(mask[1], diagonal)
    assert not mask[2].any()


def test_source_mask_of_noiseless_truth_ends_at_a_hundredth_of_the_peak():
    # A Gaussian falls to 0.01 at r = s sqrt(2 ln 100): area 2 pi s^2 ln 100 = 260 pixels
    # for s = 3; the circle's rim of 57 pixels is counted to about a third of a pixel each.
    mask = source_mask(galaxy(width=3.0, shape=(64, 65), centre=(32, 31)))
    assert abs(mask.sum() - 2 * np.pi * 9 * np.log(100)) < 20


def test_nrmse_of_known_failures():
    truth = galaxy(noise=0.01)
    mask = source_mask(truth)
    sky = sky_level(truth)[0][:, None, None]
    assert_array_equal(nrmse_source(truth, truth, mask), 0.0)
    assert_allclose(nrmse_source(sky + 0 * truth, truth, mask), 1.0, rtol=1e-12)
    assert_allclose(nrmse_source(0.5 * (sky + truth), truth, mask), 0.5, rtol=1e-12)
    assert np.isnan(nrmse_source(truth, truth, np.zeros_like(mask))).all()


def test_scores_of_blocks_are_those_of_single_images():
    restored, truth = images(count=2 * image_quality._BLOCK + 3)
    together = scores(restored, truth, 3.0)
    matched, scale, offset = affine_match(restored, truth)
    expected = {
        "psnr": psnr(restored, truth),
        "psnr_authors": psnr_authors(restored, truth),
        "ssim": ssim(restored, truth),
        "ssim_authors": ssim_authors(restored, truth),
        "psnr_matched": psnr(matched, truth),
        "ssim_matched": ssim(matched, truth),
        "nrmse_source": nrmse_source(matched, truth, source_mask(truth, 3.0)),
        "scale": scale,
        "offset": offset,
    }
    assert together.keys() == expected.keys()
    for name, values in expected.items():
        assert_allclose(together[name], values, rtol=1e-10, err_msg=name)
    assert all(values.shape == (0,) for values in scores(restored[:0], truth[:0]).values())


def test_wrong_shapes_are_refused():
    restored, truth = images()
    with pytest.raises(ValueError, match=r"must both be \(N, H, W\), got \(2, 33, 47\)"):
        psnr(restored[:2], truth)
    with pytest.raises(ValueError, match="must both be"):
        ssim(restored[0], truth[0])
    with pytest.raises(ValueError, match="11 pixels or more a side"):
        ssim(restored[:, :10], truth[:, :10])
    with pytest.raises(ValueError, match="mask must have the images' shape"):
        nrmse_source(restored, truth, np.ones(SHAPE, dtype=bool))


@pytest.mark.real
def test_plain_scores_reward_a_blank_sky_and_the_source_score_does_not(real_data):
    folder = real_data / "paper_sample" / "JWST"
    truth, low = (
        np.stack([np.load(path) for path in sorted((folder / kind).glob("*.npy"))])
        for kind in ("gt", "lq")
    )
    blank = np.median(truth, axis=(1, 2), keepdims=True) + np.zeros_like(truth)
    # On all ten public pairs: 24.84 dB / 0.817 for the blank sky, 18.95 dB / 0.257 for LQ.
    assert ssim(blank, truth).mean() > ssim(low, truth).mean() + 0.4
    assert psnr(blank, truth).mean() > psnr(low, truth).mean() + 4
    mask = source_mask(truth)
    assert_allclose(nrmse_source(blank, truth, mask), 1.0, atol=0.1)
    matched, _, _ = affine_match(low, truth)
    # LQ holds the galaxy: 31.13 dB / 0.644 after the match on the ten pairs.
    assert psnr(matched, truth).mean() > psnr(low, truth).mean() + 10
    assert nrmse_source(matched, truth, mask).max() < 0.8
