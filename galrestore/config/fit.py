"""Settings of stage ``fit``: Sersic profiles of the HST stamps."""

from pydantic import model_validator

from galrestore.config.base import Section, setting

__all__ = ["Fit"]


class Fit(Section):
    """Sersic fits to the selected HST stamps (stage ``fit``)."""

    index_bounds: tuple[float, float] = setting(
        (0.3, 8.0), "Range of the Sersic index.", unit="", paper="3.1"
    )
    centre_bound: float = setting(
        3.0, "Farthest centre from the detection.", unit="pixel", paper="3.1", gt=0
    )
    gaussians: int = setting(
        16, "Gaussians in the expansion of the profile.", unit="", paper="-", ge=8, le=32
    )
    maximum_iterations: int = setting(
        60, "Most steps of the least-squares solver.", unit="", paper="-", ge=5
    )

    @model_validator(mode="after")
    def _ordered(self):
        low, high = self.index_bounds
        if not 0.25 <= low < high <= 8:
            msg = f"fit.index_bounds must increase within 0.25 to 8, got {low} to {high}"
            raise ValueError(msg)
        return self
