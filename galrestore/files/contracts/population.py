"""Population: one row for each galaxy to render, drawn from the KDE."""

from galrestore.files.tables import Column

__all__ = ["POPULATION"]

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
