"""Truth: one row for each simulated object, and for each hit of a mosaic."""

from galrestore.files.tables import Column

__all__ = ["TRUTH", "truth_columns"]

TRUTH = (
    Column("id", "int64", "", "object; the same whatever the extent of the sky"),
    Column("kind", "str", "", "galaxy, star or hit (cosmic ray or hot pixel)"),
    Column("mosaic", "str", "", "mosaic of a hit; empty for what is on the sky"),
    Column("ra", "float64", "deg", "right ascension"),
    Column("dec", "float64", "deg", "declination"),
    Column("r50", "float64", "arcsec", "half-light radius, major axis, of the brighter component"),
    Column("n", "float64", "", "its Sersic index; 0 for stars"),
    Column("q", "float64", "", "its axis ratio b/a"),
    Column("theta", "float64", "rad", "position angle from the column axis (west) to north"),
    Column("b_over_t", "float64", "", "share of the bulge in the light at 0.8 micron"),
    Column("disc_r50", "float64", "arcsec", "half-light radius of the disc, major axis"),
    Column("disc_n", "float64", "", "Sersic index of the disc"),
    Column("disc_q", "float64", "", "axis ratio of the disc"),
    Column("bulge_r50", "float64", "arcsec", "half-light radius of the bulge, major axis"),
    Column("bulge_n", "float64", "", "Sersic index of the bulge"),
    Column("bulge_q", "float64", "", "axis ratio of the bulge"),
    Column("knot_share", "float64", "", "share of the disc's light in knots, at 0.8 micron"),
    Column("n_knots", "int64", "", "number of knots"),
    Column("companion_of", "int64", "", "galaxy that this one accompanies; -1 for none"),
)


def truth_columns(mosaics):
    """
    Return the contract of the truth of some mosaics.

    Parameters
    ----------
    mosaics : iterable of str
        Names of the simulated mosaics.

    Returns
    -------
    columns : tuple of Column
        `TRUTH` and ``magnitude_<mosaic>`` for each mosaic in the order of the names:
        total AB magnitude in its band, for a hit that of its charge, NaN elsewhere.
    """
    return TRUTH + tuple(
        Column(f"magnitude_{name}", "float64", "mag(AB)", f"total magnitude in {name}")
        for name in sorted(mosaics)
    )
