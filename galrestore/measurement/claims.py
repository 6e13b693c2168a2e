"""
The paper's claims beside the figures of a run, taken from the run's tables.

References
----------
Park et al. (2024), ApJ 972, 45 (arXiv 2404.00102v2).
"""

import numpy as np
import pandas as pd

from galrestore.measurement.claims_limits import limit_claims
from galrestore.measurement.claims_rows import claim, with_error
from galrestore.measurement.published import TABLE1, TABLE1_SET
from galrestore.measurement.published_shapes import PUBLISHED_SHAPES

__all__ = ["gather_claims"]

_OWN_SKY = "stamps and depth are those of this run's sky, not of the paper's fields"
_TRAINED = (
    "network, steps and stamps are this run's, and PSNR and SSIM mostly count the zero point of "
    "min-max normalisation"
)
_UNTRAINED = "depends on the noise and on min-max normalisation of this run's stamps alone"
_SHAPE = (
    "depends on network, steps and galaxies, and the RMSE on the few that no Sersic profile or "
    "no stamp holds (docs/judge.md)"
)
_FLUX = "RS takes its scale from LQ, whose noise therefore stays in its flux (docs/judge.md)"
# Where the paper says so, and why ours may deviate, by quantity of a scatter.
_SCATTERS = {
    "n": ("abstract, 4.3", _SHAPE),
    "r50": ("abstract, 4.3", _SHAPE),
    "log i50": ("4.3", _SHAPE),
    "log isophotal flux": ("abstract (4.4: 2.2)", _FLUX),
    "log aperture flux": ("4.4", _FLUX),
    "pixel": ("4.4", _SHAPE),
}
_STAMPS = {"hst": (66_092, "3.1"), "jwst": (113_485, "3.3")}
_PROXIES = {
    "single_epoch": ("single-epoch HST stamps restored, against the multi-epoch mosaic", "5.1"),
    "multi_epoch": ("HST mosaic restored, against NIRCam", "5.2"),
}


def gather_claims(tables, shown):
    """
    Set this run's figures beside what the paper claims.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Tables of the run by file name without suffix: ``table1_<set>``, ``selection``,
        ``population``, ``morphology_jwst``, ``photometry_jwst``, ``limits_<what>``.  Claims
        on tables that are not there are left out.
    shown : str
        Method whose restored images stand for the paper's network.

    Returns
    -------
    claims : pandas.DataFrame
        One row a claim (contract `CLAIMS`).
    """
    rows = []
    if "selection" in tables:
        rows += _counts(tables["selection"])
    if "population" in tables:
        rows += _population(tables["population"])
    if f"table1_{TABLE1_SET}" in tables:
        rows += _scores(tables[f"table1_{TABLE1_SET}"])
    compared = [
        table[table["rescale"] != "paper"].assign(file=f"tables/{name}.md")
        for name, table in tables.items()
        if name in ("morphology_jwst", "photometry_jwst")
    ]
    if compared:
        rows += _shapes(pd.concat(compared), shown)
    for name in _PROXIES:
        if f"table1_{name}" in tables:
            rows += _proxy(tables[f"table1_{name}"], name, shown)
    rows += limit_claims(tables, shown)
    return pd.DataFrame(rows)


def _counts(table):
    for telescope, (published, section) in _STAMPS.items():
        own = table[(table["mosaic"] == f"all {telescope}") & (table["criterion"] == "accepted")]
        mosaics = table.loc[table["telescope"] == telescope, "mosaic"].nunique()
        yield claim(
            f"{telescope.upper()} stamps",
            section,
            published,
            float(own["first"].sum()),
            decimals=0,
            setting=f"{mosaics - ('all ' + telescope in set(table['mosaic']))} mosaics",
            file="tables/selection.md",
            reason=_OWN_SKY,
        )


def _population(table):
    own = table[table["statistic"] == "ks_distance"]
    worst = own.loc[own["bounded"].idxmax()]
    yield claim(
        "GalSim population distributed as the HST fits: largest distance of the marginals",
        "3.2, Fig. 4",
        "similar",
        float(worst["bounded"]),
        decimals=3,
        also=f"in {worst['first']}",
        setting=f"{len(own)} quantities, Kolmogorov-Smirnov",
        file="tables/population.md",
    )


def _scores(table):
    """Table 1, and the gain by transfer learning that the paper derives from it."""
    for row in table[table["label"].isin(TABLE1)].to_dict("records"):
        untrained = row["label"] == "no training"
        about = {
            "setting": f"{row['label']}, {row['n']} test images",
            "file": f"tables/table1_{TABLE1_SET}.md",
            "reason": _UNTRAINED if untrained else _TRAINED,
        }
        matched = with_error(row["psnr_matched"], row["psnr_matched_error"], 2)
        source = with_error(row["nrmse_source"], row["nrmse_source_error"], 3)
        yield claim(
            f"PSNR [dB], {row['label']}",
            "Table 1",
            row["paper_psnr"],
            row["psnr"],
            row["psnr_error"],
            decimals=2,
            also=f"affine-matched {matched}",
            **about,
        )
        yield claim(
            f"SSIM, {row['label']}",
            "Table 1",
            row["paper_ssim"],
            row["ssim"],
            row["ssim_error"],
            decimals=3,
            also=f"NRMSE on the source {source}",
            **about,
        )
    yield from _gain(table)


def _gain(table):
    rows = table.set_index("label")
    alone, both, none = "JWST", "GalSim -> JWST", "no training"
    if not {alone, both, none} <= set(rows.index):
        return
    for score in ("psnr", "ssim"):
        k = ("psnr", "ssim").index(score)
        published = (TABLE1[both][k] - TABLE1[alone][k]) / TABLE1[none][k]
        unit = rows.loc[none, score]
        gain = (rows.loc[both, score] - rows.loc[alone, score]) / unit
        # The table holds the paired difference to the best method alone.
        best = rows[score].idxmax()
        other = {alone: both, both: alone}.get(best)
        error = rows.loc[other, f"{score}_to_best_error"] / unit if other else np.nan
        yield claim(
            f"{score.upper()} gained by GalSim before JWST [% of no training]",
            "4.1",
            100 * published,
            100 * gain,
            100 * error,
            decimals=2,
            setting=f"{rows.loc[both, 'n']} test images, paired",
            file=f"tables/table1_{TABLE1_SET}.md",
            reason="what transfer learning is worth depends on steps and on the number of stamps",
        )


def _shapes(table, shown):
    restored = table[table["image"] == shown].set_index("quantity")
    low = table[table["image"] == "LQ"].set_index("quantity")
    for quantity, (place, reason) in _SCATTERS.items():
        if quantity not in restored.index:
            continue
        row = restored.loc[quantity]
        yield claim(
            f"scatter of {quantity}, LQ's over RS's",
            place,
            PUBLISHED_SHAPES[quantity][1],
            row["rmse_ratio"],
            row["rmse_ratio_error"],
            decimals=2,
            also=f"RMSE; MAD {with_error(row['mad_ratio'], row['mad_ratio_error'], 2)}",
            reason=reason,
            **_about(row),
        )
    statistics = (
        ("n", "pearson", "Pearson r of n", 0.61, 0.90, "4.3"),
        ("pixel", "slope", "slope of pixels", "below 1", 1.0, "4.4"),
        ("e1", "slope", "slope of e1", "below 1: rounder", "nearly 1", "4.3"),
    )
    for quantity, name, text, paper_low, paper_restored, section in statistics:
        for image, rows, published in (("LQ", low, paper_low), ("RS", restored, paper_restored)):
            if quantity in rows.index and quantity in low.index:
                row = rows.loc[quantity]
                yield claim(
                    f"{text} in {image} against GT",
                    section,
                    published,
                    row[name],
                    row[f"{name}_error"],
                    decimals=3,
                    reason=_SHAPE if image == "RS" else _OWN_SKY,
                    holds=row[name] + 2 * row[f"{name}_error"] < 1
                    if image == "LQ"
                    else abs(1 - row[name]) < abs(1 - low.loc[quantity, name]),
                    **_about(row),
                )


def _about(row):
    return {"setting": f"{row['label']}, {row['count']} test images", "file": row["file"]}


def _proxy(table, name, shown):
    rows = table.set_index("method")
    if shown not in rows.index:
        return
    text, section = _PROXIES[name]
    row = rows.loc[shown]
    also = ""
    if "none" in rows.index:
        none = rows.loc["none"]
        also = f"LQ {with_error(none['psnr_matched'], none['psnr_matched_error'], 2)}"
    yield claim(
        f"{text}: affine-matched PSNR [dB]",
        section,
        "sharper, less noisy",
        row["psnr_matched"],
        row["psnr_matched_error"],
        decimals=2,
        also=also,
        setting=f"{row['label']}, {row['n']} stamps",
        file=f"tables/table1_{name}.md",
    )
