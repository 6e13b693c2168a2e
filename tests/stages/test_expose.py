"""Stage ``expose``: from settings to exposures, their table, and the deep mosaic."""

import json

import numpy as np
import pytest

from galrestore.cli import main
from galrestore.config.acquire import Acquire
from galrestore.files.contracts.exposures import EXPOSURES
from galrestore.files.cubes import read_provenance
from galrestore.files.exposures import read_exposure
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_table
from galrestore.provenance import sha256_of
from tests.archive.test_simulated import ACS

SKY = {
    "width": 14.0,
    "height": 14.0,
    "mosaics": {"acs": ACS},
    "exposures": {
        "epochs": {
            "mosaic": "acs",
            "exposure_times": [400.0, 700.0, 700.0],
            "rows": 70,
            "columns": 150,
            "gap": 10.0,
            "dither": 0.5,
        }
    },
}


def settings(**changes):
    return json.dumps({"simulated": SKY | changes})


def run(action, *options, values=None):
    common = ["--settings", values or settings(), "--seed", "3", "--set", "epochs"]
    return main(["expose", action, *common, *(str(option) for option in options)])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("expose")
    files = [folder / f"epochs_{i:02d}_flc.fits" for i in range(3)]
    table = folder / "epochs.parquet"
    assert run("simulate", "--exposures", *files, "--table", table) == 0
    outputs = {
        name: folder / f"epochs_{name}.{'parquet' if name == 'manifest' else 'fits'}"
        for name in ("science", "weight", "hits", "manifest")
    }
    options = [part for name, path in outputs.items() for part in (f"--{name}", path)]
    assert run("combine", "--table", table, *options) == 0
    return files, table, outputs


def test_table_describes_the_exposures(made):
    files, table, _ = made
    rows = read_table(table, EXPOSURES)
    assert list(rows["file"]) == [str(path) for path in files]
    assert list(rows["exposure_time"]) == [400.0, 700.0, 700.0]
    assert list(rows["roll"]) == [20.0, 110.0, 20.0]
    assert rows["sha256"][0] == sha256_of(files[0])
    assert read_exposure(files[1]).chips[1].shape == (70, 150)


def test_mosaic_opens_as_the_archives(made):
    files, table, outputs = made
    with open_mosaic(outputs["manifest"]) as mosaic:
        assert (mosaic.name, mosaic.telescope, mosaic.band) == ("epochs", "hst", "F606W")
        assert (mosaic.unit, mosaic.weight_kind) == ("electron/s", "inverse_variance")
        science, rms, mask = mosaic.window(0, mosaic.shape[0], 0, mosaic.shape[1])
        # Noise of the deepest pixels: (0.131 x 1800 + 3 x 16)^(1/2) / 1800; hot pixels and
        # pixels of other areas differ by per cents.
        expected = np.sqrt(0.131 * 1800 + 48) / 1800
        assert abs(rms[~mask].min() / expected - 1) < 0.05
        assert np.isfinite(science[~mask]).all()
    record = read_provenance(outputs["science"])
    assert record.stage == "expose"
    assert set(record.inputs) == {str(table), *(str(path) for path in files)}


def test_same_seed_gives_the_same_bytes(made, tmp_path):
    files, _, _ = made
    again = [tmp_path / path.name for path in files]
    assert run("simulate", "--exposures", *again, "--table", tmp_path / "epochs.parquet") == 0
    assert [sha256_of(path) for path in again] == [sha256_of(path) for path in files]


def test_unknown_set_is_refused(tmp_path, capsys):
    values = settings(exposures={})
    target = tmp_path / "e.fits"
    options = ("--exposures", target, "--table", tmp_path / "t.parquet")
    assert run("simulate", *options, values=values) == 2
    assert "acquire.simulated.exposures = 'epochs': not in the settings" in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mosaic": "nircam"}, "is none of the hlf mosaics: acs"),
        ({"kernel": "lanczos3", "pixfrac": 0.8}, "pixfrac must be 1 for lanczos3"),
        ({"exposure_times": [500.0]}, "at least 2"),
    ],
)
def test_settings_that_cannot_be_used_say_why(change, message):
    epochs = {"epochs": SKY["exposures"]["epochs"] | change}
    with pytest.raises(ValueError, match=message):
        Acquire.model_validate({"simulated": SKY | {"exposures": epochs}})
