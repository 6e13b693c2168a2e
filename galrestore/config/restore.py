"""Settings of stages ``restore`` and ``tune``: baselines and inference."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from galrestore.config.base import Section, setting
from galrestore.config.mosaic import Name
from galrestore.weights import checkpoint_file

__all__ = ["BASELINES", "Restore", "Tune"]

BASELINES = ("none", "wiener", "richardson_lucy", "starlet_rl", "sparse")

Baseline = Literal["none", "wiener", "richardson_lucy", "starlet_rl", "sparse"]
Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0)]


class Restore(Section):
    """Restoration of the test sets, by networks and by baselines (stage ``restore``)."""

    baselines: tuple[Baseline, ...] = setting(
        BASELINES, "Methods without training, none of which sees the GT.", unit="", paper="Table 1"
    )
    checkpoints: dict[Name, str] = setting(
        {},
        "Networks trained elsewhere, by name: safetensors files (galrestore weights convert makes "
        "them of other checkpoints), or shipped for the weights that the package has.",
        unit="",
        paper="-",
        exclude=True,  # each is an input of its own rules: the others must not rerun for it
    )
    tuned: bool = setting(
        True,
        "Take the baselines' parameters from stage tune; false: those below.",
        unit="",
        paper="-",
    )
    wiener_noise_factor: float = setting(
        1.0, "Wiener filter: factor on the power of the noise.", unit="", paper="-", ge=0
    )
    richardson_lucy_background: float = setting(
        3.0, "Richardson-Lucy: background under the image.", unit="sigma", paper="-", ge=0
    )
    richardson_lucy_iterations: int = setting(
        5, "Richardson-Lucy: iterations.", unit="", paper="-", ge=1
    )
    starlet_rl_threshold: float = setting(
        3.5, "Starlet filter before Richardson-Lucy: threshold.", unit="sigma", paper="-", ge=0
    )
    starlet_rl_iterations: int = setting(
        5, "Richardson-Lucy after the starlet filter: iterations.", unit="", paper="-", ge=1
    )
    sparse_threshold: float = setting(
        0.7,
        "Sparse deconvolution: threshold of the starlet coefficients in each step.",
        unit="sigma",
        paper="-",
        ge=0,
    )
    sparse_iterations: int = setting(
        5, "Sparse deconvolution: iterations.", unit="", paper="-", ge=1
    )
    self_ensemble: bool = setting(
        False,
        "Networks restore each image in its eight orientations, and the mean is taken (eight "
        "times the work).",
        unit="",
        paper="-",
    )
    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "Where networks restore.", unit="", paper="-"
    )
    batch_size: int = setting(16, "Stamps a network restores at once.", unit="", paper="-", ge=1)
    threads: int = setting(1, "CPU threads of the arithmetic.", unit="", paper="-", ge=1)

    @field_validator("checkpoints")
    @classmethod
    def _known(cls, checkpoints):
        for name in checkpoints.values():
            checkpoint_file(name)
        return checkpoints


class Tune(Section):
    """Choice of the baselines' parameters on validation stamps (stage ``tune``)."""

    stamps: int = setting(256, "Most validation stamps to use.", unit="", paper="-", ge=1)
    noise_classes: int = setting(
        3, "Classes of noise in LQ with parameters of their own.", unit="", paper="-", ge=1
    )
    wiener_noise_factor: tuple[NonNegative, ...] = setting(
        (0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0),
        "Wiener filter: factors on the power of the noise to try, rising.",
        unit="",
        paper="-",
        min_length=1,
    )
    richardson_lucy_background: tuple[NonNegative, ...] = setting(
        (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0),
        "Richardson-Lucy: backgrounds to try, rising.",
        unit="sigma",
        paper="-",
        min_length=1,
    )
    starlet_rl_threshold: tuple[NonNegative, ...] = setting(
        (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
        "Starlet filter before Richardson-Lucy: thresholds to try, rising.",
        unit="sigma",
        paper="-",
        min_length=1,
    )
    sparse_threshold: tuple[NonNegative, ...] = setting(
        (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.4),
        "Sparse deconvolution: thresholds to try, rising.",
        unit="sigma",
        paper="-",
        min_length=1,
    )
    iterations: tuple[Positive, ...] = setting(
        (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20),
        "Iterations to try, rising; the Wiener filter has none.",
        unit="",
        paper="-",
        min_length=1,
    )

    @model_validator(mode="after")
    def _rising(self):
        for name, value in self:
            if isinstance(value, tuple) and list(value) != sorted(set(value)):
                msg = f"tune.{name} must rise, got {value}"
                raise ValueError(msg)
        return self
