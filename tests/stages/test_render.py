"""Stage render: shards, order and refusals."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from galrestore.cli import main
from galrestore.files.contracts.population import POPULATION
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance
from galrestore.synthesis.gaussians import render_gaussians
from galrestore.synthesis.rendering import render

POPULATION_FRAME = pd.DataFrame(
    {
        "id": [0, 1, 2],
        "q": [0.5, 0.9, 0.3],
        "n": [1.0, 4.0, 6.2],
        "flux": [1.0, 20.0, 3.0],
        "r50": [2.0, 3.0, 0.9],
        "noise": [0.01, 0.02, 0.03],
        "theta": [0.1, 1.2, 3.0],
        "dx": [0.1, -0.5, 0.3],
        "dy": [0.4, 0.2, -0.3],
    }
)


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(frame=POPULATION_FRAME, shard="1-of-1", images="gt.fits", renderer="galsim"):
        record = Provenance("resample", "ab", "{}", 7)
        write_table("population.parquet", frame, POPULATION, record)
        return main(
            ["render", "--population", "population.parquet", "--shard", shard, "--settings",
             f'{{"size": 33, "renderer": "{renderer}"}}', "--seed", "7", "--images", images]
        )  # fmt: skip

    return run


def test_images_in_the_order_of_the_population(stage):
    assert stage() == 0
    assert read_ids("gt.fits").tolist() == [0, 1, 2]
    row = POPULATION_FRAME.iloc[1]
    names = ("flux", "r50", "n", "q", "theta", "dx", "dy")
    expected = render(*(row[name] for name in names), size=33)
    assert_array_equal(read_cube("gt.fits", "GT")[1], expected.astype(np.float32))


def test_images_of_gaussians(stage):
    assert stage(renderer="gaussians") == 0
    assert_array_equal(read_cube("gt.fits", "GT"), render_gaussians(POPULATION_FRAME, 33))


@pytest.mark.parametrize("renderer", ["galsim", "gaussians"])
def test_shards_join_to_the_whole(stage, renderer):
    assert stage(renderer=renderer) == 0
    for shard in ("1-of-2", "2-of-2"):
        assert stage(shard=shard, images=f"{shard}.fits", renderer=renderer) == 0
    joined = ["gather", "--shards", "1-of-2.fits", "2-of-2.fits", "--output", "joined.fits"]
    assert main(joined) == 0
    with open("gt.fits", "rb") as whole, open("joined.fits", "rb") as parts:
        assert whole.read() == parts.read()


def test_galaxies_that_cannot_be_drawn_are_named(stage, capsys):
    frame = POPULATION_FRAME.assign(id=[5, 6, 7], n=[1.0, 7.5, 1.0])
    for renderer, message in (
        ("galsim", "GalSim cannot draw n = 7.5"),
        ("gaussians", "Gaussians cannot draw flux = 20, n = 7.5"),
    ):
        assert stage(frame, renderer=renderer) == 2
        assert f"population.parquet: galaxy 6: {message}" in capsys.readouterr().err


def test_an_empty_population(stage, capsys):
    assert stage(POPULATION_FRAME.iloc[:0]) == 2
    assert "population.parquet: has no rows" in capsys.readouterr().err
