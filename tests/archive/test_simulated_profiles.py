"""PSF and stamps of simulated objects, against closed forms and tighter accuracy."""

import galsim
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.special import j1

from galrestore.archive import simulated_profiles
from galrestore.archive.simulated_population import knots
from galrestore.archive.simulated_profiles import Optics, half_widths, peaks, stamp

MOSAICS = {
    "acs": Optics.of_width("hst", 0.592, 0.05, 0.094),
    "short": Optics.of_width("jwst", 1.154, 0.03, 0.055),
    "long": Optics.of_width("jwst", 4.421, 0.06, 0.16),
}
GALAXY = {
    "id": 5,
    "kind": "galaxy",
    "theta": 0.7,
    "n_knots": 0,
    "disc_r50": 0.31,
    "disc_n": 1.0,
    "disc_q": 0.55,
    "bulge_r50": 0.13,
    "bulge_n": 4.0,
    "bulge_q": 0.8,
}
STAR = GALAXY | {"kind": "star", "disc_r50": 0.0, "bulge_r50": 0.0}


def half_of(galaxy, fluxes, optics, rms):
    fluxes = tuple(np.array([flux]) for flux in fluxes)
    return int(half_widths(pd.DataFrame([galaxy]), fluxes, optics, rms)[0])


@pytest.mark.parametrize("name", MOSAICS)
def test_stars_have_the_width_asked_for(name):
    optics = MOSAICS[name]
    phases = (np.arange(8) - 3.5) / 8
    fine = np.empty((8 * 41, 8 * 41))
    for i, dy in enumerate(phases):
        for j, dx in enumerate(phases):
            # A star shifted to the left shows the PSF further to the right.
            fine[i::8, j::8] = stamp(STAR, (1.0, 1.0, 0, 0), None, optics, 30 - dx, 30 - dy, 20)[2]
    area = np.sum(fine > fine.max() / 2) / 64
    width = 2 * np.sqrt(area / np.pi) * optics.pixel_scale
    # The isophote's area is known to about its length, 2 pi r in fine pixels, times 0.1:
    # with r > 7 fine pixels that is 3 per cent of the area and 1.5 of the width.
    assert_allclose(width, {"acs": 0.094, "short": 0.055, "long": 0.16}[name], rtol=0.02)


@pytest.mark.parametrize(
    ("telescope", "diameter", "hole"), [("hst", 2.4, 0.33), ("jwst", 6.5, 0.17)]
)
def test_width_of_pure_diffraction_is_that_of_an_annular_aperture(telescope, diameter, hole):
    optics = Optics(telescope, 1.0, 1e-6, 0.0)

    def amplitude(x):
        return 2 * j1(x) / x - hole**2 * 2 * j1(hole * x) / (hole * x)

    half = brentq(lambda x: (amplitude(x) / (1 - hole**2)) ** 2 - 0.5, 0.5, 2.5)
    # x = pi D theta / lambda; the transfer function's table is good to 1e-4.
    expected = np.degrees(2 * half / np.pi * 1e-6 / diameter) * 3600
    assert_allclose(optics.fwhm(), expected, rtol=1e-3)


def test_width_below_diffraction_is_refused():
    with pytest.raises(ValueError, match=r"diffraction and pixel alone are 0\.14"):
        Optics.of_width("jwst", 4.421, 0.06, 0.1)


@pytest.mark.parametrize("name", MOSAICS)
@pytest.mark.parametrize("galaxy", [STAR, GALAXY], ids=["star", "galaxy"])
def test_flux_is_within_the_stamp(name, galaxy):
    # 5 magnitudes above the noise of a pixel times 10^2.5: what a bright source leaves
    # outside its stamp, wings of diffraction or of a de Vaucouleurs bulge, is below 1 %.
    optics, flux = MOSAICS[name], 1e5
    fluxes = (flux, flux, 0.0, 0.0) if galaxy is STAR else (flux, 0.3 * flux, 0.7 * flux, 0.0)
    half = half_of(galaxy, fluxes, optics, 1.0)
    assert_allclose(
        stamp(galaxy, fluxes, None, optics, 100.3, 90.8, half)[2].sum(), flux, rtol=0.01
    )


def test_position_is_that_of_the_source():
    x0, y0, pixels = stamp(STAR, (1.0, 1.0, 0, 0), None, MOSAICS["acs"], 100.3, 90.8, 25)
    rows, columns = np.indices(pixels.shape)
    centre = (columns * pixels).sum() / pixels.sum() + x0, (rows * pixels).sum() / pixels.sum() + y0
    # Symmetric light cut off at a radius R off-centre by d: below d times the light at R.
    assert_allclose(centre, (100.3, 90.8), atol=0.01)


def test_position_angle_runs_from_columns_to_rows():
    _, _, pixels = stamp(GALAXY, (1.0, 0.0, 1.0, 0.0), None, MOSAICS["short"], 60, 60, 50)
    rows, columns = np.indices(pixels.shape) - 50
    xx, yy, xy = (np.sum(pixels * term) for term in (columns**2, rows**2, rows * columns))
    # The PSF is round, so the second moments keep the disc's angle.
    assert_allclose(0.5 * np.arctan2(2 * xy, xx - yy), 0.7, atol=0.01)


def test_knots_carry_their_flux():
    galaxy = GALAXY | {"n_knots": 12}
    places = knots(1, galaxy)
    smooth = stamp(galaxy, (1.0, 0.2, 0.8, 0.0), None, MOSAICS["short"], 80, 80, 60)[2]
    knotty = stamp(galaxy, (1.0, 0.2, 0.5, 0.3), places, MOSAICS["short"], 80, 80, 60)[2]
    assert_allclose(knotty.sum(), smooth.sum(), rtol=2e-3)
    assert knotty.std() > 0
    assert np.abs(knotty - smooth).max() > 0.1 * smooth.max()


@pytest.mark.parametrize("name", MOSAICS)
def test_loose_accuracy_is_below_the_noise(name, monkeypatch):
    optics, fluxes = MOSAICS[name], (2e3, 600.0, 900.0, 500.0)
    galaxy = GALAXY | {"n_knots": 9}
    half = half_of(galaxy, fluxes, optics, 1.0)
    loose = stamp(galaxy, fluxes, knots(1, galaxy), optics, 90.2, 90.4, half)[2]
    monkeypatch.setattr(
        simulated_profiles,
        "_ACCURACY",
        galsim.GSParams(folding_threshold=1e-3, kvalue_accuracy=1e-6),
    )
    tight = stamp(galaxy, fluxes, knots(1, galaxy), optics, 90.2, 90.4, half)[2]
    # 1 per cent of the noise (1 here), or 1e-3 of the peak.
    assert np.abs(loose - tight).max() < max(0.01, 1e-3 * tight.max())


@pytest.mark.parametrize("name", MOSAICS)
def test_light_at_the_edge_of_a_stamp_is_far_below_the_noise(name):
    optics, fluxes = MOSAICS[name], (3e3, 1e3, 2e3, 0.0)
    half = half_of(GALAXY, fluxes, optics, 1.0)
    pixels = stamp(GALAXY, fluxes, None, optics, 90, 90, half)[2]
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    # 0.05 sigma asked for along the major axis, where the rings of diffraction add.
    assert edge.max() < 0.08


@pytest.mark.parametrize("name", MOSAICS)
def test_peak_is_estimated_well_enough_to_skip_the_invisible(name):
    optics = MOSAICS[name]
    for galaxy, fluxes in (
        (STAR, (1.0, 1.0, 0.0, 0.0)),
        (GALAXY, (1.0, 0.0, 1.0, 0.0)),
        (GALAXY, (1.0, 1.0, 0.0, 0.0)),
        (GALAXY, (1.0, 0.4, 0.6, 0.0)),
    ):
        estimate = peaks(
            pd.DataFrame([galaxy]), tuple(np.array([flux]) for flux in fluxes), optics
        )[0]
        true = stamp(galaxy, fluxes, None, optics, 60, 60, 40)[2].max()
        # Not below the truth, so that nothing visible is left out, nor far above.
        assert true < estimate < 6 * true


def test_a_frequency_where_galsim_fails_leaves_no_hole():
    # Pixels of a simulated chip, on which GalSim's Airy has a NaN among its frequencies.
    optics = Optics("jwst", 1.154, 0.05, 0.01574958122192579)
    chip = np.array(
        [[-0.020431712322711078, -0.047033595982844505],
         [0.04527201870985209, -0.017082927111289337]]
    )  # fmt: skip
    found = stamp(STAR, (1.0, 1.0, 0, 0), None, optics, 20.0, 20.0, 19, chip)[2]
    beside = stamp(STAR, (1.0, 1.0, 0, 0), None, optics, 20.0, 20.0, 19, chip * (1 + 1e-7))[2]
    # Pixels change by 1e-7 of their size, the wavelength by 1e-6, the light by as little.
    assert_allclose(found, beside, atol=1e-5 * beside.max())
