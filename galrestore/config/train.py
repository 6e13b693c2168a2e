"""Settings of stage ``train``: networks, recipe and phases."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from galrestore.config.base import Section, setting, without_nulls
from galrestore.config.networks import Network, Restormer

__all__ = ["DEFAULT_NETWORK", "Phase", "Recipe", "Train", "Variant"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_LINEAGE = r"(galsim|jwst)(-(galsim|jwst))*"
Model = Annotated[str, Field(pattern=rf"^[a-z][a-z0-9_]*(/{_LINEAGE})?$")]
TrainingSet = Literal["galsim", "jwst"]
# The network of variants that name none.
DEFAULT_NETWORK = "restormer"


class Recipe(Section):
    """How a phase is trained, whatever the network."""

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
    warmup: int = setting(
        0, "Steps over which the learning rate rises to the schedule's.", unit="", paper="-", ge=0
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
    degrade: Literal["fixed", "online"] = setting(
        "fixed",
        "fixed: the LQ images of stage degrade; online: blur, noise and min-max drawn anew "
        "for each step, from the same distribution.",
        unit="",
        paper="-",
    )
    mixup: float = setting(
        1.2,
        "Mixup: parameter of the Beta distribution, on half of the batches; 0 for none.",
        unit="",
        paper="-",
        ge=0,
    )
    displacement: int = setting(
        0,
        "Random displacement of stamps, cyclic, 0 to so many pixels on each axis: 7 for networks "
        "that halve their images three times, which learn where on a lattice of 8 pixels "
        "galaxies lie.",
        unit="pixel",
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
    devices: int = setting(
        1, "Devices of each node, which share each batch.", unit="", paper="-", ge=1
    )
    nodes: int = setting(
        1,
        "Nodes; with more than one, start with torchrun or srun (docs/training.md).",
        unit="",
        paper="-",
        ge=1,
    )
    precision: Literal["32-true", "bf16-mixed"] = setting(
        "32-true", "Arithmetic, as Lightning Fabric names it.", unit="", paper="-"
    )
    compile: Literal["off", "default", "reduce-overhead", "max-autotune"] = setting(
        "off",
        "Mode of torch.compile; reduce-overhead uses CUDA graphs. On a CPU it pays after "
        "thousands of steps.",
        unit="",
        paper="-",
    )
    checkpointing: bool = setting(
        False,
        "Compute activations again on the way back instead of keeping them, where the "
        "network can: less memory, more time.",
        unit="",
        paper="-",
    )
    threads: int = setting(
        1,
        "CPU threads of the arithmetic; part of the settings because sums depend on it.",
        unit="",
        paper="-",
        ge=1,
    )

    @model_validator(mode="after")
    def _whole_micro_batches(self):
        if self.batch_size % self.micro_batch:
            msg = (
                f"train.batch_size must be a multiple of train.micro_batch, got "
                f"{self.batch_size} and {self.micro_batch}"
            )
            raise ValueError(msg)
        processes = self.devices * self.nodes
        if self.batch_size % processes:
            msg = (
                f"train.batch_size must be a multiple of train.devices * train.nodes, got "
                f"{self.batch_size} and {processes}"
            )
            raise ValueError(msg)
        return self


class Phase(Recipe):
    """One phase: what a job of stage ``train`` depends on, and nothing else."""

    network: Network = setting(..., "The network.", unit="", paper="2.4")
    lineage: Annotated[str, Field(pattern=rf"^{_LINEAGE}$")] = setting(
        ..., "Sets of this phase and those before it, joined by '-'.", unit="", paper="2.4"
    )
    phases: int = setting(
        1, "Schedule `paper`: phases of the model in all.", unit="", paper="2.4", ge=1
    )

    @property
    def position(self):
        """Return the number of phases before this one."""
        return self.lineage.count("-")


class Variant(Section):
    """A model of Table 1."""

    network: Name = setting(DEFAULT_NETWORK, "Name of a network.", unit="", paper="-")
    sets: tuple[TrainingSet, ...] = setting(
        ..., "Set of each phase, in order.", unit="", paper="Table 1", min_length=1
    )

    @model_validator(mode="before")
    @classmethod
    def _from_sets(cls, value: Any):
        return {"sets": value} if isinstance(value, list | tuple) else value

    @property
    def lineage(self):
        """Return the sets joined by "-", such as ``"galsim-jwst"``."""
        return "-".join(self.sets)

    @property
    def model(self):
        """Return the folder of the model below ``results/models``."""
        return f"{self.network}/{self.lineage}"


class Train(Recipe):
    """Networks, recipe and phases (stage ``train``)."""

    save_minutes: float = setting(
        10.0,
        "Time between two states from which an interrupted phase goes on; no influence on results.",
        unit="minute",
        paper="-",
        ge=0,
    )
    samples: int = setting(
        4,
        "Validation stamps shown, restored, at each validation below results/samples; 0 for none.",
        unit="",
        paper="-",
        ge=0,
    )
    retries: int = setting(
        2,
        "How often the workflow starts a phase again that was interrupted or failed.",
        unit="",
        paper="-",
        ge=0,
    )
    networks: dict[Name, Network] = setting(
        {DEFAULT_NETWORK: Restormer()},
        "Networks by name; variants that name none take the one called restormer.",
        unit="",
        paper="2.4",
        min_length=1,
    )
    recipes: dict[Model, dict[str, Any]] = setting(
        {},
        "By network, or by network and phase such as nafnet/galsim-jwst: settings of this "
        "section that differ there, such as learning_rate.",
        unit="",
        paper="-",
    )
    variants: dict[Name, Variant] = setting(
        {
            "galsim": Variant(sets=("galsim", "galsim")),
            "jwst": Variant(sets=("jwst", "jwst")),
            "transfer": Variant(sets=("galsim", "jwst")),
        },
        "Models of Table 1: the set of each phase, in order, as a list; or network and sets; "
        "null takes a model out. Phases shared by models are trained once.",
        unit="",
        paper="Table 1",
        min_length=1,
    )

    _variants = field_validator("variants", mode="before")(without_nulls)

    @model_validator(mode="after")
    def _recipes_belong_to_networks(self):
        for name in self.recipes:
            network, _, lineage = name.partition("/")
            if network not in self.networks:
                msg = f"train.recipes: no network {network!r}, there are {', '.join(self.networks)}"
                raise ValueError(msg)
            if lineage and name not in self.models():
                msg = f"train.recipes: no phase {name!r}, there are {', '.join(self.models())}"
                raise ValueError(msg)
            self.recipe(network, lineage)
        return self

    @model_validator(mode="after")
    def _variants_can_be_trained(self):
        for name, variant in self.variants.items():
            if variant.network not in self.networks:
                msg = (
                    f"train.variants.{name}.network: no network {variant.network!r}, there are "
                    f"{', '.join(self.networks)}"
                )
                raise ValueError(msg)
            lengths = self._lengths(variant.network, variant.lineage)
            recipes = [
                self.recipe(variant.network, "-".join(variant.sets[:count]))
                for count in range(1, len(variant.sets) + 1)
            ]
            if all(recipe.schedule != "paper" for recipe in recipes):
                continue
            if len(lengths) > 1:
                msg = (
                    f"train.schedule 'paper' needs models of equal length, but the phases of "
                    f"{name!r} begin models of {lengths} phases; 'code' takes any"
                )
                raise ValueError(msg)
            if any(_cosine(recipe) != _cosine(recipes[0]) for recipe in recipes):
                msg = (
                    f"train.schedule 'paper' is one cosine, but train.recipes gives the phases "
                    f"of {name!r} other iterations, rates or schedules"
                )
                raise ValueError(msg)
        return self

    def models(self):
        """
        List the phases of all variants.

        Returns
        -------
        models : list of str
            Network and sets so far of each phase, such as ``"restormer/galsim-jwst"``:
            folders below ``results/models``, each once, sorted.
        """
        return sorted(
            {
                f"{variant.network}/{'-'.join(variant.sets[: count + 1])}"
                for variant in self.variants.values()
                for count in range(len(variant.sets))
            }
        )

    def recipe(self, network, lineage=""):
        """
        Return how a phase of a network is trained.

        Parameters
        ----------
        network : str
            Name of the network.
        lineage : str, optional
            Sets of the phase and those before it, joined by "-".

        Returns
        -------
        recipe : Recipe
            The section's settings, in their place those of `recipes` for the network, and in
            theirs those for the phase.

        Raises
        ------
        pydantic.ValidationError
            If `recipes` holds an unknown setting or a bad value.
        """
        common = {name: getattr(self, name) for name in Recipe.model_fields}
        own = self.recipes.get(network, {}) | self.recipes.get(f"{network}/{lineage}", {})
        return Recipe.model_validate(common | own)

    def phase(self, network, lineage):
        """
        Return what one phase depends on.

        Parameters
        ----------
        network : str
            Name of the network.
        lineage : str
            Sets of the phase and those before it, joined by "-".

        Returns
        -------
        text : str
            JSON of a `Phase`, so that a change of other models does not rerun it.
        """
        recipe = self.recipe(network, lineage)
        # Where the schedule asks for no other phase, none has an influence.
        phases = self._lengths(network, lineage)[-1] if recipe.schedule == "paper" else 1
        return Phase(
            **recipe.model_dump(),
            network=self.networks[network],
            lineage=lineage,
            phases=phases,
        ).model_dump_json()

    def _lengths(self, network, lineage):
        """Phases of the models that begin with a lineage, each count once, rising."""
        sets = tuple(lineage.split("-"))
        return sorted(
            {
                len(variant.sets)
                for variant in self.variants.values()
                if variant.network == network and variant.sets[: len(sets)] == sets
            }
        )


def _cosine(recipe):
    """List what a cosine over all phases must have in common."""
    return recipe.schedule, recipe.iterations, recipe.learning_rate, recipe.learning_rate_end
