"""Claims of section 6, appendix A and the outlook, from the tables of the limits."""

import numpy as np

from galrestore.measurement.claims_rows import claim, with_error

__all__ = ["limit_claims", "noise_of_half_failing"]

_FAILING = (
    "thresholds of a failure are settings (limits.failures), galaxies and network are this run's"
)
_BLANK = "the least noisy of the images as drawn resemble no min-max normalised image"


def limit_claims(tables, shown):
    """
    Set the limits of this run beside the paper's.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Tables ``limits_<what>`` of the run; claims on missing ones are left out.
    shown : str
        Method that stands for the paper's network.

    Returns
    -------
    rows : list of dict
        Contract `CLAIMS`.
    """
    parts = {
        "failures": _failures,
        "stars": _stars,
        "drizzle": _drizzle,
        "blanks": _blanks,
        "shear": _shear,
    }
    rows = []
    for what, make in parts.items():
        table = tables.get(f"limits_{what}")
        if table is not None:
            own = table[table["method"] == shown]
            rows += [claim(*row[0], file=f"tables/limits_{what}.md", **row[1]) for row in make(own)]
    return rows


def noise_of_half_failing(noise, rate):
    """
    Interpolate the noise at which half of the images fail.

    Parameters
    ----------
    noise : ndarray, shape (N,)
        Noise of the classes, rising.
    rate : ndarray, shape (N,)
        Part that fails in each.

    Returns
    -------
    noise : float
        Where the rate first passes one half, between two classes linearly; NaN if it does not.
    """
    noise, rate = np.asarray(noise, dtype=float), np.asarray(rate, dtype=float)
    above = np.flatnonzero(rate >= 0.5)
    if len(above) == 0 or above[0] == 0:
        return np.nan
    k = above[0]
    return float(np.interp(0.5, rate[k - 1 : k + 1], noise[k - 1 : k + 1]))


def _failures(table):
    ladder = table[(table["set"] == "ladder") & (table["kind"] == "any")].sort_values("noise")
    half, early, late = (
        noise_of_half_failing(ladder["noise"], ladder[name]) for name in ("rate", "high", "low")
    )
    if len(ladder) == 0:
        return
    published = ("noise of LQ beyond which failures are frequent (half fail)", "6.1", 0.1)
    about = {
        "decimals": 3,
        "also": "; ".join(f"{row.rate:.0%} at {row.noise:.3g}" for row in ladder.itertuples()),
        "setting": f"{ladder['images'].iloc[0]} galaxies under rising noise",
        "reason": _FAILING,
    }
    yield (*published, half, (late - early) / 2), about


def _stars(table):
    for row in table.itertuples():
        yield (
            (f"width of restored stars over GT's, PSF of {row.source}", "6.2")
            + ("more extended", row.ratio, row.ratio_error),
            {
                "decimals": 3,
                "setting": f"{row.n} stars, FWHM of the stacks",
                "holds": row.ratio - 2 * row.ratio_error > 1,
                "reason": "networks other than the paper's need not widen stars",
            },
        )


def _drizzle(table):
    said = {"square": "artefacts", "lanczos3": "fewer artefacts"}
    added = table.set_index("kernel")["outskirts_to_white"]
    for row in table[table["kernel"].isin(said)].itertuples():
        outskirts = with_error(row.outskirts, row.outskirts_error, 4)
        yield (
            (f"error off the source that the {row.kernel} kernel adds to RS [GT's range]", "6.3")
            + (said[row.kernel], row.outskirts_to_white, row.outskirts_to_white_error),
            {
                "decimals": 4,
                "also": f"of {outskirts} in all",
                "setting": f"{row.n} galaxies, against exposures without dithers",
                "holds": row.outskirts_to_white > 2 * row.outskirts_to_white_error
                if row.kernel == "square"
                else row.outskirts_to_white < added.get("square", np.nan),
                "reason": "kernels, dithers and network are this run's",
            },
        )


def _blanks(table):
    for row in table[table["by"] == "all"].itertuples():
        normalised = row.set == "blanks"
        drawn = "min-max normalised" if normalised else "as drawn"
        error = row.rs_sources**0.5 if row.rs_sources else np.nan
        yield (
            (f"sources in 10,000 restored images of noise, {drawn}", "A")
            + (0, 10_000 * row.rs_sources / row.n, 10_000 * error / row.n),
            {
                "decimals": 0,
                "also": f"{row.rs_sources} in {row.n}",
                "setting": f"{row.n} images, above the noise of LQ",
                "reason": _BLANK,
            },
        )


def _shear(table):
    for row in table[(table["image"] == "RS") & (table["estimator"] == "fit")].itertuples():
        yield (
            (f"multiplicative bias of shear in RS, component {row.component}", "7")
            + ("hoped to be small", row.m, row.m_error),
            {"decimals": 3, "setting": f"ring test of {row.n} galaxies, Sersic fits"},
        )
