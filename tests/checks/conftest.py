"""A small run that is sound in every respect, made through the package's own files."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from galrestore.cli import main
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.limits import BLANK_MEASUREMENTS, BLANK_SUMMARY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS
from galrestore.files.cubes import read_cube, read_ids, write_cube
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance, fingerprint, sha256_of
from galrestore.rng import stream

SIZE = (15, 17)
COUNT = 60
HST, JWST = ("hst_a", "hst_b"), ("jwst_a", "jwst_b")
EMPTY = {"int64": 0, "float64": 1.0, "float32": 1.0, "bool": False, "str": ""}


def record(stage, settings="{}", inputs=()):
    return Provenance(
        stage, fingerprint(f"stages.{stage}"), settings, 1, {str(p): sha256_of(p) for p in inputs}
    )


def rows(columns, count):
    """A table of one contract with nothing in it yet."""
    return pd.DataFrame({column.name: [EMPTY[column.dtype]] * count for column in columns})


def min_max(images):
    low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
    return (images - low) / (high - low)


def noise(*key):
    return stream(1, "test.checks.noise", *key).uniform(0.02, 0.08, COUNT)


def catalogue(number, mosaic):
    """Sixty accepted sources 30 arcsec apart, and three that are rejected."""
    frame = rows(CATALOGUE, COUNT + 3)
    frame["id"] = 1000 * number + np.arange(COUNT + 3) + 2**60
    frame["mosaic"], frame["telescope"] = mosaic, mosaic.partition("_")[0]
    frame["ra"], frame["dec"] = 53.0 + 30 / 3600 * np.arange(COUNT + 3), 0.0
    frame["stamp_width"] = 20
    frame["noise"] = np.append(noise(number), [0.01, 0.02, 0.03])
    frame.loc[COUNT:, ["reject_width", "reject_star"]] = True
    frame.loc[COUNT:, "rejected_by"] = "width"
    return frame


def write_sources(results):
    catalogues = {name: catalogue(k, name) for k, name in enumerate([*HST, *JWST])}
    made = record("select", '{"maximum_width": 128}')
    for name, frame in catalogues.items():
        accepted = frame["id"][frame["rejected_by"] == ""]
        write_table(results / f"stamps/{name}.parquet", frame, CATALOGUE, made)
        stamps = np.zeros((len(accepted), *SIZE))
        write_cube(results / f"stamps/{name}.fits", {"STAMP": stamps}, accepted, made)
    fits = rows(SERSIC, 2 * COUNT)
    fits["id"] = np.concatenate([catalogues[name]["id"][:COUNT] for name in HST])
    write_table(results / "sersic/hst.parquet", fits, SERSIC, record("fit"))
    return catalogues


def write_pairs(results, name, table, made):
    """Gaussian galaxies under white noise, min-max normalised; every fourth is a test pair."""
    y, x = np.indices(SIZE)
    light = np.exp(-((y - 7) ** 2 + (x - 8) ** 2) / 18)
    white = stream(1, "test.checks.white", len(table)).normal(size=(len(table), *SIZE))
    lq = light + 0.05 * white
    table["noise"] = 0.05 / np.ptp(lq, axis=(1, 2))
    gt = light + 0.001 * white
    images = {"GT": min_max(gt), "LQ": min_max(lq)}
    for kind, original in (("gt", gt), ("lq", lq)):
        table[f"{kind}_min"] = original.min(axis=(1, 2))
        table[f"{kind}_max"] = original.max(axis=(1, 2))
    # LQ - GT is white noise of this rms.
    table["noise_sigma"], table["noise_lag1"] = 0.049, 0.0
    write_cube(results / f"pairs/{name}.fits", images, table["id"], made)
    write_table(results / f"pairs/{name}.parquet", table, PAIRS, made)


def write_jwst_pairs(results, catalogues):
    table = rows(PAIRS, 2 * COUNT)
    table["id"] = np.concatenate([catalogues[name]["id"][:COUNT] for name in JWST])
    table["source"] = np.repeat(JWST, COUNT)
    # The two mosaics show the same sources: same group, same split.
    table["group"] = np.tile(np.arange(COUNT), 2)
    splits = np.array(["test", "validation", "train", "train"])
    table["split"] = splits[table["group"] % 4]
    write_pairs(results, "jwst", table, record("degrade", json.dumps({"group_radius": 1.0})))


def write_galsim_pairs(results):
    table = rows(PAIRS, COUNT)
    table["id"] = table["group"] = np.arange(COUNT)
    table["split"] = np.where(table["group"] % 4, "train", "test")
    write_pairs(results, "galsim", table, record("degrade"))
    population = rows(POPULATION, COUNT)
    population["id"], population["noise"] = table["id"], table["noise"]
    made = record("resample", json.dumps({"flux": "model"}))
    write_table(results / "population.parquet", population, POPULATION, made)


def write_hst_noise(results, catalogues):
    """Give the HST stamps, and their fits, the noise that the JWST pairs have."""
    pairs = pd.read_parquet(results / "pairs/jwst.parquet")
    made = record("select", '{"maximum_width": 128}')
    for k, name in enumerate(HST):
        catalogues[name].loc[: COUNT - 1, "noise"] = pairs["noise"].to_numpy()[k::2]
        write_table(results / f"stamps/{name}.parquet", catalogues[name], CATALOGUE, made)
    fits = pd.read_parquet(results / "sersic/hst.parquet")
    fits["noise"] = np.concatenate([catalogues[name]["noise"][:COUNT] for name in HST])
    write_table(results / "sersic/hst.parquet", fits, SERSIC, record("fit"))


def write_model(results):
    folder = results / "models/jwst"
    history = rows(HISTORY, 2).assign(step=[3, 6], best=True, validation_psnr=[30.0, 31.0])
    write_table(folder / "history.parquet", history, HISTORY, record("train"))
    save_file(
        {"a": np.ones((2, 3), np.float32)},
        folder / "weights.safetensors",
        metadata={"galrestore": record("train").to_json()},
    )


def write_tuning(results):
    """Grid of one class and two points, of which the first is chosen, on validation pairs."""
    pairs = pd.read_parquet(results / "pairs/jwst.parquet")
    made = record("tune", inputs=[f"results/pairs/jwst.{end}" for end in ("fits", "parquet")])
    stamps = rows(TUNING_STAMPS, 4)
    stamps["id"] = pairs["id"][pairs["split"] == "validation"].to_numpy()[:4]
    stamps["score"] = [30.0, 31.0, 33.0, 34.0]
    grid = rows(TUNING_GRID, 2).assign(method="wiener", value=[1.0, 2.0], iterations=1)
    grid["score"], grid["chosen"], grid["at_edge"] = [32.0, 31.0], [True, False], True
    write_table(results / "baselines/grid/wiener.parquet", grid, TUNING_GRID, made)
    write_table(results / "baselines/stamps/wiener.parquet", stamps, TUNING_STAMPS, made)


def score(results, name):
    """Restore nothing, measure that, and make Table 1 of it."""
    split = pd.read_parquet(results / f"pairs/{name}.parquet")["split"].to_numpy() == "test"
    pairs = [f"results/pairs/{name}.fits", f"results/pairs/{name}.parquet"]
    low = read_cube(pairs[0], "LQ", split)
    made = record("restore", inputs=pairs)
    write_cube(results / f"restored/none/{name}.fits", {"RS": low}, read_ids(pairs[0])[split], made)
    common = ["--settings", "{}", "--seed", "1"]
    outputs = [f"results/tables/table1_{name}.{end}" for end in ("parquet", "csv", "md")]
    assert main(
        ["measure", "--restored", f"results/restored/none/{name}.fits", "--images", pairs[0],
         "--table", pairs[1], "--method", "none", "--set", name, *common,
         "--output", f"results/measurements/none/{name}.parquet"]
    ) == 0  # fmt: skip
    assert main(
        ["present", "table1", "--measurements", f"results/measurements/none/{name}.parquet",
         *common, "--output", *outputs]
    ) == 0  # fmt: skip


def shape(results, name):
    """Measure and compare the shapes of what nothing restored."""
    tables = [
        f"results/tables/{kind}_{name}.{end}"
        for kind in ("morphology", "photometry")
        for end in ("parquet", "csv", "md")
    ]
    files = {"objects": "", "pixels": "_pixels", "spectrum": "_spectrum"}
    read = [
        text
        for key, end in files.items()
        for text in (f"--{key}", f"results/shapes/{name}{end}.parquet")
    ]
    common = ["--settings", "{}", "--seed", "1"]
    assert main(
        ["shapes", "--images", f"results/pairs/{name}.fits", "--table",
         f"results/pairs/{name}.parquet", "--restored", f"results/restored/none/{name}.fits",
         "--methods", "none", "--set", name, "--degradation", "{}", "--selection", "{}",
         "--fit", "{}", *common, *read]
    ) == 0  # fmt: skip
    assert main(
        ["present", "shapes", *read, "--image", "none", *common, "--output", *tables,
         f"results/tables/restoration_gains_{name}.parquet"]
    ) == 0  # fmt: skip


def write_limits(results):
    """Six blanks that are restored and counted."""
    table = rows(PAIRS, 6).assign(id=np.arange(6), group=np.arange(6), split="test")
    noise = stream(1, "test.checks.blanks").normal(size=(6, *SIZE))
    path = results / "limits/sets/blanks"
    images = {"GT": np.zeros_like(noise), "LQ": min_max(noise)}
    write_cube(path.with_suffix(".fits"), images, table["id"], record("limits"))
    write_table(path.with_suffix(".parquet"), table, PAIRS, record("limits"))
    restored = results / "limits/restored/none/blanks.fits"
    write_cube(restored, {"RS": images["LQ"]}, table["id"], record("restore"))
    measured = rows(BLANK_MEASUREMENTS, 6).assign(id=table["id"], method="none", set="blanks")
    path = results / "limits/measurements/none/blanks.parquet"
    write_table(path, measured, BLANK_MEASUREMENTS, record("measure_limits"))
    summary = rows(BLANK_SUMMARY, 3).assign(method="none", set="blanks", n=[6, 2, 4])
    summary["by"] = ["all", "seed", "seed"]
    path = results / "tables/limits_blanks.parquet"
    write_table(path, summary, BLANK_SUMMARY, record("present_limits"))


def write_proxies(results, catalogues):
    """Stamps of an HST mosaic where the JWST pairs are in the test split."""
    table = rows(PAIRS, COUNT // 4)
    table["id"] = catalogues["hst_a"]["id"].to_numpy()[:COUNT:4]
    table["group"], table["split"] = table["id"], "test"
    write_pairs(results, "multi_epoch", table, record("proxy"))


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """Folder with ``results/`` in which every check passes."""
    folder = tmp_path_factory.mktemp("sound")
    results = folder / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        catalogues = write_sources(results)
        write_jwst_pairs(results, catalogues)
        write_galsim_pairs(results)
        write_hst_noise(results, catalogues)
        write_model(results)
        write_tuning(results)
        for name in ("jwst", "galsim"):
            score(results, name)
        shape(results, "jwst")
        write_limits(results)
        write_proxies(results, catalogues)
        paths = [f"results/stamps/{name}.parquet" for name in (*HST, *JWST)]
        assert main(
            ["present", "selection", "--catalogues", *paths, "--settings", "{}", "--seed", "1",
             "--output", *(f"results/tables/selection.{e}" for e in ("parquet", "csv", "md"))]
        ) == 0  # fmt: skip
    return folder
