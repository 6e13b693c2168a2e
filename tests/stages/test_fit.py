"""Stage fit: shards, several mosaics, neighbours, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream
from galrestore.sersic.fitting import model_images

RECORD = Provenance("select", "ab12", "{}", 7)
SIDE, FWHM, SKY, RMS = 48, 1.9, 0.02, 0.01
# Name: ids in no order, truth (r50, n, q, theta) of each.
MOSAICS = {
    "north": (
        [2**60 + 5, 3, 900],
        [(3.0, 1.0, 0.6, 0.4), (2.5, 2.0, 0.8, 2.0), (4.0, 0.7, 0.4, 1.0)],
    ),
    "south": ([77, 2**61], [(3.5, 1.5, 0.7, 2.5), (2.8, 3.0, 0.5, 0.1)]),
}


def catalogue(mosaic, ids, truth):
    """Accepted sources, 200 pixels apart, and a rejected one with no stamp."""
    count = len(ids) + 1
    blank = {"str": "", "bool": False, "int64": 0}
    frame = pd.DataFrame({c.name: [blank.get(c.dtype, 0.0)] * count for c in CATALOGUE})
    frame["id"], frame["mosaic"], frame["psf_fwhm"] = [*ids, 12345], mosaic, FWHM
    frame["x"], frame["y"] = 100.2 + 200 * np.arange(count), 150.3
    frame["a"], frame["b"] = 4.0, 3.0
    frame["telescope"], frame["band"], frame["field"] = "hst", "F814W", "sky"
    frame["rejected_by"] = [""] * len(ids) + ["star"]
    frame["noise"], frame["flux_stamp"] = 0.05, [*np.arange(len(ids)) + 1.0, 0.0]
    return frame


def write_mosaic(name, ids, truth, neighbour=0.0):
    frame = catalogue(name, ids, truth)
    rng = stream(3, "test.fit", ids[0])
    parameters = {"x": 24.2, "y": 24.3, "model_flux": 20.0}
    columns = dict(zip(("r50", "n", "q", "theta"), np.array(truth).T, strict=True))
    parameters = {key: np.full(len(ids), value) for key, value in parameters.items()}
    stamps = model_images(parameters | columns, (SIDE, SIDE), FWHM)
    if neighbour:
        # The rejected source moves beside the first one, 14 columns away.
        frame.loc[len(ids), ["x", "y", "a", "b"]] = [114.2, 150.3, 2.0, 2.0]
        stamps[0] += model_images(
            {"x": 38.2, "y": 24.3, "model_flux": neighbour, "r50": 1.5, "n": 1, "q": 1, "theta": 0},
            (SIDE, SIDE),
            FWHM,
        )[0]
    stamps = stamps + SKY + rng.normal(0, RMS, stamps.shape)
    stamps[-1, :3] = np.nan
    write_table(f"{name}.parquet", frame, CATALOGUE, RECORD)
    write_cube(f"{name}.fits", {"STAMP": stamps}, ids, RECORD)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (ids, truth) in MOSAICS.items():
        write_mosaic(name, ids, truth)
    return tmp_path


def fit(table, shard="1-of-1", settings="{}"):
    return main(
        ["fit", "--catalogues", "north.parquet", "south.parquet", "--stamps", "north.fits",
         "south.fits", "--shard", shard, "--settings", settings, "--seed", "7", "--table", table]
    )  # fmt: skip


def test_fits_of_two_mosaics(folder):
    assert fit("all.parquet") == 0
    fits = read_table("all.parquet", SERSIC)
    truth = {k: t for ids, rows in MOSAICS.values() for k, t in zip(ids, rows, strict=True)}
    assert fits["id"].tolist() == sorted(truth)
    assert set(fits["failure"]) == {""}
    assert fits["mosaic"].tolist() == ["north", "south", "north", "north", "south"]
    assert fits["flux"].tolist() == [2.0, 1.0, 3.0, 1.0, 2.0]
    expected = np.array([truth[k] for k in fits["id"]])
    # S/N of about 200: five standard errors.
    for column, name in ((0, "r50"), (1, "n"), (2, "q")):
        error = fits[f"{name}_error"]
        assert np.all(np.abs(fits[name] - expected[:, column]) < 5 * error)
        assert np.all(error < 0.2 * fits[name])
    assert np.all(fits["masked"] == 0)


def test_shards_join_to_the_whole(folder):
    assert fit("all.parquet") == 0
    names = [f"{k}-of-3" for k in (1, 2, 3)]
    for name in names:
        assert fit(f"{name}.parquet", name) == 0
    joined = main(["gather", "--shards", *(f"{n}.parquet" for n in names), "--output", "j.parquet"])
    assert joined == 0
    pd.testing.assert_frame_equal(
        read_table("j.parquet", SERSIC), read_table("all.parquet", SERSIC), check_exact=True
    )


def test_a_catalogued_neighbour_is_masked(folder):
    ids, truth = MOSAICS["north"]
    assert fit("before.parquet") == 0
    write_mosaic("north", ids, truth, neighbour=10.0)
    assert fit("after.parquet") == 0
    before, after = (read_table(f"{t}.parquet", SERSIC) for t in ("before", "after"))
    row = before.index[before["id"] == ids[0]][0]
    assert after["masked"][row] > 0.05
    assert after["failure"][row] == ""
    # What leaks past the mask stays within the errors; unmasked, half the flux would not.
    for name in ("n", "r50"):
        assert abs(after[name][row] - before[name][row]) < 3 * before[f"{name}_error"][row]


def test_failed_fits_stay_in_the_table(folder):
    assert fit("t.parquet", settings='{"index_bounds": [0.3, 0.9]}') == 0
    fits = read_table("t.parquet", SERSIC)
    assert len(fits) == 5
    assert (fits["failure"] == "index").sum() == 4


def test_a_shard_without_sources(folder):
    assert fit("t.parquet", "1-of-9") == 0
    assert read_table("t.parquet", SERSIC).empty


def test_missing_stamps_are_named(folder, capsys):
    ids = MOSAICS["south"][0]
    write_cube("south.fits", {"STAMP": np.zeros((1, SIDE, SIDE))}, ids[:1], RECORD)
    assert fit("t.parquet") == 2
    error = capsys.readouterr().err
    assert "south.fits: lacks stamps of accepted sources; rerun stage select" in error
