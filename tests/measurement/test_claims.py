"""Claims: figures of the tables, comparisons known beforehand, one copy in the README."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from galrestore.cli import main
from galrestore.files.contracts.claims import CLAIMS
from galrestore.files.contracts.limits import BLANK_SUMMARY, FAILURE_RATES, STAR_SUMMARY
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.shapes import COMPARISON
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.measurement.claims import gather_claims
from galrestore.measurement.claims_limits import noise_of_half_failing
from galrestore.measurement.claims_markdown import (
    BEGIN,
    END,
    claims_lines,
    copied_lines,
    render_claims,
    replace_lines,
)
from galrestore.provenance import Provenance, sha256_of

README = Path(__file__).resolve().parents[2] / "README.md"
EMPTY = {"int64": 0, "float64": 0.0, "str": ""}


def rows(columns, *given):
    blank = {column.name: EMPTY[column.dtype] for column in columns}
    return pd.DataFrame([blank | row for row in given])


def table1():
    """JWST alone is best; transfer 0.4 dB behind it, by 0.1 dB as paired."""
    scores = {"no training": (20.0, 0.2), "JWST": (38.0, 0.8), "GalSim -> JWST": (37.6, 0.79)}
    paper = {"no training": 16.4488, "JWST": 38.7868, "GalSim -> JWST": 38.8416}
    return rows(
        TABLE1,
        *(
            {
                "label": label,
                "method": label.rpartition(" ")[2].lower() if "->" not in label else "net",
                "n": 50,
                "psnr": psnr,
                "psnr_error": 0.5,
                "psnr_matched": 41.0,
                "psnr_matched_error": 0.25,
                "ssim": ssim,
                "psnr_to_best_error": 0.1,
                "paper_psnr": paper[label],
                "paper_ssim": 0.5,
            }
            for label, (psnr, ssim) in scores.items()
        ),
    )


def shapes():
    about = {"set": "jwst", "count": 40}
    return rows(
        COMPARISON,
        about | {"image": "LQ", "label": "LQ", "quantity": "n", "pearson": 0.7},
        about
        | {"image": "net", "label": "Net", "quantity": "n", "rmse_ratio": 3.5}
        | {"rmse_ratio_error": 0.1, "mad_ratio": 2.0, "mad_ratio_error": 0.2, "pearson": 0.95},
    )


def found(tables, claim):
    claims = gather_claims(tables, "net")
    assert list(claims.columns) == [column.name for column in CLAIMS]
    return claims.set_index("claim").loc[claim]


def test_figures_are_those_of_the_tables():
    row = found({"table1_jwst": table1()}, "PSNR [dB], JWST")
    assert (row["ours"], row["error"], row["paper"]) == (38.0, 0.5, 38.7868)
    assert row["also"] == "affine-matched 41.00 ± 0.25"
    assert row["setting"] == "JWST, 50 test images"
    assert row["file"] == "tables/table1_jwst.md"
    # 0.79 dB apart with an error of 0.5.
    assert row["deviation"] == "agrees within two standard errors"
    above = found({"table1_jwst": table1()}, "PSNR [dB], no training")
    assert above["deviation"].startswith("above the paper's: ")


def test_gain_by_transfer_is_paired():
    """-0.4 dB of 20 dB is -2%, its error 0.1 dB of 20 dB; the paper's is 0.0548 of 16.4488."""
    row = found({"table1_jwst": table1()}, "PSNR gained by GalSim before JWST [% of no training]")
    np.testing.assert_allclose((row["ours"], row["error"]), (-2.0, 0.5), rtol=1e-12)
    np.testing.assert_allclose(row["paper"], 0.333155, rtol=1e-5)
    assert row["deviation"].startswith("below the paper's: ")


def test_gain_has_no_error_where_another_method_is_best():
    table = table1()
    table.loc[table["label"] == "no training", "psnr"] = 50.0
    row = found({"table1_jwst": table}, "PSNR gained by GalSim before JWST [% of no training]")
    assert np.isnan(row["error"])


def test_scatters_of_shapes():
    row = found({"morphology_jwst": shapes()}, "scatter of n, LQ's over RS's")
    assert (row["paper"], row["ours"], row["error"]) == (3.6, 3.5, 0.1)
    assert row["also"] == "RMSE; MAD 2.00 ± 0.20"
    assert row["deviation"] == "agrees within two standard errors"
    assert found({"morphology_jwst": shapes()}, "Pearson r of n in LQ against GT")["ours"] == 0.7


def test_counts_leave_the_sums_out_of_the_mosaics():
    counts = {"telescope": "hst", "criterion": "accepted"}
    names = {"a": 20, "b": 30, "all hst": 50}
    table = rows(SELECTION, *(counts | {"mosaic": k, "first": v} for k, v in names.items()))
    row = found({"selection": table}, "HST stamps")
    assert (row["ours"], row["paper"], row["setting"]) == (50, 66_092, "2 mosaics")


def test_noise_where_half_fail():
    """A rate of 0.2 at 0.08 and 0.6 at 0.10: half at 0.095."""
    rates = np.array([0.1, 0.2, 0.6, 0.9])
    noise = np.array([0.06, 0.08, 0.10, 0.12])
    np.testing.assert_allclose(noise_of_half_failing(noise, rates), 0.095)
    assert np.isnan(noise_of_half_failing(noise, rates / 2))
    assert np.isnan(noise_of_half_failing(noise, rates + 0.4))
    about = {"method": "net", "set": "ladder", "kind": "any", "images": 60}
    given = zip(noise, rates, rates - 0.1, rates + 0.1, strict=True)
    table = rows(
        FAILURE_RATES,
        *(about | {"noise": a, "rate": b, "low": c, "high": d} for a, b, c, d in given),
        about | {"method": "other", "noise": 0.01, "rate": 1.0},
    )
    row = found(
        {"limits_failures": table}, "noise of LQ beyond which failures are frequent (half fail)"
    )
    # Half of the upper rates at 0.090, of the lower ones at 0.10.
    np.testing.assert_allclose((row["ours"], row["error"]), (0.095, 0.005))
    assert row["also"] == "10% at 0.06; 20% at 0.08; 60% at 0.1; 90% at 0.12"


def test_limits_hold_or_not():
    stars = rows(
        STAR_SUMMARY,
        {"method": "net", "source": "wide", "ratio": 1.3, "ratio_error": 0.1},
        {"method": "net", "source": "narrow", "ratio": 1.1, "ratio_error": 0.1},
    )
    blanks = rows(
        BLANK_SUMMARY,
        {"method": "net", "set": "blanks", "by": "all", "n": 500},
        {"method": "net", "set": "blanks_raw", "by": "all", "n": 500, "rs_sources": 25},
    )
    tables = {"limits_stars": stars, "limits_blanks": blanks}
    wide = "width of restored stars over GT's, PSF of wide"
    assert found(tables, wide)["deviation"] == "holds"
    narrow = "width of restored stars over GT's, PSF of narrow"
    assert found(tables, narrow)["deviation"].startswith("does not hold: ")
    none = found(tables, "sources in 10,000 restored images of noise, min-max normalised")
    assert (none["ours"], none["deviation"]) == (0, "agrees")
    some = found(tables, "sources in 10,000 restored images of noise, as drawn")
    # 25 in 500 are 500 in 10,000, with Poisson's error of a fifth.
    assert (some["ours"], some["error"]) == (500, 100)


def test_lines_for_the_reader():
    text = render_claims(gather_claims({"morphology_jwst": shapes()}, "net"))
    assert (
        "| scatter of n, LQ's over RS's | 3.60 (abstract, 4.3) | 3.50 ± 0.10 (RMSE; MAD 2.00 ± "
        "0.20) | Net, 40 test images | `tables/morphology_jwst.md` "
        "| agrees within two standard errors |"
    ) in text.splitlines()


def test_the_readme_holds_a_table_of_claims():
    lines = copied_lines(README.read_text(encoding="utf-8"))
    heading = claims_lines(render_claims(gather_claims({"morphology_jwst": shapes()}, "net")))[:2]
    assert lines[:2] == heading
    assert all(line.count(" | ") == 5 for line in lines[2:])
    assert any("`tables/table1_jwst.md`" in line for line in lines)


def test_copies_that_cannot_be_found():
    page = f"a\n{BEGIN}\nold\n{END}\nb\n"
    assert replace_lines(page, ["x", "y"]) == f"a\n{BEGIN}\n\nx\ny\n\n{END}\nb\n"
    with pytest.raises(ValueError, match="once each"):
        copied_lines("no markers")
    with pytest.raises(ValueError, match="before"):
        copied_lines(f"{END} {BEGIN}")
    with pytest.raises(ValueError, match="no table of claims"):
        claims_lines("| other | table |")


TABLE = ["t/claims.parquet", "t/claims.csv", "t/claims.md"]


def test_table_and_comparison_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_table("table1_jwst.parquet", table1(), TABLE1, Provenance("present", "a", "{}", 3))
    command = ["present_claims", "table", "--shown", "net", "--settings", "{}", "--seed", "3"]
    command += ["--output", *TABLE, "--tables"]
    assert main([*command, "table1_jwst.parquet"]) == 0
    assert len(read_table(TABLE[0], CLAIMS)) == 8
    name = "table1_jwst.parquet"
    assert read_provenance(TABLE[0]).inputs == {name: sha256_of(name)}
    assert main([*command, "other.parquet"]) == 2
    assert "is none of the tables that hold claims" in capsys.readouterr().err

    Path("README.md").write_text(f"# Title\n\n{BEGIN}\n{END}\n", encoding="utf-8")
    compare = ["present_claims", "compare", "--claims", TABLE[2]]
    assert main(compare) == 2
    assert "README.md: is out of step with t/claims.md in 10 lines" in capsys.readouterr().err
    assert main([*compare, "--write"]) == 0
    assert main(compare) == 0
    text = Path("README.md").read_text(encoding="utf-8")
    Path("README.md").write_text(text.replace("38.00 ± 0.50", "39.00 ± 0.50"), encoding="utf-8")
    assert main(compare) == 2
    assert main(["present_claims", "compare", "--claims", "nowhere.md"]) == 2
    assert "nowhere.md: does not exist" in capsys.readouterr().err
