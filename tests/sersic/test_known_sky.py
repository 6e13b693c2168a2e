"""The background's prior: its limits, its posterior and what it does for radii."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_array_less
from scipy.optimize import least_squares

from galrestore.sersic.expansion import expansion_table
from galrestore.sersic.fitting import fit_sersic, model_images
from galrestore.sersic.kernel import evaluate, workspace
from galrestore.sersic.profile import brightness_at_r50
from galrestore.sersic.psf import SIGMA_PER_FWHM

COUNT, SIDE, FWHM, SKY, RMS = 120, 48, 2.0, 3.0, 7.0
EXACT = {"precision": "double", "maximum_iterations": 300, "rms": RMS}


@pytest.fixture(scope="module")
def sample():
    """Noisy galaxies of matched-filter S/N 100 to 500, and their truth."""
    rng = np.random.default_rng(1931)
    truth = {
        "x": SIDE // 2 + rng.uniform(-1, 1, COUNT),
        "y": SIDE // 2 + rng.uniform(-1, 1, COUNT),
        "model_flux": np.ones(COUNT),
        "r50": np.exp(rng.uniform(np.log(1.5), np.log(6), COUNT)),
        "n": rng.uniform(0.6, 5, COUNT),
        "q": rng.uniform(0.3, 0.95, COUNT),
        "theta": rng.uniform(0, np.pi, COUNT),
    }
    clean = model_images(truth, (SIDE, SIDE), FWHM).astype(float)
    snr = np.exp(rng.uniform(np.log(100), np.log(500), COUNT))
    truth["model_flux"] = snr * RMS / np.sqrt((clean**2).sum(axis=(1, 2)))
    noise = rng.normal(0, RMS, clean.shape)
    return SKY + clean * truth["model_flux"][:, None, None] + noise, truth


@pytest.fixture(scope="module")
def free(sample):
    return fit_sersic(sample[0], FWHM, **EXACT)


def test_an_unknown_sky_changes_nothing(sample):
    stamps = sample[0][:12]
    default = fit_sersic(stamps, FWHM)
    unknown = fit_sersic(stamps, FWHM, sky=(np.resize([SKY, np.nan], 12), np.inf))
    nothing = fit_sersic(stamps, FWHM, sky=(SKY, np.nan))
    for name, values in default.items():
        assert_array_equal(unknown[name], values)
        assert_array_equal(nothing[name], values)


def test_a_vague_sky_hardly_changes_anything(sample, free):
    # A prior a thousand times wider than a pixel's noise, and off by as much, pulls the
    # background by (error of the free fit / 1000)^2 of 1000, 1e-3 of that error or less.
    vague = fit_sersic(sample[0], FWHM, sky=(SKY + 1000 * RMS, 1000 * RMS), **EXACT)
    for name in ("n", "r50", "background"):
        assert_array_less(np.abs(vague[name] - free[name]), 2e-3 * free[f"{name}_error"])


def test_a_sky_without_error_is_held(sample):
    # As SciPy fits seven parameters on the image less the sky; chi-square is flat there, so
    # an excess below 1e-6 is 1e-3 standard errors.
    some = slice(0, 6)
    level = SKY + np.linspace(-0.5, 0.5, 6)
    held = fit_sersic(sample[0][some], FWHM, sky=(level, 0.0), **EXACT)
    assert_allclose(held["background"], level, atol=1e-5 * RMS)
    assert_array_less(held["background_error"], 2e-6 * RMS)
    for k in range(6):
        chi2, found = scipy_fit((sample[0][k] - level[k]) / RMS, held, k)
        assert_allclose(held["chi2"][k] * (SIDE**2 - 7), chi2, atol=1e-6)
        for name in ("n", "r50"):
            assert abs(held[name][k] - found[name]) < 3e-3 * held[f"{name}_error"][k]


def scipy_fit(image, start, k):
    """Chi-square, index and radius by SciPy's solver on the same model without background."""
    table, work = expansion_table(16), workspace(SIDE, SIDE, 16, np.float64)
    terms = np.array([[1.0, (FWHM * SIGMA_PER_FWHM) ** 2]])
    rows = np.zeros((7, image.size))

    def model(p):
        tabulated = (table.values, table.low, table.step)
        evaluate(np.append(p, 0.0), terms, tabulated, SIDE, SIDE, work, rows)
        return rows

    # A tenth off the solution in everything.
    p = [start[name][k] for name in ("x", "y")]
    p += [np.log(start["model_flux"][k] / RMS), np.log(start["r50"][k]), np.log(start["n"][k])]
    eta = -np.log(start["q"][k])
    p += [eta * np.cos(2 * start["theta"][k]), eta * np.sin(2 * start["theta"][k])]
    answer = least_squares(
        lambda p: model(p)[2] - image.ravel(), np.array(p) + 0.1, lambda p: model(p).T.copy(),
        xtol=1e-12, ftol=1e-14, gtol=1e-12,
    )  # fmt: skip
    return 2 * answer.cost, {"r50": np.exp(answer.x[3]), "n": np.exp(answer.x[4])}


def test_prior_and_stamp_combine_as_two_gaussians(sample, free):
    # The posterior of a linear problem: precisions add, means are weighted with them.  Where
    # ln n is known to 0.05, the model is linear over its errors to about as much.
    sharp = free["n_error"] / free["n"] < 0.05
    assert sharp.sum() > 60
    mean, error = SKY + 0.3, free["background_error"]
    both = fit_sersic(sample[0], FWHM, sky=(mean, error), **EXACT)
    assert_allclose(both["background_error"][sharp], error[sharp] / np.sqrt(2), rtol=0.05)
    shift = np.abs(mean - free["background"])
    distance = np.abs(both["background"] - (free["background"] + mean) / 2)
    assert_array_less(distance[sharp], 0.05 * error[sharp] + 0.1 * shift[sharp])


def test_known_sky_narrows_everything():
    # With one parameter held, the errors of no other grow (a minor of the curvature); without
    # noise both fits end at the same place.  In the wings of a large, peaked galaxy light and
    # sky are rivals: its radius is known 1.7 times as well.
    galaxy = {"x": 24.2, "y": 23.7, "model_flux": 3e5, "r50": 6.0, "n": 4.0, "q": 0.7, "theta": 1.0}
    stamp = model_images(galaxy, (SIDE, SIDE), FWHM).astype(float) + SKY
    unknown = fit_sersic(stamp, FWHM, **EXACT)
    known = fit_sersic(stamp, FWHM, sky=(SKY, 0.0), **EXACT)
    for name in ("x", "y", "model_flux", "r50", "i50", "n", "q", "theta", "background"):
        assert known[f"{name}_error"][0] < 1.0001 * unknown[f"{name}_error"][0]
    assert known["r50_error"][0] < 0.62 * unknown["r50_error"][0]


def test_pulls_with_a_sky_as_well_known_as_said(sample):
    # 0.9 to 1.05 over many galaxies; the robust scatter of 120 pulls has a standard error of
    # 1.17 / sqrt(120) = 0.11, allowed twice.
    stamps, truth = sample
    error = 0.04 * RMS
    level = SKY + np.random.default_rng(5).normal(0, error, COUNT)
    found = fit_sersic(stamps, FWHM, sky=(level, error))
    good = found["failure"] == ""
    assert good.mean() > 0.97
    truth = truth | {"background": SKY}
    truth["i50"] = brightness_at_r50(*(truth[name] for name in ("model_flux", "r50", "n")))
    for name in ("model_flux", "r50", "n", "i50", "background"):
        pull = ((found[name] - truth[name]) / found[f"{name}_error"])[good]
        middle = np.median(pull)
        scatter = 1.4826 * np.median(np.abs(pull - middle))
        assert 0.9 - 0.22 < scatter < 1.05 + 0.22


def test_a_galaxy_that_fills_its_stamp():
    # 61 % of its light lies within 16 pixels, and no pixel of the stamp shows the sky.  The
    # scatter is the standard error in both fits: 1 / sqrt(2 * 40) = 11 %, allowed thrice.
    galaxy = {"x": 16.2, "y": 15.7, "model_flux": 3e4, "r50": 12.0, "n": 2.0, "q": 0.8, "theta": 1}
    noise = np.random.default_rng(8).normal(0, 1, (40, 32, 32))
    stamps = model_images(galaxy, (32, 32), FWHM) + noise
    scatter = {}
    for name, sky in (("known", (0.0, 0.01)), ("unknown", None)):
        found = fit_sersic(stamps, FWHM, rms=1.0, sky=sky)
        assert set(found["failure"]) == {""}
        scatter[name] = np.log(found["r50"]).std()
        error = np.median(found["r50_error"] / found["r50"])
        assert_allclose(scatter[name], error, rtol=0.34)
        assert abs(np.log(found["r50"] / 12).mean()) < 4 * error / np.sqrt(40)
    assert scatter["known"] < 0.5 * scatter["unknown"]


def test_wrong_skies():
    with pytest.raises(ValueError, match=r"standard error must not be negative, got -0\.1"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, sky=(0.0, np.array([0.2, -0.1])))
    with pytest.raises(ValueError, match="broadcast"):
        fit_sersic(np.zeros((2, 9, 9)), FWHM, sky=(np.zeros(3), 1.0))
