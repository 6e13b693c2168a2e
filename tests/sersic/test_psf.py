"""Sums of Gaussians fitted to PSFs: closed forms, real PSFs, and what a fit makes of them."""

import galsim
import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose
from scipy.special import erf

from galrestore.sersic.fitting import fit_sersic, model_images
from galrestore.sersic.psf import Psf, fit_psf, gaussian_psf

TRUTH = Psf((0.6, 0.3, 0.1), (0.8, 1.7, 5.0))


def draw(psf, shape, centre, scale=1.0, integrated=True):
    """Closed form of a sum of Gaussians, integrated over pixels or sampled at their centres."""

    def line(count, middle, sigma):
        if integrated:
            edges = (np.arange(count + 1) - 0.5 - middle) / (sigma * np.sqrt(2))
            return np.diff(erf(edges)) / 2
        return np.exp(-((np.arange(count) - middle) ** 2) / (2 * sigma**2)) / sigma

    return sum(
        share * np.outer(line(shape[0], centre[1], s * scale), line(shape[1], centre[0], s * scale))
        for share, s in zip(psf.fractions, psf.sigmas, strict=True)
    )


@pytest.mark.parametrize("integrated", [True, False])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_sum_of_gaussians_is_found_again(integrated, scale):
    # Whether pixels are integrals or samples, fine or not: the same PSF in front of the
    # pixels.  The fit stops at 1e-8 of chi-square, fractions and widths follow to 1e-3.
    image = 7.0 * draw(TRUTH, (75, 82), (41.3, 36.8), scale, integrated)
    psf = fit_psf(image, 3, pixel_integrated=integrated, oversampling=scale)
    assert_allclose(psf.fractions, TRUTH.fractions, atol=2e-3)
    assert_allclose(psf.sigmas, TRUTH.sigmas, rtol=5e-3)
    assert_allclose(psf.centre, (41.3, 36.8), atol=1e-3)
    assert psf.residual < 1e-3
    assert psf.flux_residual < 1e-3


def test_the_pixel_is_counted_once():
    # A star of variance 0.5 seen through pixels has 0.5 + 1/12 where it is summed up.
    image = draw(Psf((1.0,), (np.sqrt(0.5),)), (41, 41), (20.0, 20.0))
    assert_allclose(fit_psf(image, 1).sigmas[0] ** 2, 0.5, rtol=1e-4)
    taken_as_samples = fit_psf(image, 1, pixel_integrated=False).sigmas[0] ** 2
    assert_allclose(taken_as_samples, 0.5 + 1 / 12, rtol=0.02)


def test_width_at_half_maximum():
    assert_allclose(gaussian_psf(1.88).fwhm, 1.88, rtol=1e-9)
    assert gaussian_psf(0.0).fwhm == 0
    half = TRUTH.fwhm / 2
    peaks = np.divide(TRUTH.fractions, np.square(TRUTH.sigmas))
    fall = np.exp(-(half**2) / (2 * np.square(TRUTH.sigmas)))
    assert_allclose(peaks @ fall, peaks.sum() / 2, rtol=1e-9)


def test_galaxies_under_a_moffat_psf():
    # GalSim's Moffat has wings that one Gaussian lacks.  Three Gaussians must find the
    # galaxy to 1 %; one of the same width is off by more.
    psf = galsim.Moffat(beta=3.0, fwhm=2.2)
    image = psf.drawImage(nx=61, ny=61, scale=1, dtype=float).array
    angle = 0 * galsim.radians
    galaxies = [(1.0, 3.0, 0.6), (2.5, 4.0, 0.8), (4.0, 3.5, 0.5)]
    stamps = [
        galsim.Convolve(galsim.Sersic(n, half_light_radius=r50).shear(q=q, beta=angle), psf)
        .drawImage(nx=81, ny=81, scale=1, dtype=float)
        .array
        for n, r50, q in galaxies
    ]  # fmt: skip
    stamps, truth = np.array(stamps), np.array(galaxies).T
    found = fit_sersic(stamps, fit_psf(image, 3))
    single = fit_sersic(stamps, 2.2)
    assert set(found["failure"]) == {""}
    assert_allclose(found["n"], truth[0], rtol=0.02)
    assert_allclose(found["r50"], truth[1], rtol=0.01)
    assert_allclose(found["q"], truth[2], rtol=0.01)
    assert np.all(np.abs(single["r50"] / truth[1] - 1) > 2 * np.abs(found["r50"] / truth[1] - 1))


def test_wings_of_the_psf_do_not_mislead_the_start():
    # Core and wings as in ACS at 0.05 arcsec; the wings hold 5 % of the light, but most of the
    # second moment.  S/N 300: all fits converge, and errors are normal (24 x 5 of them, whose
    # robust scatter is known to 1.17 / sqrt(120) = 0.11).
    psf = Psf((0.43, 0.43, 0.09, 0.05), (0.4, 1.5, 6.3, 21.0))
    rng = np.random.default_rng(8)
    truth = {name: 32 + rng.uniform(-1, 1, 24) for name in ("x", "y")}
    truth |= {"model_flux": np.ones(24), "r50": np.geomspace(1.0, 6.0, 24)}
    truth |= {"n": rng.uniform(0.7, 4, 24), "q": rng.uniform(0.3, 0.9, 24), "theta": np.ones(24)}
    clean = model_images(truth, (64, 64), psf).astype(float)
    truth["model_flux"] = 300 / np.sqrt((clean**2).sum(axis=(1, 2)))
    stamps = clean * truth["model_flux"][:, None, None] + rng.normal(0, 1, clean.shape)
    found = fit_sersic(stamps, psf, rms=1.0)
    assert set(found["failure"]) == {""}
    pulls = [(found[k] - truth[k]) / found[f"{k}_error"] for k in ("x", "y", "r50", "n", "q")]
    assert abs(1.4826 * np.median(np.abs(pulls)) - 1) < 0.33


def test_images_that_are_no_psf_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 9\) must be finite and at least 5 x 5"):
        fit_psf(np.ones((3, 9)))
    with pytest.raises(ValueError, match="has the sum 0; it must be positive"):
        fit_psf(np.zeros((9, 9)))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "residual", "flux"),
    [
        # Measured: 0.040, 0.042, 0.092 and 0.034 of the peak (the PSFs are not round), 0.013,
        # 0.013, 0.012 and 0.008 of the light.  One Gaussian leaves 0.2 to 0.5, and 0.1.
        ("psf_acs_tinytim/acs_wfc_f606w.fits", 0.05, 0.015),
        ("psf_acs_tinytim/acs_wfc_f814w.fits", 0.05, 0.015),
        ("hst_cosmos_f814w/psf.fits", 0.10, 0.015),
        ("hst_cosmos_f814w/scene_147246_psf.fits", 0.05, 0.015),
    ],
)
def test_real_psfs(real_data, name, residual, flux):
    with fits.open(real_data / name) as hdus:
        image = next(hdu.data for hdu in hdus if hdu.data is not None).astype(float)
    psf = fit_psf(image, 3)
    assert psf.residual < residual
    assert psf.flux_residual < flux
    assert_allclose(sum(psf.fractions), 1)
    assert psf.residual < fit_psf(image, 1).residual / 2
