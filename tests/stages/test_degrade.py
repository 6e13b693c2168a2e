"""Stage degrade from the command line."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.cli import main
from galrestore.config.degrade import Degrade
from galrestore.files import cubes
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance

KINDS = {"str": "", "bool": False, "int64": 0, "float64": 0.0}
COMMON = ["--settings", Degrade().model_dump_json(), "--seed", "3", "--code", "abc"]


def record(stage):
    return Provenance(stage, f"code of {stage}", "{}", 3)


def images(count, seed=1):
    """Discs with noise, so that no two are alike."""
    y, x = np.mgrid[:40, :40]
    disc = 50 * np.exp(-np.hypot(y - 20, x - 20) / 3)
    return disc + np.random.default_rng(seed).normal(4, 0.2, (count, 40, 40))


def rows(columns, count, **values):
    table = pd.DataFrame({c.name: np.full(count, KINDS[c.dtype]) for c in columns})
    return table.assign(**values)[[column.name for column in columns]]


@pytest.fixture
def stamps(tmp_path):
    """Catalogues and cubes of two JWST mosaics and the catalogue of an HST mosaic."""
    rng = np.random.default_rng(2)
    for k, (mosaic, count) in enumerate({"a": 37, "b": 23}.items()):
        table = rows(
            CATALOGUE,
            count + 5,
            id=(k + 1) * 1000 + np.arange(count + 5),
            mosaic=mosaic,
            field="sky",
            ra=10 + rng.uniform(0, 60, count + 5) / 3600,
            dec=rng.uniform(0, 60, count + 5) / 3600,
            rejected_by=["small"] * 5 + [""] * count,
        )
        write_table(tmp_path / f"{mosaic}.parquet", table, CATALOGUE, record("select"))
        accepted = table["id"].to_numpy()[5:]
        cubes.write_cube(
            tmp_path / f"{mosaic}.fits", {"STAMP": images(count, k)}, accepted, record("select")
        )
    hst = rows(CATALOGUE, 9, id=np.arange(9), rejected_by=["faint"] * 4 + [""] * 5)
    hst["noise"] = [9.0] * 4 + [0.01, 0.02, 0.03, 0.04, 0.05]
    write_table(tmp_path / "hst.parquet", hst, CATALOGUE, record("select"))
    return tmp_path


def run_jwst(folder, shard, name, hst="hst"):
    files = [
        *("--catalogues", folder / "a.parquet", folder / "b.parquet"),
        *("--stamps", folder / "a.fits", folder / "b.fits"),
        *("--noise", folder / f"{hst}.parquet"),
        *("--shard", shard),
        *("--images", folder / f"{name}.fits", "--table", folder / f"{name}.parquet"),
    ]
    return main(["degrade", "jwst", *COMMON, *map(str, files)])


def test_jwst_pairs(stamps):
    assert run_jwst(stamps, "1-of-1", "all") == 0
    table = read_table(stamps / "all.parquet", PAIRS)
    assert table["source"].tolist() == ["a"] * 37 + ["b"] * 23
    assert_array_equal(cubes.read_ids(stamps / "all.fits"), table["id"])
    assert table["noise"].isin([0.01, 0.02, 0.03, 0.04, 0.05]).all()
    assert set(table["split"]) == {"train", "validation", "test"}
    assert (table.groupby("group")["split"].nunique() == 1).all()
    truth, low = (cubes.read_cube(stamps / "all.fits", name) for name in ("GT", "LQ"))
    assert_allclose(
        truth[3] * (table["gt_max"][3] - table["gt_min"][3]) + table["gt_min"][3],
        cubes.read_cube(stamps / "a.fits", "STAMP")[3],
        rtol=1e-5,
    )
    assert low.shape == truth.shape == (60, 40, 40)
    span = table["lq_max"] - table["lq_min"]
    assert_allclose(table["noise_sigma"] / span, table["noise"], rtol=1e-9)


@pytest.mark.parametrize("shards", [2, 5])
def test_shards_join_to_the_same_files(stamps, shards):
    run_jwst(stamps, "1-of-1", "all")
    parts = [f"part{k}" for k in range(1, shards + 1)]
    for k, name in enumerate(parts, 1):
        assert run_jwst(stamps, f"{k}-of-{shards}", name) == 0
    for ending in ("fits", "parquet"):
        joined = stamps / f"joined.{ending}"
        files = [str(stamps / f"{name}.{ending}") for name in parts]
        assert main(["gather", "--shards", *files, "--output", str(joined)]) == 0
    assert (stamps / "joined.fits").read_bytes() == (stamps / "all.fits").read_bytes()
    pd.testing.assert_frame_equal(
        read_table(stamps / "joined.parquet"), read_table(stamps / "all.parquet")
    )
    assert read_provenance(stamps / "joined.parquet") == read_provenance(stamps / "all.parquet")


def test_nothing_accepted_is_said_with_the_reasons(stamps, capsys):
    table = read_table(stamps / "hst.parquet", CATALOGUE).assign(rejected_by="faint")
    write_table(stamps / "none.parquet", table, CATALOGUE, record("select"))
    assert run_jwst(stamps, "1-of-1", "all", hst="none") == 2
    message = capsys.readouterr().err
    assert "no HST source is accepted (9 sources: 0 accepted, 9 faint)" in message


def test_stamps_of_another_run_are_refused(stamps, capsys):
    cubes.write_cube(
        stamps / "b.fits", {"STAMP": images(22)}, 2000 + np.arange(22), record("select")
    )
    assert run_jwst(stamps, "1-of-1", "all") == 2
    assert "holds other objects than its catalogue; rerun select" in capsys.readouterr().err


@pytest.fixture
def rendered(tmp_path):
    """Write a population of thirty and render it in shards of 18 and 12."""
    population = rows(POPULATION, 30, id=np.arange(30), noise=np.linspace(0.01, 0.09, 30))
    write_table(tmp_path / "population.parquet", population, POPULATION, record("resample"))
    for name, ids in (("1", np.arange(18)), ("2", np.arange(18, 30))):
        cubes.write_cube(tmp_path / f"{name}.fits", {"GT": images(30)[ids]}, ids, record("render"))
    return tmp_path


def run_galsim(folder, name):
    files = [
        *("--rendered", folder / f"{name}.fits", "--population", folder / "population.parquet"),
        *("--images", folder / f"pairs{name}.fits", "--table", folder / f"pairs{name}.parquet"),
    ]
    return main(["degrade", "galsim", *COMMON, *map(str, files)])


def test_galsim_pairs(rendered):
    assert run_galsim(rendered, "1") == run_galsim(rendered, "2") == 0
    tables = [read_table(rendered / f"pairs{name}.parquet", PAIRS) for name in "12"]
    table = pd.concat(tables, ignore_index=True)
    assert_array_equal(table["id"], np.arange(30))
    assert_array_equal(table["group"], table["id"])
    assert (table["source"] == "galsim").all()
    assert_allclose(table["noise"], np.linspace(0.01, 0.09, 30))
    # Each object is a group of its own: the shares of 30 are exact over all shards.
    assert table["split"].value_counts().to_dict() == {"train": 24, "validation": 3, "test": 3}


def test_galsim_shards_have_one_record(rendered):
    run_galsim(rendered, "1")
    run_galsim(rendered, "2")
    first, second = (read_provenance(rendered / f"pairs{name}.parquet") for name in "12")
    assert first == second
    assert first.inputs["results/render"] == "code of render"
    assert str(rendered / "population.parquet") in first.inputs


def test_rendered_stranger_is_refused(rendered, capsys):
    cubes.write_cube(rendered / "1.fits", {"GT": images(2)}, np.array([3, 99]), record("render"))
    assert run_galsim(rendered, "1") == 2
    assert "object 99 is not in" in capsys.readouterr().err
