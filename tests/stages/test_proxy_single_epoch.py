"""Stage proxy on simulated exposures of a tiny sky: what is cut is what was simulated."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from galrestore.cli import main
from galrestore.config import Acquire, Proxy, Select
from galrestore.config.acquire import SimulatedExposures, SimulatedMosaic, SimulatedSky
from galrestore.files import cubes
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.tables import read_table

ACS = {"telescope": "hst", "instrument": "ACS/WFC", "band": "F814W", "format": "hlf"}
ACS |= {"pixel_scale": 0.05, "wavelength": 0.805, "psf_fwhm": 0.1, "depth": 28.2}
NIRCAM = {"telescope": "jwst", "instrument": "NIRCAM", "band": "F115W", "format": "i2d"}
NIRCAM |= {"pixel_scale": 0.03, "wavelength": 1.154, "psf_fwhm": 0.055, "depth": 30.0}
EXPOSURES = {"mosaic": "acs", "exposure_times": [500, 1200, 1200], "rows": 260, "columns": 260}
EXPOSURES |= {"chips": 1, "dither": 0.5, "cosmic_ray_rate": 1.1}
SIZE = 48


def settings():
    sky = SimulatedSky(
        width=14,
        height=14,
        population={
            "galaxy_density": 400,
            "brightest": 20,
            "faintest": 25,
            "size": 0.2,
            "star_density": 0,
        },
        mosaics={"acs": SimulatedMosaic(**ACS), "nircam": SimulatedMosaic(**NIRCAM)},
        exposures={"epochs": SimulatedExposures(**EXPOSURES)},
    )
    return Acquire(simulated=sky).model_dump_json()


def run(*arguments):
    assert main([*arguments, "--seed", "5", "--code", "c"]) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("epochs")
    files = [str(folder / f"epochs_{number}_flc.fits") for number in range(3)]
    sky = ("--settings", settings())
    path = {name: str(folder / name) for name in (
        "table", "sci.fits", "wht.fits", "hits.fits", "mosaic", "catalogue", "stamps.fits",
        "stars", "truth.fits", "a.fits", "a", "b.fits", "b",
    )}  # fmt: skip
    run("expose", "simulate", "--set", "epochs", *sky, "--exposures", *files,
        "--table", path["table"])  # fmt: skip
    run("expose", "combine", "--set", "epochs", *sky, "--table", path["table"],
        "--science", path["sci.fits"], "--weight", path["wht.fits"], "--hits", path["hits.fits"],
        "--manifest", path["mosaic"])  # fmt: skip
    run("select", "--manifest", path["mosaic"], "--settings", Select().model_dump_json(),
        "--catalogue", path["catalogue"], "--stamps", path["stamps.fits"],
        "--stars", path["stars"])  # fmt: skip
    run("proxy", "truth", "--set", "epochs", "--number", "0", "--sharp", "nircam", *sky,
        "--output", path["truth.fits"])  # fmt: skip
    common = ["--exposures", files[0], "--mosaic", path["mosaic"], "--catalogue",
              path["catalogue"], "--settings", Proxy(size=SIZE).model_dump_json()]  # fmt: skip
    run("proxy", "single_epoch", *common, "--images", path["a.fits"], "--table", path["a"])
    run("proxy", "single_epoch", *common, "--images", path["b.fits"], "--table", path["b"],
        "--truth", path["truth.fits"])  # fmt: skip
    return path


def electrons(made, name, plane):
    """Stamps on their original scale, without the sky of their rim."""
    table = read_table(made[name], PAIRS)
    low, high = (table[f"{plane.lower()}_{end}"].to_numpy() for end in ("min", "max"))
    cube = cubes.read_cube(made[f"{name}.fits"], plane).astype(float)
    cube = cube * (high - low)[:, None, None] + low[:, None, None]
    rim = np.ones((SIZE, SIZE), dtype=bool)
    rim[3:-3, 3:-3] = False
    return cube - np.median(cube[:, rim], axis=1)[:, None, None]


def test_both_sets_are_of_the_same_stamps(made):
    first, second = (read_table(made[name], PAIRS) for name in "ab")
    assert len(first) >= 3
    assert_array_equal(first["id"], second["id"])
    assert first["id"].is_unique
    assert_array_equal(cubes.read_cube(made["a.fits"], "LQ"), cubes.read_cube(made["b.fits"], "LQ"))
    assert set(first["split"]) == {"test"}


def test_all_images_have_the_same_flux_in_the_same_place(made):
    exposure, mosaic, truth = (
        electrons(made, *which) for which in (("a", "LQ"), ("a", "GT"), ("b", "GT"))
    )
    y, x = np.indices((SIZE, SIZE))
    disc = np.hypot(x - SIZE // 2, y - SIZE // 2) < 8
    fluxes = [image[:, disc].sum(axis=1) for image in (exposure, mosaic, truth)]
    # Noise of 201 pixels of 500 s: sky and dark 0.131 x 500 electrons and read noise 4^2, 9 a
    # pixel; the source's own; the rim's median is known to 1.25 x 9 / sqrt(540), 0.5, of 201
    # pixels. Five sigma of that. The mosaic's is less.
    sigma = np.sqrt(201 * 81.5 + np.abs(fluxes[2]) + (201 * 0.5) ** 2)
    # The PSFs differ: of ACS's wings 3% lie beyond 0.4 arcsec, of JWST's less.
    assert np.all(np.abs(fluxes[0] - fluxes[2]) < 5 * sigma + 0.05 * fluxes[2])
    assert np.all(np.abs(fluxes[1] - fluxes[2]) < 5 * sigma + 0.05 * fluxes[2])
    # The mosaic and the truth of the brightest source have one centre.
    brightest = int(np.argmax(fluxes[2]))
    centres = [
        np.array(ndimage.center_of_mass(np.where(disc, np.maximum(image[brightest], 0), 0)))
        for image in (mosaic, truth)
    ]
    # Blur is symmetric; noise moves the mosaic's by 9 sqrt(201) x 4 pixels over the flux, less
    # than 0.15 pixel.
    assert_allclose(centres[0], centres[1], atol=0.25)


def test_truth_is_sharper_and_without_noise(made):
    mosaic, truth = electrons(made, "a", "GT"), electrons(made, "b", "GT")
    rim = np.ones((SIZE, SIZE), dtype=bool)
    rim[2:-2, 2:-2] = False
    brightest = int(np.argmax(truth.sum(axis=(1, 2))))
    assert truth[brightest].max() > mosaic[brightest].max()
    assert np.median(np.std(truth[:, rim], axis=1)) < np.median(np.std(mosaic[:, rim], axis=1))
