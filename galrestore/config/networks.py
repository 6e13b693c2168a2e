"""Settings of the networks: one closed model per architecture."""

from typing import Annotated, Literal

from pydantic import Field

from galrestore.config.base import Section, setting

__all__ = ["NAFNet", "Network", "Restormer", "UNet"]

Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]


class _Architecture(Section):
    """A network of a named architecture."""

    architecture: str

    def size(self):
        """Return the arguments with which the network is built, a dict."""
        return self.model_dump(exclude={"architecture"})


class Restormer(_Architecture):
    """Restormer (Zamir et al. 2022), the paper's network; the defaults are the paper's."""

    architecture: Literal["restormer"] = setting(
        "restormer",
        "restormer: transformer blocks with attention over channels.",
        unit="",
        paper="2.1",
    )
    dim: int = setting(48, "Restormer: channels of level 1.", unit="", paper="2.4", ge=1)
    num_blocks: tuple[Positive, Positive, Positive, Positive] = setting(
        (4, 6, 6, 8), "Restormer: transformer blocks of levels 1 to 4.", unit="", paper="2.4"
    )
    num_refinement_blocks: int = setting(
        4, "Restormer: transformer blocks of the refinement.", unit="", paper="2.4", ge=0
    )
    heads: tuple[Positive, Positive, Positive, Positive] = setting(
        (1, 2, 4, 8), "Restormer: attention heads of levels 1 to 4.", unit="", paper="2.4"
    )
    ffn_expansion_factor: float = setting(
        2.66, "Restormer: expansion of the feed-forward network.", unit="", paper="2.4", gt=0
    )


class NAFNet(_Architecture):
    """NAFNet (Chen et al. 2022): a gated convolutional U-Net without attention."""

    architecture: Literal["nafnet"] = setting(
        ..., "nafnet: U-Net of gated depthwise convolutions.", unit="", paper="-"
    )
    width: int = setting(24, "NAFNet: channels of level 1.", unit="", paper="-", ge=1)
    encoder_blocks: tuple[Count, ...] = setting(
        (1, 1, 2), "NAFNet: blocks of each level on the way down.", unit="", paper="-", min_length=1
    )
    middle_blocks: int = setting(4, "NAFNet: blocks at the bottom.", unit="", paper="-", ge=0)
    decoder_blocks: tuple[Count, ...] = setting(
        (1, 1, 1),
        "NAFNet: blocks of each level on the way up, the lowest first.",
        unit="",
        paper="-",
        min_length=1,
    )


class UNet(_Architecture):
    """Plain U-Net (Ronneberger et al. 2015), residual."""

    architecture: Literal["unet"] = setting(
        ..., "unet: U-Net of plain convolutions.", unit="", paper="-"
    )
    width: int = setting(16, "U-Net: channels of level 1.", unit="", paper="-", ge=1)
    levels: int = setting(
        4, "U-Net: resolutions; the channels double from one to the next.", unit="", paper="-", ge=1
    )


Network = Annotated[Restormer | NAFNet | UNet, Field(discriminator="architecture")]
