"""Stage present_page: pages of tiny results, alike each time; clear refusals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galrestore.cli import main
from galrestore.files.contracts.claims import CLAIMS
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.cubes import write_cube
from galrestore.files.tables import write_table
from galrestore.provenance import Provenance, sha256_of

EMPTY = {"int64": 0, "float64": 1.0, "bool": False, "str": ""}
RECORD = Provenance("present", "abcd", '{"examples": 2}', 3)
SIZE = (24, 24)


def rows(columns, count, **values):
    frame = pd.DataFrame({column.name: [EMPTY[column.dtype]] * count for column in columns})
    return frame.assign(**values)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Results of a run of five pairs, three of them tested."""
    monkeypatch.chdir(tmp_path)
    ids = [1, 2, 3, 4, 5]
    split = ["train", "test", "test", "test", "train"]
    noise = [0.1, 0.03, 0.01, 0.02, 0.1]
    pairs = rows(PAIRS, 5, id=ids, split=split, source="nircam", noise=noise)
    write_table("results/pairs/jwst.parquet", pairs, PAIRS, RECORD)
    y, x = np.mgrid[:24, :24]
    truth = np.exp(-np.hypot(y - 12, x - 12) / 3) + np.random.default_rng(3).normal(
        0, 0.01, (5, *SIZE)
    )
    write_cube("results/pairs/jwst.fits", {"GT": truth, "LQ": np.abs(truth) ** 0.5}, ids, RECORD)
    write_cube("results/restored.fits", {"RS": truth[1:4] * 0.9}, ids[1:4], RECORD)
    write_table(
        "results/mosaic.parquet",
        rows(MANIFEST, 1, mosaic="nircam", pixel_scale=0.03),
        MANIFEST,
        RECORD,
    )
    table1 = rows(
        TABLE1, 2, method=["none", "transfer"], label=["no training", "GalSim -> JWST"], n=3
    )
    write_table("results/tables/table1_jwst.parquet", table1, TABLE1, RECORD)
    write_table("results/tables/claims.parquet", rows(CLAIMS, 1, claim="stamps"), CLAIMS, RECORD)
    Path("results/tables/table1_jwst.md").write_text(
        "# Table 1\n\nMean.\n\n| a |\n|---|\n| 7 |\n\n## More\n\nRest.\n"
    )
    Path("results/tables/claims.md").write_text("# Claims\n\n| claim |\n|---|\n| x</script> |\n")
    about = PngInfo()
    about.add_text("Description", "Caption of 5 & more.")
    about.add_text("galrestore", RECORD.to_json())
    Path("results/figures").mkdir()
    Image.new("RGB", (30, 20)).save("results/figures/fig05_examples.png", pnginfo=about)
    return tmp_path


COMMON = ("--results", "results", "--files", "results/pairs/jwst.parquet",
          "results/pairs/jwst.fits", "--seed", "3",
          "--settings", '{"page_galaxies": 2}')  # fmt: skip


def page(output="page.html", restored="results/restored.fits", shown="transfer"):
    return main(
        ["present_page", "page", "--table1", "results/tables/table1_jwst.parquet",
         "results/tables/table1_jwst.md", "--claims", "results/tables/claims.parquet",
         "results/tables/claims.md", "--figures", "results/figures/fig05_examples.png",
         "--images", "results/pairs/jwst.fits", "--table", "results/pairs/jwst.parquet",
         "--restored", restored, "--manifests", "results/mosaic.parquet", "--shown", shown,
         "--networks", "transfer", "--doors", "simulated", *COMMON, "--output", output]
    )  # fmt: skip


def test_the_page_holds_galaxies_tables_and_figures(folder):
    assert page() == 0
    text = Path("page.html").read_text()
    # Two classes of noise among the test images: 0.01 and 0.02, then 0.03.
    assert text.count('<figure class="galaxy">') == 2
    assert "noise 0.030" in text
    assert "0.2″" in text  # 24 pixels of 0.03 arcsec: 0.5 would be over four tenths
    assert "sky: simulated." in text
    assert "<td>7</td>" in text
    assert "x&lt;/script&gt;" in text
    assert "<b>Figure 5: Restored galaxies.</b> Caption of 5 &amp; more." in text
    assert f'"results/pairs/jwst.fits": "{sha256_of("results/pairs/jwst.fits")}"' in text
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")


def test_the_page_is_the_same_each_time(folder):
    assert page("a.html") == page("b.html") == 0
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()


def test_the_report_has_a_caption_for_everything_and_tables_as_pages(folder):
    assert main(
        ["present_page", "texts", "--figures", "results/figures/fig05_examples.png", "--tables",
         "results/tables/table1_jwst.md", "results/tables/claims.md", "--captions", "captions",
         "--pages", "tables", *COMMON]
    ) == 0  # fmt: skip
    captions = {path.name: path.read_text() for path in Path("captions").iterdir()}
    assert captions["fig05_examples.png.rst"] == (
        "Figure 5 of the paper\\. Caption of 5 \\& more\\.\n"
    )
    assert captions["table1_jwst.md.rst"] == "Table 1 of the paper\\. Mean\\.\n"
    assert set(captions) == {
        "fig05_examples.png.rst",
        "table1_jwst.md.rst",
        "claims.md.rst",
        "provenance.md.rst",
    }
    assert "<td>7</td>" in Path("tables/table1_jwst.html").read_text()
    provenance = Path("tables/provenance.html").read_text()
    assert "<tr><td>present</td><td>3</td><td><code>abcd</code></td></tr>" in provenance


def test_results_that_do_not_belong_together_are_refused(folder, capsys):
    ids = np.array([1, 2, 3])
    write_cube("other.fits", {"RS": np.zeros((3, *SIZE))}, ids, RECORD)
    assert page(restored="other.fits") == 2
    assert "other.fits: has other objects than the test split" in capsys.readouterr().err
    assert page(shown="unet") == 2
    assert "table1_jwst.parquet: holds no scores of unet" in capsys.readouterr().err
    assert not Path("page.html").exists()
