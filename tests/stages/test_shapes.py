"""Stage shapes: the test pairs are measured, batches do not matter, wrong files are refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.calibration import CALIBRATION
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import COMPARISON, GAINS, SHAPE_PIXELS, SHAPES, SPECTRUM
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance, fingerprint, sha256_of
from galrestore.rng import stream
from galrestore.stages import shapes
from galrestore.synthesis.degradation import degrade, gaussian_kernel

RECORD = Provenance("degrade", "ab12", "{}", 7)
COUNT, SIDE = 8, 48
IDS = np.arange(COUNT) + 2**60
TESTED = np.array([1, 2, 4, 5, 7])
FILES = ("objects", "pixels", "spectrum")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Eight pairs of Gaussians, five of them for the test, and RS that is GT itself."""
    monkeypatch.chdir(tmp_path)
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    sigma = np.linspace(2, 3.5, COUNT)[:, None, None]
    images = np.exp(-(x**2 + (y / 0.7) ** 2) / (2 * sigma**2))
    images = 5 * images + 0.002 * stream(1, "test.stage.shapes").normal(size=images.shape)
    noise = np.linspace(0.01, 0.05, COUNT)
    truth, low, columns = degrade(images, IDS, noise, gaussian_kernel(1.88, 7), 1)
    table = pd.DataFrame(columns).assign(id=IDS, source="m", group=IDS, split="train")
    table.loc[TESTED, "split"] = "test"
    table["kernel_fwhm"], table["noise_lag1"] = 1.88, 0.0
    write_table("pairs.parquet", table, PAIRS, RECORD)
    write_cube("pairs.fits", {"GT": truth, "LQ": low}, IDS, RECORD)
    write_cube("net.fits", {"RS": truth[TESTED]}, IDS[TESTED], RECORD)
    return tmp_path


def run(out="out", *more):
    outputs = [part for name in FILES for part in (f"--{name}", f"{out}/{name}.parquet")]
    return main(
        ["shapes", "--images", "pairs.fits", "--table", "pairs.parquet", "--restored", "net.fits",
         "--methods", "net", "--set", "jwst", "--degradation", "{}", "--selection", "{}",
         "--fit", "{}", "--settings", json.dumps({"pixels": 5, "rings": 6}), "--seed", "7",
         *outputs, *more]
    )  # fmt: skip


def test_rows_are_the_test_pairs_by_image(folder):
    assert run() == 0
    objects = read_table("out/objects.parquet", SHAPES)
    assert objects["image"].tolist() == np.repeat(["GT", "LQ", "LQ + PSF", "net"], 5).tolist()
    assert objects["id"].tolist() == IDS[TESTED].tolist() * 4
    by_image = objects.set_index("image")
    # RS is GT: the same shapes, and the same fluxes on the matched scale, to the noise of LQ
    # of up to 5% of a pixel, over a few hundred of them.
    for name in ("e1", "n", "r50"):
        np.testing.assert_array_equal(by_image.loc["net", name], by_image.loc["GT", name])
    ratio = by_image.loc["net", "flux_aperture"].array / by_image.loc["GT", "flux_aperture"].array
    error = by_image.loc["net", "scale_error"].array / by_image.loc["GT", "scale"].array
    np.testing.assert_array_less(np.abs(ratio - 1), 5 * error)
    pixels = read_table("out/pixels.parquet", SHAPE_PIXELS)
    assert len(pixels) == 2 * 5 * 5
    assert len(read_table("out/spectrum.parquet", SPECTRUM)) == 2 * 6
    record = read_provenance("out/objects.parquet")
    assert record.code == fingerprint("stages.shapes")
    names = ("pairs.fits", "pairs.parquet", "net.fits")
    assert record.inputs == {name: sha256_of(name) for name in names}


def test_batches_and_threads_change_no_byte(folder, monkeypatch):
    assert run("a") == 0
    monkeypatch.setattr(shapes, "_BATCH", 2)
    assert run("b", "--threads", "2") == 0
    for name in FILES:
        assert Path(f"a/{name}.parquet").read_bytes() == Path(f"b/{name}.parquet").read_bytes()


def refused(capsys, words):
    assert run() == 2
    assert words in capsys.readouterr().err
    assert not Path("out").exists()


def test_restored_images_of_other_objects(folder, capsys):
    write_cube("net.fits", {"RS": np.zeros((5, SIDE, SIDE))}, IDS[:5], RECORD)
    refused(capsys, "net.fits: has other objects than the test split of pairs.parquet")


def test_pixels_that_are_not_finite(folder, capsys):
    images = np.zeros((5, SIDE, SIDE))
    images[3, 0, 0] = np.nan
    write_cube("net.fits", {"RS": images}, IDS[TESTED], RECORD)
    refused(capsys, "net.fits: pixels of 1 images of RS are not finite")


def test_no_test_pairs(folder, capsys):
    table = read_table("pairs.parquet", PAIRS).assign(split="train")
    write_table("pairs.parquet", table, PAIRS, RECORD)
    refused(capsys, "pairs.parquet: no pair is in the test split")


COMMON = ("--image", "net", "--lineages", "net=restormer/jwst", "--settings", "{}", "--seed", "7")


def present(what, *arguments, outputs):
    return main(["present", what, *arguments, *COMMON, "--output", *outputs])


def test_tables_and_figures_of_the_measurements(folder):
    assert run() == 0
    inputs = {name: f"out/{name}.parquet" for name in FILES}
    tables = [f"t/{k}.{end}" for k in ("m", "p") for end in ("parquet", "csv", "md")]
    read = [part for name, path in inputs.items() for part in (f"--{name}", path)]
    assert present("shapes", *read, outputs=[*tables, "t/g.parquet"]) == 0
    morphology = read_table("t/m.parquet", COMPARISON)
    assert read_table("t/g.parquet", GAINS)["image"].unique().tolist() == ["net", "LQ + PSF"]
    pd.testing.assert_frame_equal(
        pd.read_csv("t/m.csv", keep_default_na=False, na_values=[""]).drop(columns="rescale"),
        morphology.drop(columns="rescale"),
        rtol=1e-12,
    )
    text = Path("t/m.md").read_text()
    # Set jwst stands beside the paper's numbers, under the name of its training set.
    assert "## JWST beside the paper's network" in text
    assert "scatter down 3.6 times, Pearson 0.61 to 0.90" in text
    assert "| JWST | 5 | 0 | 1.000 ±" in " ".join(text.split())
    assert "scatter down 7 times" in Path("t/p.md").read_text()
    shown = ("--objects", inputs["objects"], "--gains", "t/g.parquet")
    for what, more in (
        ("morphology", (*shown, "--comparison", "t/m.parquet")),
        ("photometry", (*shown, "--comparison", "t/p.parquet", "--pixels", inputs["pixels"])),
        ("residual_power", ("--spectrum", inputs["spectrum"])),
    ):
        assert present(what, *more, outputs=[f"t/{what}.pdf", f"t/{what}.png"]) == 0
        assert Path(f"t/{what}.png").stat().st_size > 10_000


def test_an_image_that_was_not_measured(folder, capsys):
    assert run() == 0
    arguments = ("--spectrum", "out/spectrum.parquet", "--image", "other")
    call = ["present", "residual_power", *arguments, "--settings", "{}", "--seed", "7"]
    assert main([*call, "--output", "a.pdf", "a.png"]) == 2
    assert "out/spectrum.parquet: holds no image 'other', but LQ, net" in capsys.readouterr().err


def calibrate(what, *arguments, outputs):
    shown = ("--image", "net", "--lineage", "restormer/jwst", "--settings", "{}", "--seed", "7")
    return main(["present_calibration", what, *arguments, *shown, "--output", *outputs])


def test_calibration_of_the_measurements(folder, capsys):
    assert run() == 0
    given = ("--objects", "out/objects.parquet", "--pairs", "pairs.parquet")
    assert calibrate("table", *given, outputs=["t/c.parquet", "t/c.csv", "t/c.md"]) == 0
    table = read_table("t/c.parquet", CALIBRATION)
    # Five objects make one bin; RS is GT, whose shape has no error at all.
    own = table[(table["image"] == "net") & table["quantity"].isin(["R50", "n"])]
    assert own["count"].eq(5).all()
    assert own["bias"].eq(0).all()
    assert "## aperture flux by S/N" in Path("t/c.md").read_text()
    assert "| JWST" in Path("t/c.md").read_text()
    outputs = ["t/c.pdf", "t/c.png"]
    assert calibrate("figure", "--table", "t/c.parquet", outputs=outputs) == 0
    assert Path("t/c.png").stat().st_size > 10_000

    pairs = read_table("pairs.parquet", PAIRS)
    write_table("pairs.parquet", pairs.assign(id=pairs["id"] + 1), PAIRS, RECORD)
    assert calibrate("table", *given, outputs=["u/c.parquet", "u/c.csv", "u/c.md"]) == 2
    assert "has other objects than pairs.parquet" in capsys.readouterr().err
