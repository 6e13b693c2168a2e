"""Stage resample: good fits only, and counts where there are too few."""

import json

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.population import POPULATION, POPULATION_STATISTICS
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream
from galrestore.synthesis.population import DIMENSIONS


def fits(count, failed):
    """Fits of which the last ones failed, with indices that would betray them."""
    rng = stream(5, "test.resample")
    frame = pd.DataFrame({column.name: np.ones(count) for column in SERSIC})
    for name in ("n", "flux", "r50", "noise"):
        frame[name] = np.exp(rng.normal(0, 0.3, count))
    frame["model_flux"] = 1000 * frame["flux"]
    frame["q"] = rng.uniform(0.2, 0.9, count)
    frame["id"], frame["iterations"], frame["mosaic"] = np.arange(count), 5, "m"
    frame["failure"] = ""
    frame.loc[count - failed :, ["n", "failure"]] = [6.0, "index"]
    return frame


@pytest.fixture
def resample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(frame, **settings):
        write_table("fits.parquet", frame, SERSIC, Provenance("fit", "ab", "{}", 7))
        return main(
            ["resample", "--fits", "fits.parquet", "--seed", "7",
             "--settings", json.dumps({"size": 501} | settings), "--table", "population.parquet",
             "--statistics", "statistics.parquet"]
        )  # fmt: skip

    return run


def test_good_fits_make_the_population(resample):
    assert resample(fits(300, 100)) == 0
    population = read_table("population.parquet", POPULATION)
    assert population["id"].tolist() == list(range(501))
    assert population["n"].max() < 5
    statistics = read_table("statistics.parquet", POPULATION_STATISTICS)
    distances = statistics[statistics["statistic"] == "ks_distance"]
    assert distances["first"].tolist() == list(DIMENSIONS)
    assert distances["drawn"].max() < 0.02


@pytest.mark.parametrize(("flux", "scale"), [("model", 1000), ("pixels", 1)])
def test_flux_of_model_or_pixels(resample, flux, scale):
    frame = fits(300, 100)
    assert resample(frame, flux=flux) == 0
    median = read_table("population.parquet", POPULATION)["flux"].median()
    # 200 fits settle a median of ln flux to 0.3 x 1.25 / sqrt(200) = 0.027.
    assert median / (scale * frame["flux"][:200].median()) == pytest.approx(1, abs=0.1)


def test_too_few_good_fits(resample, capsys, tmp_path):
    assert resample(fits(40, 36)) == 2
    error = capsys.readouterr().err
    assert "fits.parquet: 4 of 4 good fits have positive" in error
    assert "(40 fits, failed: 36 index)" in error
    assert not (tmp_path / "population.parquet").exists()
