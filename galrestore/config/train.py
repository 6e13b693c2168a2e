"""Settings of stage ``train``: network, schedule and phases."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from galrestore.config.base import Section, setting

__all__ = ["Network", "Train"]

Positive = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TrainingSet = Literal["galsim", "jwst"]


class Network(Section):
    """Size of the Restormer; the defaults are the paper's."""

    dim: int = setting(48, "Channels of level 1.", unit="", paper="2.4", ge=1)
    num_blocks: tuple[Positive, Positive, Positive, Positive] = setting(
        (4, 6, 6, 8), "Transformer blocks of levels 1 to 4.", unit="", paper="2.4"
    )
    num_refinement_blocks: int = setting(
        4, "Transformer blocks of the refinement.", unit="", paper="2.4", ge=0
    )
    heads: tuple[Positive, Positive, Positive, Positive] = setting(
        (1, 2, 4, 8), "Attention heads of levels 1 to 4.", unit="", paper="2.4"
    )
    ffn_expansion_factor: float = setting(
        2.66, "Expansion of the feed-forward network.", unit="", paper="2.4", gt=0
    )


class Train(Section):
    """Network, schedule and phases (stage ``train``)."""

    network: Network = setting(Network(), "Size of the network.", unit="", paper="2.4")
    variants: dict[Name, tuple[TrainingSet, ...]] = setting(
        {
            "galsim": ("galsim", "galsim"),
            "jwst": ("jwst", "jwst"),
            "transfer": ("galsim", "jwst"),
        },
        "Models of Table 1: the set of each phase, in order. Phases shared by models are "
        "trained once.",
        unit="",
        paper="Table 1",
        min_length=1,
    )
    iterations: int = setting(150_000, "Optimiser steps of a phase.", unit="", paper="2.4", ge=1)
    batch_size: int = setting(64, "Stamps of a step.", unit="", paper="2.4", ge=1)
    micro_batch: int = setting(
        64, "Stamps in memory at once; gradients accumulate.", unit="", paper="-", ge=1
    )
    learning_rate: float = setting(3e-4, "Largest learning rate.", unit="", paper="2.4", gt=0)
    learning_rate_end: float = setting(1e-6, "Last learning rate.", unit="", paper="2.4", ge=0)
    schedule: Literal["code", "paper"] = setting(
        "code",
        "code: each phase fixed, then cosine, as in the authors' files; paper: one cosine "
        "over all phases.",
        unit="",
        paper="2.4",
    )
    fixed_fraction: float = setting(
        46 / 150,
        "Schedule `code`: part of a phase at the largest rate.",
        unit="",
        paper="-",
        ge=0,
        lt=1,
    )
    betas: tuple[float, float] = setting((0.9, 0.999), "AdamW's betas.", unit="", paper="2.4")
    weight_decay: float = setting(1e-4, "AdamW's weight decay.", unit="", paper="2.4", ge=0)
    gradient_clip: float = setting(
        0.01, "Largest norm of the gradient; 0 for no clipping.", unit="", paper="-", ge=0
    )
    mixup: float = setting(
        1.2,
        "Mixup: parameter of the Beta distribution, on half of the batches; 0 for none.",
        unit="",
        paper="-",
        ge=0,
    )
    dihedral: bool = setting(True, "Random flips and quarter turns.", unit="", paper="-")
    ema: float = setting(
        0.0,
        "Decay of a running mean of the weights, which is then validated and kept; 0 for none.",
        unit="",
        paper="-",
        ge=0,
        lt=1,
    )
    validate_every: int = setting(
        2000, "Steps between validations; the best PSNR is kept.", unit="", paper="4.1", ge=1
    )
    validation_stamps: int = setting(512, "Most stamps of a validation.", unit="", paper="-", ge=1)
    device: Literal["auto", "cpu", "cuda"] = setting("auto", "Where to train.", unit="", paper="-")
    precision: Literal["32-true", "bf16-mixed"] = setting(
        "32-true", "Arithmetic, as Lightning Fabric names it.", unit="", paper="-"
    )
    threads: int = setting(
        1,
        "CPU threads of the arithmetic; part of the settings because sums depend on it.",
        unit="",
        paper="-",
        ge=1,
    )

    @model_validator(mode="after")
    def _sensible(self):
        if self.batch_size % self.micro_batch:
            msg = (
                f"train.batch_size must be a multiple of train.micro_batch, got "
                f"{self.batch_size} and {self.micro_batch}"
            )
            raise ValueError(msg)
        for name, phases in self.variants.items():
            if not phases:
                msg = f"train.variants.{name} names no training set"
                raise ValueError(msg)
            lengths = self.phases("-".join(phases))
            if self.schedule == "paper" and len(lengths) > 1:
                msg = (
                    f"train.schedule 'paper' needs models of equal length, but the phases of "
                    f"{name!r} begin models of {lengths} phases"
                )
                raise ValueError(msg)
        return self

    def phases(self, lineage):
        """
        Count the phases of the models that a phase is part of.

        Parameters
        ----------
        lineage : str
            Sets of the phase and those before it, joined by "-".

        Returns
        -------
        counts : list of int
            Phases of each model that begins with these sets, each count once, in
            rising order.
        """
        sets = tuple(lineage.split("-"))
        counts = {len(v) for v in self.variants.values() if v[: len(sets)] == sets}
        return sorted(counts)

    def lineage(self, variant):
        """
        Name the phases behind a variant.

        Parameters
        ----------
        variant : str
            Name of a model of Table 1.

        Returns
        -------
        lineage : str
            Sets of its phases joined by "-", such as ``"galsim-jwst"``: the folder of
            the model below ``results/models``.
        """
        return "-".join(self.variants[variant])
