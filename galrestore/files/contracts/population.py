"""
Population: one row for each galaxy to render, drawn from the KDE.

Its statistics: one row for each quantity, or pair of quantities, and statistic.
"""

from galrestore.files.tables import Column

__all__ = ["POPULATION", "POPULATION_STATISTICS"]

POPULATION = (
    Column("id", "int64", "", "object, 0-based"),
    Column("q", "float64", "", "axis ratio b/a"),
    Column("n", "float64", "", "Sersic index"),
    Column("flux", "float64", "", "total flux"),
    Column("r50", "float64", "pixel", "circularised half-light radius"),
    Column("noise", "float64", "", "rms that the min-max normalised LQ shall have"),
    Column("theta", "float64", "rad", "position angle, uniform in [0, pi)"),
    Column("dx", "float64", "pixel", "centre minus the stamp's, column, uniform in +-0.5"),
    Column("dy", "float64", "pixel", "centre minus the stamp's, row, uniform in +-0.5"),
)

POPULATION_STATISTICS = (
    Column("statistic", "str", "", "median, spread, ks_distance or rank_correlation"),
    Column("first", "str", "", "quantity"),
    Column("second", "str", "", "the other quantity of a correlation; empty else"),
    Column("fits", "float64", "", "among the fits; 0 for distances to them"),
    Column("drawn", "float64", "", "among 100,000 draws before bounds"),
    Column("bounded", "float64", "", "among those of them within the bounds"),
)
