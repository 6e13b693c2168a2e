"""Stages of the limits from the command line: sets, measurements, tables and figures."""

import json

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.limits import (
    BLANK_SUMMARY,
    BLANKS,
    DRIZZLE_SUMMARY,
    DRIZZLED,
    FAILURE_RATES,
    FAILURES,
    FALSE_PEAK_RATES,
    LADDER,
    SHEAR_BIASES,
    SHEARED,
    STAR_SUMMARY,
    STARS_SET,
)
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.cubes import read_cube, read_ids, write_cube
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance, sha256_of
from galrestore.synthesis.degradation import degrade, gaussian_kernel

RECORD = Provenance(stage="degrade", code="c", settings="{}", seed=3)
SIDE, TEST = 48, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pairs of elliptical galaxies, of which the last four are the test split, and catalogues."""
    folder = tmp_path_factory.mktemp("limits")
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    widths = np.linspace(2.5, 5, 12)[:, None, None]
    images = np.exp(-0.5 * ((x / widths) ** 2 + (2 * y / widths) ** 2))
    ids, noise = np.arange(12) + 500, np.linspace(0.01, 0.06, 12)
    truth, low, columns = degrade(images, ids, noise, gaussian_kernel(1.88, 7), 3)
    columns |= {"source": "jwst", "split": ["train"] * 8 + ["test"] * TEST}
    frame = pd.DataFrame({"id": ids, "group": ids, "noise_lag1": 0.0, "kernel_fwhm": 1.88})
    write_table(folder / "jwst.parquet", frame.assign(**columns), PAIRS, RECORD)
    write_cube(folder / "jwst.fits", {"GT": truth, "LQ": low}, ids, RECORD)
    for name, telescope in (("acs", "hst"), ("nircam_a", "jwst"), ("nircam_b", "jwst")):
        _catalogue(folder / f"{name}.parquet", name, telescope, noise)
    return folder


def _catalogue(path, name, telescope, noise):
    empty = {"str": "", "int64": 0, "float64": 1.0, "bool": False}
    columns = {column.name: [empty[column.dtype]] * len(noise) for column in CATALOGUE}
    frame = pd.DataFrame(columns).assign(mosaic=name, telescope=telescope, noise=noise)
    frame["psf_fwhm"] = 3.0 if name.endswith("a") else 2.5
    write_table(path, frame, CATALOGUE, RECORD)


def run(stage, action, settings, **files):
    """Run an action of a stage; files are paths, or lists of them, by flag."""
    flags = []
    for name, value in files.items():
        values = value if isinstance(value, list) else [value]
        flags += [f"--{name.replace('_', '-')}", *map(str, values)]
    common = ["--settings", json.dumps(settings), "--seed", "3", *flags]
    assert main([stage, action, *common]) == 0


def make(folder, name, settings, action=None, **extra):
    """Make a set; return its table's path."""
    files = {"images": folder / f"{name}.fits", "table": folder / f"{name}.parquet"}
    run("limits", action or name, settings, **files, degradation="{}", **extra)
    return files


def unrestored(folder, files):
    """Restore a set with the method that does nothing; return the path."""
    output = folder / "none" / files["images"].name
    run("restore", "none", {}, **files, degradation="{}", output=output)
    return output


def five(folder, name):
    return [folder / f"{name}.{end}" for end in ("parquet", "csv", "md", "pdf", "png")]


PAIRS_FILES = ("pairs_images", "pairs_table")


@pytest.fixture(scope="module")
def pairs(folder):
    return dict(zip(PAIRS_FILES, (folder / "jwst.fits", folder / "jwst.parquet"), strict=True))


def test_blanks_from_making_to_the_figure(folder, pairs):
    raw = {"raw_images": folder / "blanks_raw.fits", "raw_table": folder / "blanks_raw.parquet"}
    files = make(folder, "blanks", {"seeds": 2, "count": 3}, **pairs, **raw)
    table = read_table(files["table"], BLANKS)
    low, drawn = read_cube(files["images"], "LQ"), read_cube(raw["raw_images"], "LQ")
    assert table["seed_index"].tolist() == [0, 0, 0, 1, 1, 1]
    assert set(table["copied_from"]) <= set(range(500, 508))  # the training split
    assert (low.min(), low.max()) == (0, 1)
    scale = (table["lq_max"] - table["lq_min"]).to_numpy()[:, None, None]
    np.testing.assert_allclose(
        drawn, low * scale + table["lq_min"].to_numpy()[:, None, None], atol=1e-6
    )
    measured, restored = [], []
    for name in ("blanks", "blanks_raw"):
        own = {"images": folder / f"{name}.fits", "table": folder / f"{name}.parquet"}
        restored.append(unrestored(folder, own))
        measured.append(folder / f"measured_{name}.parquet")
        flags = {"restored": restored[-1], "method": "none", "set": name, "output": measured[-1]}
        run("measure_limits", "blanks", {}, **own, **flags)
    run(
        "present_limits",
        "blanks",
        {},
        images=[files["images"], raw["raw_images"]],
        restored=restored,
        measurements=measured,
        output=five(folder, "fig14"),
    )
    summary = read_table(folder / "fig14.parquet", BLANK_SUMMARY)
    # Nothing was done: what came out is what went in.
    assert np.array_equal(summary["rs_std"], summary["lq_std"])
    assert np.array_equal(summary["rs_mean"], summary["lq_mean"])
    assert summary.loc[summary["by"] == "all", "n"].tolist() == [6, 6]
    assert "# Noise without sources" in (folder / "fig14.md").read_text()
    assert (folder / "fig14.png").stat().st_size > 0


def test_stars_from_making_to_the_figure(folder):
    catalogues = [folder / "nircam_a.parquet", folder / "nircam_b.parquet"]
    settings = {"count": 4, "size": 50, "field": 10.0}
    files = make(folder, "stars", settings, catalogues=catalogues, noise=[folder / "acs.parquet"])
    table = read_table(files["table"], STARS_SET)
    assert table["source"].tolist() == ["nircam_a"] * 4 + ["nircam_b"] * 4
    assert table["fwhm"].tolist() == [3.0] * 4 + [2.5] * 4
    assert table["x"].between(24.5 - 5, 24.5 + 5).all()
    run(
        "present_limits",
        "stars",
        settings,
        **files,
        restored=[unrestored(folder, files)],
        shown="nircam_b",
        output=five(folder, "fig12"),
    )
    summary = read_table(folder / "fig12.parquet", STAR_SUMMARY)
    # RS is LQ here: a Gaussian blurred by one of FWHM 1.88 pixels, under a little noise.
    expected = np.hypot(summary["fwhm"], 1.88)
    assert summary["fwhm_rs"].to_numpy() == pytest.approx(expected.to_numpy(), rel=0.1)
    assert np.array_equal(summary["fwhm_rs"], summary["fwhm_lq"])
    assert summary["fwhm_gt"].to_numpy() == pytest.approx(summary["fwhm"].to_numpy(), rel=5e-3)


def test_failures_and_false_peaks_from_making_to_the_figures(folder, pairs):
    files = make(folder, "ladder", {"noise": [0.02, 0.1], "galaxies": 3}, **pairs)
    table = read_table(files["table"], LADDER)
    assert table["galaxy"].tolist() == [508, 509, 510] * 2
    assert table["rung"].tolist() == [0, 0, 0, 1, 1, 1]
    # The noise asked for, on the same galaxy under the same field.
    assert table["noise"].tolist() == pytest.approx([0.02] * 3 + [0.1] * 3)
    truth = read_cube(files["images"], "GT")
    assert np.array_equal(truth[:3], truth[3:])
    measured, peaks, restored = [], [], []
    for name in ("jwst", "ladder"):
        own = {"images": folder / f"{name}.fits", "table": folder / f"{name}.parquet"}
        restored.append(unrestored(folder, own))
        measured.append(folder / f"failures_{name}.parquet")
        peaks.append(folder / f"peaks_{name}.parquet")
        flags = {"restored": restored[-1], "method": "none", "set": name, "degradation": "{}"}
        flags |= {"output": measured[-1], "peaks": peaks[-1]}
        run("measure_limits", "failures", {}, **own, **flags)
    frame = read_table(measured[0], FAILURES)
    assert frame["id"].tolist() == [508, 509, 510, 511]
    # Axis ratio of one half: (1 - 1/2) / (1 + 1/2), less what lies beyond GT's pixels.
    assert frame["e_gt"].to_numpy() == pytest.approx([1 / 3] * TEST, abs=0.02)
    run(
        "present_limits",
        "failures",
        {},
        images=folder / "jwst.fits",
        table=folder / "jwst.parquet",
        restored=restored[0],
        measurements=measured,
        output=five(folder, "fig11"),
    )
    rates = read_table(folder / "fig11.parquet", FAILURE_RATES)
    counts = rates[rates["kind"] == "any"].groupby("set")["images"].sum()
    assert counts.to_dict() == {"jwst": TEST, "ladder": 6}
    run(
        "present_limits",
        "false_peaks",
        {},
        measurements=measured,
        peaks=peaks,
        shown="none",
        output=five(folder, "hallucination"),
    )
    beneath = read_table(folder / "hallucination.parquet", FALSE_PEAK_RATES)
    pixels = beneath.groupby("set")["pixels"].sum()
    assert pixels.to_dict() == {"jwst": TEST * SIDE**2, "ladder": 6 * SIDE**2}
    # LQ itself at a noise of 0.1 is full of peaks.
    assert beneath.loc[beneath["set"] == "ladder", "false_peaks"].sum() > 0


def test_drizzling_from_making_to_the_figure(folder, pairs):
    settings = {"galaxies": 2, "exposures": 4, "noise": 0.03}
    files = make(folder, "drizzle", settings, **pairs)
    table = read_table(files["table"], DRIZZLED)
    assert table["kernel"].tolist() == ["white"] * 2 + ["square"] * 2 + ["lanczos3"] * 2
    assert table["noise"].to_numpy()[:2] == pytest.approx([0.03] * 2, rel=0.06)
    restored = unrestored(folder, files)
    measured = folder / "measured_drizzle.parquet"
    flags = {"restored": restored, "method": "none", "set": "drizzle", "degradation": "{}"}
    flags |= {"output": measured, "peaks": folder / "peaks_drizzle.parquet"}
    run("measure_limits", "failures", {}, **files, **flags)
    output = five(folder, "fig13")
    flags = {"restored": [restored], "measurements": [measured], "output": output}
    run("present_limits", "drizzle", settings, **files, **flags)
    summary = read_table(output[0], DRIZZLE_SUMMARY).set_index("kernel")
    assert summary["n"].tolist() == [2, 2, 2]
    assert summary.loc["white", "rms_ratio"] == 1
    assert summary.loc["square", "lag_1"] > summary.loc["lanczos3", "lag_1"]
    assert read_provenance(output[0]).inputs[str(measured)] == sha256_of(measured)


def test_shear_from_making_to_the_figure(folder):
    columns = {column.name: [0.0, 0.0] for column in POPULATION}
    population = pd.DataFrame(columns | {"id": [4, 7], "q": [0.5, 0.8], "n": [1.0, 1.2]})
    population = population.assign(flux=100.0, r50=[5.0, 4.0], noise=0.02, theta=[0.2, 1.9])
    write_table(folder / "population.parquet", population, POPULATION, RECORD)
    settings = {"galaxies": 2, "noise": 0.002, "size": 48}
    files = make(folder, "shear", settings, population=folder / "population.parquet")
    table = read_table(files["table"], SHEARED)
    assert len(table) == 2 * 16
    assert table.groupby(["g1", "g2"]).size().tolist() == [8] * 4
    restored, measured = unrestored(folder, files), folder / "measured_shear.parquet"
    flags = {"restored": restored, "method": "none", "set": "shear", "degradation": "{}"}
    run("measure_limits", "shear", settings, **files, **flags, output=measured)
    output = five(folder, "shear_calibration")
    run("present_limits", "shear", settings, measurements=[measured], shown="none", output=output)
    biases = read_table(output[0], SHEAR_BIASES)
    biases = biases.set_index(["image", "estimator", "component"]).sort_index()
    # GT knows its shear.  LQ without its PSF, which RS is here, is rounder by about the PSF's
    # variance of 0.64 over the galaxies' of some 8 pixels^2; the PSF-convolved fit is not.
    assert biases.loc["GT", "m"].abs().max() < 0.02
    assert biases.loc[("LQ", "fit"), "m"].abs().max() < 0.02
    assert biases.loc[("RS", "fit"), "m"].max() < -0.02
    assert biases.loc[("RS", "adaptive"), "m"].max() < -0.02


def test_sets_of_other_objects_are_refused(folder, pairs, tmp_path, capsys):
    files = make(tmp_path, "ladder", {"noise": [0.05], "galaxies": 2}, **pairs)
    restored = unrestored(tmp_path, files)
    write_cube(restored, {"RS": read_cube(restored, "RS")}, read_ids(restored) + 9, RECORD)
    status = main(
        ["measure_limits", "failures", "--settings", "{}", "--seed", "3", "--degradation", "{}"]
        + ["--images", str(files["images"]), "--table", str(files["table"])]
        + ["--restored", str(restored), "--method", "none", "--set", "ladder"]
        + ["--output", str(tmp_path / "m.parquet"), "--peaks", str(tmp_path / "p.parquet")]
    )
    assert status == 2
    assert "has other objects than" in capsys.readouterr().err
    assert not (tmp_path / "m.parquet").exists()
