"""Stage present: tables written three times alike, figures of the right rows, clear refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from galrestore.cli import main
from galrestore.config.acquire import Acquire, SimulatedMosaic, SimulatedSky
from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import CATALOGUE, REJECTIONS
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION, POPULATION_STATISTICS
from galrestore.files.contracts.published_fits import PUBLISHED_FITS, PUBLISHED_SUMMARY
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.selection_truth import SELECTION_TRUTH
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.contracts.stars import STARS
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.contracts.truth import truth_columns
from galrestore.files.contracts.tuning import TUNING_GRID
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance, sha256_of
from galrestore.rng import stream

EMPTY = {"int64": 0, "float64": 1.0, "bool": False, "str": ""}
SIZE = (31, 37)


def rows(columns, count):
    return pd.DataFrame({column.name: [EMPTY[column.dtype]] * count for column in columns})


def present(what, *arguments, outputs):
    return main(
        ["present", what, *map(str, arguments), "--settings", '{"examples": 2}', "--seed", "3",
         "--output", *outputs]
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scores(method, psnr, ids=(1, 2, 3)):
    frame = rows(MEASUREMENTS, len(psnr)).assign(id=list(ids), method=method, set="jwst", psnr=psnr)
    write_table(f"{method}.parquet", frame, MEASUREMENTS, Provenance("measure", "ab", "{}", 3))
    return f"{method}.parquet"


TABLE = ("t/table1.parquet", "t/table1.csv", "t/table1.md")


def test_table1_three_times_alike(folder):
    files = scores("none", [10.0, 20.0, 30.0]), scores("transfer", [40.0, 41.0, 42.0])
    lineages = ("--lineages", "transfer=galsim-jwst")
    assert present("table1", "--measurements", *files, *lineages, outputs=TABLE) == 0
    table = read_table(TABLE[0], TABLE1)
    assert table["psnr"].tolist() == [20.0, 41.0]
    assert table["label"].tolist() == ["no training", "GalSim -> JWST"]
    # The text holds all digits; a fast parser errs in the last ones.
    pd.testing.assert_frame_equal(pd.read_csv(TABLE[1]), table, rtol=1e-12)
    text = Path(TABLE[2]).read_text()
    assert "| GalSim -> JWST | 3 | **41.00 ± 0.58** |" in " ".join(text.split())
    assert read_provenance(TABLE[0]).inputs == {file: sha256_of(file) for file in files}


def test_table1_says_what_the_scores_and_the_tuning_mean(folder):
    files = scores("sparse", [50.0, 52.0, 51.0]), scores("jwst", [41.0, 40.0, 42.0])
    files += (scores("transfer", [40.0, 41.0, 42.0]),)
    grid = rows(TUNING_GRID, 1).assign(method="sparse", parameter="threshold", chosen=True)
    write_table("grid.parquet", grid, TUNING_GRID, Provenance("tune", "ab", "{}", 3))
    lineages = ("--lineages", "jwst=restormer/jwst", "transfer=restormer/galsim-jwst")
    arguments = ("--measurements", *files, *lineages, "--tuned", "grid.parquet")
    assert present("table1", *arguments, outputs=TABLE) == 0
    text = Path(TABLE[2]).read_text()
    assert "GalSim -> JWST over JWST: +0.00 ± 0.58 dB (paper +0.05): undecided" in text
    assert "JWST - sparse deconvolution" in text
    assert "- sparse deconvolution: threshold 1, iterations 0" in text
    assert "grid.parquet" in read_provenance(TABLE[0]).inputs


def test_table1_is_repeatable(folder):
    file = scores("none", [10.0, 20.0, 30.0])
    for name in "ab":
        outputs = [f"{name}/t.{end}" for end in ("parquet", "csv", "md")]
        assert present("table1", "--measurements", file, outputs=outputs) == 0
    for end in ("parquet", "csv", "md"):
        assert Path(f"a/t.{end}").read_bytes() == Path(f"b/t.{end}").read_bytes()


def test_table1_of_different_images(folder, capsys):
    files = scores("none", [1.0, 2.0, 3.0]), scores("wiener", [1.0, 2.0, 3.0], ids=(1, 2, 4))
    assert present("table1", "--measurements", *files, outputs=TABLE) == 2
    assert "wiener.parquet: scores other images than none.parquet" in capsys.readouterr().err
    assert not Path("t").exists()


def test_table1_without_scores(folder, capsys):
    assert present("table1", "--measurements", scores("none", [], ids=()), outputs=TABLE) == 2
    assert "none.parquet: has no rows" in capsys.readouterr().err


def test_a_failing_write_leaves_none_of_the_three(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("galrestore.stages.written_tables.write_table", full)
    assert present("table1", "--measurements", scores("none", [1.0, 2.0, 3.0]), outputs=TABLE) != 0
    assert list(Path("t").iterdir()) == []


def catalogue(mosaic, widths):
    """Sources of some widths, the first of which is on the star locus too."""
    frame = rows(CATALOGUE, len(widths)).assign(mosaic=mosaic, telescope="hst", stamp_width=widths)
    frame["reject_width"] = frame["stamp_width"] > 100
    frame["reject_star"] = np.arange(len(widths)) == 0
    names = [name for name in REJECTIONS if name in ("width", "star")]
    frame["rejected_by"] = [
        next((name for name in names if row[f"reject_{name}"]), "") for _, row in frame.iterrows()
    ]
    record = Provenance("select", "ab", '{"maximum_width": 100}', 3)
    write_table(f"{mosaic}.parquet", frame, CATALOGUE, record)
    return f"{mosaic}.parquet"


def test_selection_is_printed_and_counted(folder, capsys):
    files = catalogue("a", [10, 20, 120]), catalogue("b", [])
    outputs = ("s.parquet", "s.csv", "s.md")
    assert present("selection", "--catalogues", *files, outputs=outputs) == 0
    counts = read_table("s.parquet", SELECTION).set_index(["mosaic", "criterion"])["first"]
    assert counts[("a", "detected")] == 3
    assert counts[("a", "width")] == counts[("a", "star")] == counts[("a", "accepted")] == 1
    assert counts[("b", "detected")] == 0
    assert counts[("all hst", "detected")] == 3
    assert Path("s.md").read_text() in capsys.readouterr().err


def test_funnel_and_star_locus(folder):
    files = catalogue("a", [10, 20, 120]), catalogue("b", [30])
    outputs = ("s.parquet", "s.csv", "s.md")
    assert present("selection", "--catalogues", *files, outputs=outputs) == 0
    assert present("funnel", "--counts", "s.parquet", outputs=("f.pdf", "f.png")) == 0
    with Image.open("f.png") as image:
        assert "accepted are 1 of 4 for HST" in image.text["Description"]
    stars = []
    for name in ("a", "b"):
        stars.append(f"{name}_stars.parquet")
        row = rows(STARS, 1).assign(mosaic=name, locus_stars=0)
        write_table(stars[-1], row, STARS, Provenance("select", "ab", "{}", 3))
    arguments = ("--catalogues", *files, "--stars", *stars)
    assert present("star_locus", *arguments, outputs=("l.pdf", "l.png")) == 0
    with Image.open("l.png") as image:
        assert "a 1 (r50 = 1.00 px" in image.text["Description"]


def test_selection_against_the_truth(folder):
    record = Provenance("select", "ab", Select().model_dump_json(), 3)
    frame = rows(CATALOGUE, 2).assign(mosaic="a", telescope="hst", ra=[10.0, 10.1], dec=0.0)
    write_table("a.parquet", frame, CATALOGUE, record)
    mosaic = SimulatedMosaic(
        telescope="hst", instrument="ACS/WFC", band="F814W", format="hlf", pixel_scale=0.05,
        wavelength=0.8, psf_fwhm=0.1, depth=28.0,
    )  # fmt: skip
    sky = SimulatedSky(width=90, height=90, ra=10, dec=0, mosaics={"a": mosaic})
    columns = truth_columns(["a"])
    objects = rows(columns, 2).assign(kind=["star", "galaxy"], ra=[10.0, 10.1], dec=0.0)
    settings = Acquire(simulated=sky).model_dump_json()
    write_table("truth.parquet", objects, columns, Provenance("acquire", "ab", settings, 3))
    outputs = ("t.parquet", "t.csv", "t.md")
    arguments = ("--catalogues", "a.parquet", "--truth", "truth.parquet")
    assert present("selection_truth", *arguments, outputs=outputs) == 0
    table = read_table("t.parquet", SELECTION_TRUTH).set_index(["mosaic", "group", "item"])
    assert table.loc[("a", "accepted", "star"), ["count", "total"]].tolist() == [1, 2]
    assert "1 (50.00%)" in Path("t.md").read_text()


def test_population_is_printed_with_its_largest_differences(folder, capsys):
    frame = rows(POPULATION_STATISTICS, 8)
    frame["statistic"] = ["median", "spread", "ks_distance"] * 2 + ["rank_correlation"] * 2
    frame["first"] = ["q"] * 3 + ["n"] * 3 + ["q", "n"]
    frame["second"] = [""] * 6 + ["n", "q"]
    frame["fits"] = [0.5, 0.1, 0.0, 1.0, 0.2, 0.0, 0.31, -0.2]
    frame["drawn"] = [0.5, 0.1, 0.012, 1.0, 0.2, 0.017, 0.32, -0.225]
    made = Provenance("resample", "ab", "{}", 3)
    write_table("s.parquet", frame, POPULATION_STATISTICS, made)
    outputs = ("p.parquet", "p.csv", "p.md")
    assert present("population", "--statistics", "s.parquet", outputs=outputs) == 0
    text = Path("p.md").read_text()
    assert "at most 0.0170 from the fits'" in text
    assert "rank correlations at most 0.025." in text
    assert "| q, n |  0.310 |  0.320 |" in text
    assert text in capsys.readouterr().err
    pd.testing.assert_frame_equal(read_table("p.parquet", POPULATION_STATISTICS), frame)


def test_figure3_takes_the_cut_from_the_catalogues(folder):
    files = catalogue("a", [10, 20, 120]), catalogue("b", [30, 40])
    assert present("fig03", "--catalogues", *files, outputs=("f.pdf", "f.png")) == 0
    with Image.open("f.png") as image:
        caption = image.text["Description"]
    assert "of 5 detected" in caption
    assert "1 are wider than 100 px" in caption
    # The first source of each mosaic is a star.
    assert "the 3 sources that pass all other criteria, of which 1 are wider" in caption


def test_figure3_without_sources(folder, capsys):
    assert present("fig03", "--catalogues", catalogue("a", []), outputs=("f.pdf", "f.png")) == 2
    assert "no source was detected" in capsys.readouterr().err


def write_examples(ids=(12, 14, 16)):
    """Six pairs, every other one for the test; RS is GT."""
    y, x = np.indices(SIZE)
    truth = np.exp(-((y - 15) ** 2 + (x - 18) ** 2) / 50)
    truth = truth + stream(3, "test.present").normal(0, 0.003, (6, *SIZE))
    pairs = rows(PAIRS, 6).assign(id=range(11, 17), split=["train", "test"] * 3)
    pairs["noise"] = [0.9, 0.04, 0.9, 0.02, 0.9, 0.03]
    made = Provenance("degrade", "ab", "{}", 3)
    write_table("pairs.parquet", pairs, PAIRS, made)
    write_cube("pairs.fits", {"GT": truth, "LQ": 0.5 * truth}, pairs["id"], made)
    write_cube("rs.fits", {"RS": truth[1::2]}, ids, made)
    return scores("me", [1.0, 2.0, 3.0], ids=(12, 14, 16))


FIGURE5 = ("--images", "pairs.fits", "--table", "pairs.parquet", "--restored", "rs.fits")


def test_figure5_shows_restored_images_beside_their_own_truth(folder):
    file = write_examples()
    outputs = ("f.pdf", "f.png")
    assert present("fig05", *FIGURE5, "--measurements", file, outputs=outputs) == 0
    with Image.open("f.png") as image:
        caption = image.text["Description"]
    # RS is GT to the last bit, so any mix-up of rows would make the PSNR finite.
    assert "inf dB (RS)" in caption
    assert "rms 0.020 to 0.040" in caption or "rms 0.030 to 0.040" in caption
    assert "the 2 equally populated classes" in caption


def test_figure8b_shows_the_images_of_the_set(folder):
    file = write_examples()
    options = ("--titles", "HST F606W", "JWST F115W")
    measured = ("--measurements", file)
    assert present("fig08b", *FIGURE5, *measured, *options, outputs=("f.pdf", "f.png")) == 0
    with Image.open("f.png") as image:
        caption = image.text["Description"]
    # LQ is half of GT: alike but for the scale, so to rounding after the match.
    assert "Columns: HST F606W, RS, JWST F115W; RS by me" in caption
    assert "the 3 images of the set, rms 0.020 to 0.040" in caption


def test_figure5_of_other_images(folder, capsys):
    file = write_examples(ids=(12, 16, 14))
    outputs = ("f.pdf", "f.png")
    assert present("fig05", *FIGURE5, "--measurements", file, outputs=outputs) == 2
    assert "rs.fits: has other objects than the test split" in capsys.readouterr().err
    assert not Path("f.pdf").exists()


def sersic(ids, name):
    rng = stream(3, "test.present.fits")
    frame = rows(SERSIC, len(ids)).assign(id=ids, failure="", theta=0.3)
    frame["q"] = rng.uniform(0.2, 0.9, len(ids))
    for column in ("n", "flux", "r50", "noise", "model_flux"):
        frame[column] = np.exp(0.2 * rng.normal(size=len(ids)))
    write_table(f"{name}.parquet", frame, SERSIC, Provenance("fit", "ab", "{}", 3))
    return frame


def test_figure4_and_quality_of_the_fits(folder, capsys):
    sersic(np.arange(40), "hst")
    fits = sersic(np.arange(30)[::-1], "galsim")
    truth = rows(POPULATION, 30).assign(id=np.arange(30), theta=0.3)
    # The table of fits is in another order.
    for column, source in (("n", "n"), ("flux", "model_flux"), ("r50", "r50"), ("q", "q")):
        truth[column] = fits[source].to_numpy()[::-1]
    made = Provenance("resample", "ab", "{}", 3)
    write_table("population.parquet", truth, POPULATION, made)
    outputs = ("f.pdf", "f.png")
    files = ("--hst", "hst.parquet", "--galsim", "galsim.parquet")
    assert present("fig04", *files, outputs=outputs) == 0
    assert "fits of 40 HST stamps (blue) and of 30" in capsys.readouterr().err
    files = ("--fits", "galsim.parquet", "--population", "population.parquet")
    assert present("fit_quality", *files, outputs=outputs) == 0
    assert "ln n +0.000 ± 0.000, ln R50 +0.000 ± 0.000" in capsys.readouterr().err
    write_table("population.parquet", truth.iloc[1:], POPULATION, made)
    assert present("fit_quality", *files, outputs=outputs) == 2
    assert "has other objects than population.parquet" in capsys.readouterr().err


def test_figure4_of_failures(folder, capsys):
    frame = sersic(np.arange(40), "hst").assign(failure="index")
    write_table("bad.parquet", frame, SERSIC, Provenance("fit", "ab", "{}", 3))
    files = ("--hst", "hst.parquet", "--galsim", "bad.parquet")
    assert present("fig04", *files, outputs=("f.pdf", "f.png")) == 2
    assert "0 of 40 GalSim fits are good" in capsys.readouterr().err


def test_published_fits_as_table_and_figure(folder):
    frame = rows(PUBLISHED_FITS, 4).assign(mosaic="bright", psf="gaussian", image=range(4))
    frame["published_r50"] = np.nan
    for name in ("published_i50", "published_theta", "published_flux", "published_flux_radius"):
        frame[name] = np.nan
    frame["q"] = [0.5, 0.6, 0.7, 0.8]
    frame["published_q"], frame["failure"] = 0.5, ["", "", "", "index"]
    write_table("b.parquet", frame, PUBLISHED_FITS, Provenance("compare", "ab", "{}", 3))
    outputs = ("t/p.parquet", "t/p.csv", "t/p.md", "t/p.pdf", "t/p.png")
    assert present("published", "--tables", "b.parquet", outputs=outputs) == 0
    table = read_table(outputs[0], PUBLISHED_SUMMARY)
    assert table["quantity"].tolist() == ["ln_n", "q"]
    assert table["median"].tolist() == pytest.approx([0.0, 0.1])
    assert "Failed fits: 1 bright gaussian index." in Path(outputs[2]).read_text()
    with Image.open(outputs[4]) as image:
        assert "4 galaxies of bright" in image.text["Description"]


def history(model, psnr, batch_size=4):
    frame = rows(HISTORY, len(psnr)).assign(validation_psnr=psnr)
    frame["step"] = 10 * np.arange(1, len(psnr) + 1)
    frame["best"] = frame["validation_psnr"] == frame["validation_psnr"].cummax()
    settings = f'{{"batch_size": {batch_size}}}'
    file = f"results/models/{model}/history.parquet"
    write_table(file, frame, HISTORY, Provenance("train", "ab", settings, 3))
    return file


def test_training_curves_name_models_by_their_folders(folder):
    files = history("nafnet/jwst", [20.0, 22.0]), history("nafnet/jwst-jwst", [25.0, 24.0])
    outputs = ("f/training_curves.pdf", "f/training_curves.png")
    assert present("training", "--histories", *files, outputs=outputs) == 0
    with Image.open(outputs[1]) as image:
        caption = image.text["Description"]
    assert "nafnet/jwst 22.00 dB / 1.000 at step 20 of 20 (80 images)" in caption
    assert "nafnet/jwst-jwst 25.00 dB / 1.000 at step 10 of 20 (80 images)" in caption


def test_curves_of_an_empty_history_are_refused(folder, capsys):
    file = history("nafnet/jwst", [])
    assert present("training", "--histories", file, outputs=("f/c.pdf", "f/c.png")) == 2
    assert f"{file}: has no rows" in capsys.readouterr().err
