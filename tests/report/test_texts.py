"""Texts of report and page: every result has its place, marks are escaped, numbers are said."""

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Environment

from galrestore.page.contents import entry_of, in_order
from galrestore.page.headlines import headlines
from galrestore.page.making import making_of
from galrestore.page.markdown import escape_rst, first_paragraph, to_html
from galrestore.page.render import render_table
from galrestore.provenance import Provenance


@pytest.mark.parametrize(
    ("path", "category", "kind", "paper", "pairs"),
    [
        ("results/figures/fig05_examples.png", "3", "Figures", "Figure 5", ""),
        ("results/figures/calibration.png", "4", "Figures", "", ""),
        ("results/tables/calibration_jwst.md", "4", "Tables", "", "jwst"),
        ("results/tables/table1_jwst.md", "3", "Tables", "Table 1", "jwst"),
        ("results/tables/table1_single_epoch.md", "5", "Tables", "Table 1", "single_epoch"),
        ("results/tables/selection_truth.md", "2", "Tables", "", ""),
        ("results/tables/morphology_my_pairs.md", "4", "Tables", "Figure 6", "my_pairs"),
    ],
)
def test_results_have_a_place(path, category, kind, paper, pairs):
    entry = entry_of(path)
    assert entry.category[0] == category
    assert (entry.kind, entry.paper, entry.pairs) == (kind, paper, pairs)


def test_unknown_results_have_none():
    with pytest.raises(KeyError):
        entry_of("results/figures/fig99_nothing.png")


def test_figures_follow_each_other_as_in_the_paper():
    names = ["fig14_blanks.png", "star_locus.png", "fig01_architecture.png", "fig05_examples.png"]
    assert in_order(names) == [names[2], names[1], names[3], names[0]]


@pytest.mark.parametrize(
    "text",
    [
        "NRMSE of 0.125 ± 0.005, *r* = |x| `b` and name_ of _this",
        "{{ 7 * 7 }} {% if x %} {# hidden #}",
        "1. not a list\n- nor this:: \\ <b>",
    ],
)
def test_captions_say_what_they_say(text):
    # The same way as Snakemake's: through Jinja, then docutils.
    rendered = Environment(trim_blocks=True).from_string(escape_rst(text)).render()
    settings = {"report_level": 1, "halt_level": 1}
    html = publish_parts(rendered, writer="html", settings_overrides=settings)["body"]
    shown = html.removeprefix("<p>").removesuffix("</p>\n")
    for sign, entity in (("<", "&lt;"), (">", "&gt;")):
        shown = shown.replace(entity, sign)
    assert shown == " ".join(text.split())


PAGE = """# Scores

Mean over 3 images,
the **best** in bold.

| method | PSNR [dB] |
| ------ | --------: |
| a <b>  | **1 ± 2** |

## More

Text.
"""


def test_markdown_becomes_html():
    html = to_html(PAGE, first_level=2)
    assert "<h2>Scores</h2>" in html
    assert "<h3>More</h3>" in html
    assert '<td style="text-align:right"><strong>1 ± 2</strong></td>' in html
    assert "a &lt;b&gt;" in html
    assert html.count('<div class="wide"') == html.count("</table>\n</div>") == 1
    assert "1\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}2" in render_table("Scores", html)


def test_the_first_paragraph_is_plain():
    assert first_paragraph(PAGE) == "Mean over 3 images, the best in bold."
    assert first_paragraph("# Only\n\n| a |\n|---|\n| 1 |\n") == ""


def table1():
    scores = ("psnr_matched", "nrmse_source", "psnr", "ssim")
    rows = {
        "none": ("no training", 31.0, 0.4, 20.0, 0.3),
        "wiener": ("Wiener", 35.0, 0.2, 30.0, 0.7),
        "sparse": ("sparse deconvolution", 39.5, 0.1, 33.0, 0.8),
        "nafnet": ("NAFNet: JWST", 40.0, 0.1, 35.0, 0.8),
        "transfer": ("GalSim -> JWST", 39.0, 0.125, 34.5, 0.79),
    }
    frame = pd.DataFrame(
        [[method, values[0], *values[1:]] for method, values in rows.items()],
        columns=["method", "label", *scores],
    )
    for score in scores:
        frame[f"{score}_error"] = 0.25
    return frame.assign(n=137, paper_psnr=np.where(frame["method"] == "transfer", 38.84, np.nan),
                        paper_ssim=0.862)  # fmt: skip


def claims(**figures):
    rows = [
        {"claim": claim, "ours": ours, "error": 0.015, "decimals": 3, "paper": 3.6,
         "also": also, "file": "tables/x.md"}
        for claim, (ours, also) in figures.items()
    ]  # fmt: skip
    columns = ["claim", "ours", "error", "decimals", "paper", "also", "file"]
    return pd.DataFrame(rows, columns=columns)


def test_scores_are_said_with_the_best_method_without_training():
    said = headlines(table1(), claims(), "transfer", ["transfer", "nafnet"])
    assert [text for text, _ in said] == [
        "On 137 test images PSNR after the best affine match is 31.00 ± 0.25 dB as degraded and "
        "39.00 ± 0.25 dB restored by the network trained on GalSim -> JWST; the best method "
        "without training, sparse deconvolution, reaches 39.50 ± 0.25 dB.",
        "The rms error on the source is 0.400 ± 0.250 of the source's rms as degraded and "
        "0.125 ± 0.250 restored.",
        "Counted as the paper does, PSNR is 34.50 ± 0.25 dB and SSIM 0.790 ± 0.250 (the paper, on "
        "its own stamps: 38.84 and 0.862); both mostly count the zero point that min-max "
        "normalisation gives.",
    ]
    assert {file for _, file in said} == {"tables/table1_jwst.md"}


def test_limits_are_said_where_the_run_has_them():
    figures = claims(
        **{
            "scatter of n, LQ's over RS's": (1.5, ""),
            "scatter of r50, LQ's over RS's": (0.5, ""),
            "noise of LQ beyond which failures are frequent (half fail)": (np.nan, ""),
            "sources in 10,000 restored images of noise, min-max normalised": (20, "2 in 1000"),
            "multiplicative bias of shear in RS, component g1": (-0.06, ""),
        }
    )
    said = headlines(table1().iloc[:0], figures, "transfer", [])
    assert [text for text, _ in said] == [
        "Restoring divides the scatter about the ground truth by 1.500 ± 0.015 in Sersic index and "
        "0.500 ± 0.015 in half-light radius (the paper: 3.6, 3.6); a number below 1 means that the "
        "scatter grows.",
        "Half of the restorations fail at no noise tried (the paper: about 0.1).",
        "Sources that the network invents in 1,000 images of noise: 2 (the paper: 0 in 10,000).",
        "Restored images are not calibrated for shear: its multiplicative bias is -0.060 ± 0.015.",
    ]


def test_making_sums_up_stages_and_tells_states_of_code_apart():
    records = [
        Provenance("select", "aa", '{"minimum_snr": 20}', 3),
        Provenance("select", "ab", '{"minimum_snr": 20}', 3),
        Provenance("fit", "cc", '{"width": 1.5}', 4),
    ]
    making = making_of(records)
    assert [stage[:3] for stage in making.stages] == [
        ("fit", 1, ["cc"]),
        ("select", 2, ["aa", "ab"]),
    ]
    assert making.stages[1].settings == ['{\n "minimum_snr": 20\n}']
    assert making.seeds == [3, 4]
    assert dict(making.software)["numpy"] == np.__version__
