"""Stage acquire from the command line."""

import numpy as np
import pytest
from astropy.io import fits

from galrestore.cli import main
from galrestore.config import load
from galrestore.files import cubes
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_provenance, read_table

ACS = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "format": "hlf",
    "pixel_scale": 0.05,
    "wavelength": 0.8,
    "psf_fwhm": 0.1,
    "depth": 28,
}
NIRCAM = ACS | {"telescope": "jwst", "format": "i2d", "wavelength": 1.15, "psf_fwhm": 0.06}
HOME = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "home",
    "science": "sci.fits",
    "unit": "electron/s",
    "psf_fwhm": 0.1,
    "pixel_scale": 0.05,
}


@pytest.fixture
def configuration(tmp_path):
    simulated = {"width": 8, "height": 6, "mosaics": {"acs": ACS, "nircam": NIRCAM}}
    pairs = {"ready": {"gt": "*_gt.npy", "lq": "*_lq.npy"}}
    local = {"root": str(tmp_path), "mosaics": {"home": HOME}, "pairs": pairs}
    return load({"seed": 3, "acquire": {"simulated": simulated, "local": local}})


def command(action, run, name, *files):
    settings = run.acquisition(name) if name else run.section("acquire")
    common = ["--settings", settings, "--seed", "3", "--code", "abc"]
    return main(["acquire", action, *common, *map(str, files)])


@pytest.mark.parametrize("name", ["acs", "nircam"])
def test_simulate_writes_what_its_manifest_says(tmp_path, configuration, name):
    files = ["--science", tmp_path / "s.fits", "--manifest", tmp_path / "m.parquet"]
    files += ["--weight", tmp_path / "w.fits"] if name == "acs" else []
    assert command("simulate", configuration, name, "--mosaic", name, *files) == 0
    with open_mosaic(tmp_path / "m.parquet") as mosaic:
        assert mosaic.shape == (120, 160)
        assert mosaic.window(0, 120, 0, 160)[1] is not None
    record = cubes.read_provenance(tmp_path / "s.fits")
    assert record == read_provenance(tmp_path / "m.parquet")
    assert (record.code, record.seed) == ("abc", 3)


def test_truth_covers_all_mosaics(tmp_path, configuration):
    assert command("truth", configuration, None, "--truth", tmp_path / "t.parquet") == 0
    table = read_table(tmp_path / "t.parquet", truth_columns(["acs", "nircam"]))
    assert (table.kind == "galaxy").any()


def test_local_describes_a_mosaic(tmp_path, configuration):
    fits.PrimaryHDU(np.ones((7, 9), np.float32)).writeto(tmp_path / "sci.fits")
    files = ["--mosaic", "home", "--manifest", tmp_path / "m.parquet"]
    assert command("local", configuration, "home", *files) == 0
    with open_mosaic(tmp_path / "m.parquet") as mosaic:
        assert (mosaic.name, mosaic.shape, mosaic.pixel_scale) == ("home", (7, 9), 0.05)


def test_missing_mosaic_ends_with_one_line(tmp_path, configuration, capsys):
    files = ["--mosaic", "home", "--manifest", tmp_path / "m.parquet"]
    assert command("local", configuration, "home", *files) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "sci.fits: does not exist" in lines[0]
    assert not (tmp_path / "m.parquet").exists()


def test_pairs_become_a_cube_and_a_table(tmp_path, configuration):
    stamp = np.linspace(0, 1, 24 * 24).reshape(24, 24)
    for name in ("a_gt", "b_gt", "a_lq", "b_lq"):
        np.save(tmp_path / f"{name}.npy", stamp)
    files = ["--set", "ready", "--images", tmp_path / "p.fits", "--table", tmp_path / "p.parquet"]
    assert command("pairs", configuration, "ready", *files) == 0
    assert len(read_table(tmp_path / "p.parquet", PAIRS)) == 2
    np.testing.assert_array_equal(cubes.read_cube(tmp_path / "p.fits", "LQ")[1], np.float32(stamp))
    assert len(read_provenance(tmp_path / "p.parquet").inputs) == 4


def test_name_outside_the_settings_is_refused(tmp_path, configuration, capsys):
    files = ["--mosaic", "home", "--manifest", tmp_path / "m.parquet"]
    assert command("local", configuration, "acs", *files) == 2
    assert "acquire.local.mosaics = 'home'" in capsys.readouterr().err
