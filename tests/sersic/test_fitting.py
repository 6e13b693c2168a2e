"""Recovery of GalSim galaxies, errors, failures and independence of the cut."""

import galsim
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.sersic.fitting import FAILURES, fit_sersic, model_images
from galrestore.sersic.profile import brightness_at_r50, ellipticity_components, total_flux

SIDE, FWHM, SKY, RMS = 64, 2.0, 3.0, 7.0


def draw(n, r50, q, theta, dx, dy):
    """PSF-convolved galaxy of unit flux whose centre is at side // 2 + (dx, dy)."""
    profile = galsim.Sersic(n, half_light_radius=r50).shear(q=q, beta=theta * galsim.radians)
    profile = galsim.Convolve(profile.shift(dx + 0.5, dy + 0.5), galsim.Gaussian(fwhm=FWHM))
    return profile.drawImage(nx=SIDE, ny=SIDE, scale=1, dtype=float).array


@pytest.fixture(scope="module")
def sample():
    """240 noisy galaxies with matched-filter S/N of 100 to 500, and their truth."""
    rng = np.random.default_rng(20240607)
    truth = {
        "n": rng.choice([0.5, 1.0, 1.5, 2.5, 4.0, 5.5], 240),
        "r50": np.exp(rng.uniform(np.log(1.3), np.log(7), 240)),
        "q": rng.uniform(0.2, 1, 240),
        "theta": rng.uniform(0, np.pi, 240),
        "dx": rng.uniform(-1, 1, 240),
        "dy": rng.uniform(-1, 1, 240),
    }
    clean = np.array([draw(*row) for row in zip(*truth.values(), strict=True)])
    snr = np.exp(rng.uniform(np.log(100), np.log(500), 240))
    truth["model_flux"] = snr * RMS / np.sqrt((clean**2).sum(axis=(1, 2)))
    noise = rng.normal(0, RMS, clean.shape)
    truth |= {"x": SIDE // 2 + truth["dx"], "y": SIDE // 2 + truth["dy"]}
    return SKY + clean * truth["model_flux"][:, None, None] + noise, truth, noise


@pytest.fixture(scope="module")
def result(sample):
    return fit_sersic(sample[0], FWHM)


def robust(values):
    middle = np.median(values)
    return middle, 1.4826 * np.median(np.abs(values - middle))


def test_recovery(sample, result):
    # Scatter demanded at S/N > 100: 0.07 in ln n, 0.05 in ln R, 0.02 in each ellipticity.
    # The median of 240 has a standard error of 1.25 scatter / sqrt(240) = 0.08 scatter;
    # biases of four of them are allowed.
    truth = sample[1]
    assert (result["failure"] == "").mean() > 0.98
    good = result["failure"] == ""
    found, true = (ellipticity_components(t["q"], t["theta"]) for t in (result, truth))
    for difference, limit in (
        (np.log(result["n"] / truth["n"]), 0.07),
        (np.log(result["r50"] / truth["r50"]), 0.05),
        (found[0] - true[0], 0.02),
        (found[1] - true[1], 0.02),
    ):
        bias, scatter = robust(difference[good])
        assert scatter < limit
        assert abs(bias) < 0.32 * limit


def test_no_local_minima(sample, result):
    # The best fit cannot be worse than the truth, but for the accuracy of the minimum.
    truth_chi2 = (sample[2] ** 2).sum(axis=(1, 2)) / result["rms"] ** 2
    assert np.all(result["chi2"] * (SIDE**2 - 8) < truth_chi2 + 0.5)


def test_pulls(sample, result):
    # Linear errors of a nonlinear model: 0.9 to 1.05 over many galaxies; the robust scatter
    # of 240 pulls has a standard error of 1.17 / sqrt(240) = 0.075, allowed thrice.
    good = result["failure"] == ""
    truth = sample[1] | {"background": SKY}
    truth["i50"] = brightness_at_r50(*(truth[name] for name in ("model_flux", "r50", "n")))
    for name in ("x", "y", "model_flux", "r50", "n", "q", "i50", "background"):
        pull = ((result[name] - truth[name]) / result[f"{name}_error"])[good]
        assert 0.9 - 0.225 < robust(pull)[1] < 1.05 + 0.225
    turn = (result["theta"] - truth["theta"] + np.pi / 2) % np.pi - np.pi / 2
    assert 0.9 - 0.225 < robust((turn / result["theta_error"])[good])[1] < 1.05 + 0.225


def test_background_noise_and_brightness(sample, result):
    assert_allclose(np.median(result["background"]), SKY, atol=0.1)
    # One estimate from 1,392 pixels scatters by 1.17 / sqrt(1392) = 3 %, the median of 240 by
    # 0.25 %; light of wings adds to it (0.5 % here).
    assert_allclose(np.median(result["rms"]), RMS, rtol=0.02)
    flux = total_flux(result["i50"], result["r50"], result["n"])
    assert_allclose(flux, result["model_flux"], rtol=1e-12)


def test_units_do_not_matter(sample, result):
    scaled = fit_sersic(sample[0][:9] * 1e-12 - 4e-10, FWHM)
    assert_allclose(scaled["n"], result["n"][:9], rtol=2e-3)
    assert_allclose(scaled["model_flux"], result["model_flux"][:9] * 1e-12, rtol=2e-3)


def test_each_stamp_is_fitted_by_itself(sample, result):
    # Sharding: any subset in any order gives the same bits.
    rows = np.array([17, 3, 101])
    alone = fit_sersic(sample[0][rows], np.full(3, FWHM))
    for name, values in alone.items():
        assert_array_equal(values, result[name][rows])


def test_threads_do_not_matter(sample, result):
    # 240 stamps are eight blocks, which three threads take in any order.
    threaded = fit_sersic(sample[0], FWHM, threads=3)
    for name, values in threaded.items():
        assert_array_equal(values, result[name])


def test_noise_map_of_equal_pixels_is_one_noise(sample):
    stamps = sample[0][:6]
    one = fit_sersic(stamps, FWHM, rms=RMS)
    each = fit_sersic(stamps, FWHM, rms=np.full(stamps.shape, RMS))
    for name, values in each.items():
        assert_array_equal(values, one[name])


def test_noise_maps_weigh_pixels(sample):
    # Half of each stamp is five times as noisy.  With the map, chi-square is 1 per pixel (scatter
    # sqrt(2 / 4088) = 0.022, of the mean of 60 0.003), pulls are normal, and scatter less than
    # those of fits with equal weights, where the noisy half counts 25 times too much.
    some = np.argsort(sample[1]["r50"])[60:120]
    truth = {name: values[some] for name, values in sample[1].items()}
    noise = np.full((60, SIDE, SIDE), RMS)
    noise[:, :, 30:] *= 5
    stamps = sample[0][some] + sample[2][some] * (noise / RMS - 1)
    mapped, equal = fit_sersic(stamps, FWHM, rms=noise), fit_sersic(stamps, FWHM, rms=RMS)
    assert_allclose(np.mean(mapped["chi2"]), 1, atol=0.012)
    good = (mapped["failure"] == "") & (equal["failure"] == "")
    assert good.sum() > 50
    pulls = [
        [(r[name] - truth[name])[good] / mapped[f"{name}_error"][good] for r in (mapped, equal)]
        for name in ("x", "y", "r50", "n", "q")
    ]
    # Five parameters of about 55 galaxies: a standard error of 1.17 / sqrt(275) = 0.07.
    weighted, unweighted = (
        robust(np.concatenate(values))[1] for values in zip(*pulls, strict=True)
    )
    assert abs(weighted - 1) < 0.21
    assert unweighted > weighted


def test_pixels_without_noise_do_not_count(sample):
    stamps = sample[0][:4].copy()
    noise = np.full(stamps.shape, RMS)
    mask = np.zeros(stamps.shape, dtype=bool)
    mask[:, 3:9, 40:60] = True
    masked = fit_sersic(stamps, FWHM, rms=RMS, mask=mask)
    noise[mask] = np.where(np.indices(stamps.shape)[2] % 2, np.nan, 0)[mask]
    stamps[mask] = 1e6
    unknown = fit_sersic(stamps, FWHM, rms=noise)
    for name, values in unknown.items():
        assert_array_equal(values, masked[name])


def test_blank_frame_shifts_and_sizes(sample, result):
    # NaN around a 41 x 41 stamp, as in cubes of mixed sizes: the same galaxy as the bare cut.
    k = int(np.argmin(result["r50"]))
    bare = sample[0][k : k + 1, 12:53, 12:53]
    padded = np.full((1, 51, 51), np.nan)
    padded[:, 5:46, 5:46] = bare
    a, b = fit_sersic(bare, FWHM), fit_sersic(padded, FWHM)
    for name in ("x", "y"):
        assert_allclose(b[name], a[name] + 5, rtol=1e-12)
    for name in ("r50", "n", "q", "model_flux", "chi2", "n_error"):
        assert_array_equal(a[name], b[name])
    assert abs(a["n"][0] - result["n"][k]) < 4 * a["n_error"][0]


def test_masked_neighbour_does_no_harm(sample, result):
    k = int(np.argmin(np.abs(result["r50"] - 3)))
    stamp = sample[0][k : k + 1].copy()
    stamp[0, 44:, 44:] += 3 * (stamp[0].max() - SKY)
    mask = np.zeros(stamp.shape, dtype=bool)
    mask[0, 44:, 44:] = True
    harmed, spared = fit_sersic(stamp, FWHM), fit_sersic(stamp, FWHM, mask=mask)
    error = result["n_error"][k]
    assert abs(spared["n"][0] - result["n"][k]) < 2 * error
    assert spared["masked"][0] == 400 / 4096
    assert harmed["failure"][0] != "" or abs(harmed["n"][0] - result["n"][k]) > 2 * error


def test_noise_free_image_without_psf():
    # Parameters out are parameters in, with no PSF in image and model.
    truth = {"x": 32.2, "y": 31.7, "model_flux": 50.0, "r50": 4.0, "n": 1.3, "q": 0.6, "theta": 2.0}
    image = model_images(truth, (61, 64), 0.0) + 0.5
    found = fit_sersic(image, 0.0)
    assert found["failure"][0] == ""
    for name, value in truth.items():
        assert_allclose(found[name], value, rtol=2e-3)
    assert_allclose(found["background"], 0.5, atol=1e-4)


def test_failures_have_reasons():
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (8, 48, 48))
    assert set(fit_sersic(noise, FWHM)["failure"]) == {"blank"}
    flat = np.ones((1, 48, 48))
    assert fit_sersic(flat, FWHM)["failure"][0] == "blank"
    empty = np.full((1, 48, 48), np.nan)
    assert fit_sersic(empty, FWHM)["failure"][0] == "pixels"
    hole = noise[:1].copy()
    hole[0, 20:28, 20:28] = np.nan
    assert fit_sersic(hole, FWHM)["failure"][0] == "pixels"


def test_parameters_at_their_bounds_are_failures(sample):
    stamp = sample[0][sample[1]["n"] == 4.0][:5]
    limited = fit_sersic(stamp, FWHM, index_bounds=(0.3, 1.5))
    assert set(limited["failure"]) == {"index"}
    assert_allclose(limited["n"], 1.5, rtol=1e-3)
    shifted = fit_sersic(np.roll(stamp, 5, axis=2), FWHM)
    assert "centre" in set(shifted["failure"])
    assert set(limited["failure"]) | set(shifted["failure"]) <= {"", *FAILURES}


def test_steps_run_out(sample):
    stopped = fit_sersic(sample[0][:3], FWHM, maximum_iterations=1)
    assert set(stopped["failure"]) == {"iterations"}
    assert_array_equal(stopped["iterations"], 3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"shape \(9, 9\), expected \(N, H, W\)"):
        fit_sersic(np.zeros((9, 9)), FWHM)
    with pytest.raises(ValueError, match="mask has shape"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, mask=np.zeros((1, 9, 9), dtype=bool))
    with pytest.raises(ValueError, match=r"rms has shape \(1, 9, 9\), the stamps \(2, 9, 9\)"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, rms=np.ones((1, 9, 9)))
    with pytest.raises(ValueError, match="unknown precision 'half' or backend 'compiled'"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, precision="half")
    with pytest.raises(ValueError, match="index_bounds must increase within"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, index_bounds=(0.1, 8))
