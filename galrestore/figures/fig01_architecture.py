"""Figure 1: the network as it is configured."""

from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from galrestore.figures.style import BLUE, VERMILION, WIDTH, style

__all__ = ["Level", "draw", "levels_of"]

_GREY = "0.35"
_WIDTH, _HEIGHT = 1.5, 0.62


class Level(NamedTuple):
    """
    Blocks of one box of the diagram.

    Attributes
    ----------
    side : str
        ``"down"``, ``"bottom"``, ``"up"`` or ``"end"`` (refinement).
    depth : int
        Level, from 0 at full resolution.
    blocks : int
        Number of blocks.
    channels : int
        Channels at the box's exit.
    note : str
        What else is to be said, such as the heads.
    """

    side: str
    depth: int
    blocks: int
    channels: int
    note: str


def levels_of(network):
    """
    List the boxes of a network's diagram.

    Parameters
    ----------
    network : dict
        Settings of the network, with ``architecture``.

    Returns
    -------
    levels : list of Level
        In the order in which light passes them.
    """
    return _LEVELS[network["architecture"]](network)


def _restormer(network):
    dim, blocks, heads = (network[name] for name in ("dim", "num_blocks", "heads"))
    notes = [f"{count} head{'s' if count > 1 else ''}" for count in heads]
    channels = [dim * 2**k for k in range(len(blocks))]
    last = len(blocks) - 1
    down = [Level("down", k, blocks[k], channels[k], notes[k]) for k in range(last)]
    bottom = Level("bottom", last, blocks[last], channels[last], notes[last])
    # On level 1 the features of both ways stay side by side: twice the channels.
    up = [Level("up", k, blocks[k], channels[max(k, 1)], notes[k]) for k in reversed(range(last))]
    end = Level("end", 0, network["num_refinement_blocks"], channels[1], notes[0])
    return [*down, bottom, *up, end]


def _nafnet(network):
    down, up = network["encoder_blocks"], network["decoder_blocks"]
    channels = [network["width"] * 2**k for k in range(len(down) + 1)]
    levels = [Level("down", k, count, channels[k], "") for k, count in enumerate(down)]
    levels.append(Level("bottom", len(down), network["middle_blocks"], channels[-1], ""))
    depths = range(len(up) - 1, -1, -1)
    return levels + [
        Level("up", k, count, channels[k], "") for k, count in zip(depths, up, strict=True)
    ]


def _unet(network):
    depth = network["levels"] - 1
    channels = [network["width"] * 2**k for k in range(depth + 1)]
    down = [Level("down", k, 1, channels[k], "") for k in range(depth)]
    bottom = Level("bottom", depth, 1, channels[depth], "")
    return [*down, bottom, *(Level("up", k, 1, channels[k], "") for k in reversed(range(depth)))]


_LEVELS = {"restormer": _restormer, "nafnet": _nafnet, "unet": _unet}
_BLOCK = {
    "restormer": "transformer block",
    "nafnet": "NAF block",
    "unet": "pair of convolutions",
}
_ABOUT = {
    "restormer": (
        "Each transformer block is attention over channels (MDTA: queries, keys and values by "
        "1 x 1 and depth-wise 3 x 3 convolutions) and a gated feed-forward network (GDFN: two "
        "branches, one through GELU)"
    ),
    "nafnet": "Each NAF block holds a gated depth-wise convolution and a gated pointwise network",
    "unet": "Each pair of convolutions has rectifiers between",
}


def draw(name, network, parameters):
    """
    Draw the diagram of a network.

    Parameters
    ----------
    name : str
        Name of the network in the settings.
    network : dict
        Its settings, with ``architecture``.
    parameters : int
        Number of trainable parameters.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Levels from left to right, resolution falling downwards.
    caption : str
        What it shows, with its numbers.
    """
    levels = levels_of(network)
    depth = max(level.depth for level in levels)
    with style():
        figure = Figure(figsize=(WIDTH["page"], 1.0 + 0.75 * (depth + 1)), layout="constrained")
        axes = figure.subplots()
        places = [(2.0 * k + 2.0, -1.15 * level.depth) for k, level in enumerate(levels)]
        for level, place in zip(levels, places, strict=True):
            _box(axes, place, level, _BLOCK[network["architecture"]])
        _flow(axes, levels, places)
        _skips(axes, levels, places)
        _ends(axes, places)
        axes.set(xlim=(-0.6, places[-1][0] + 2.7), ylim=(-1.15 * depth - 0.6, 1.25))
        axes.set_axis_off()
    return figure, _caption(name, network, levels, parameters)


def _box(axes, place, level, block):
    x, y = place
    corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
    colour = {"down": "#DCEBF5", "bottom": "#E8E8E8", "up": "#FBE6D9", "end": "#FBE6D9"}
    box = FancyBboxPatch(
        corner,
        _WIDTH,
        _HEIGHT,
        boxstyle="round,pad=0.02,rounding_size=0.08",
        facecolor=colour[level.side],
        edgecolor=_GREY,
        linewidth=0.8,
    )
    axes.add_patch(box)
    word = block.split()[-1] if block != "pair of convolutions" else "pair"
    lines = ["refinement"] if level.side == "end" else []
    lines += [f"{level.blocks} {word}{'s' if level.blocks != 1 else ''}"]
    lines += [f"{level.channels} channels", *([level.note] if level.note else [])]
    axes.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=6)


def _arrow(axes, start, end, colour=_GREY, dash="-", bend=0.0):
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            color=colour,
            linestyle=dash,
            linewidth=0.9,
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
        )
    )


def _flow(axes, levels, places):
    """Arrows from box to box: half the resolution downwards, twice upwards."""
    for k in range(len(levels) - 1):
        (x0, y0), (x1, y1) = places[k], places[k + 1]
        colour = _GREY if y0 == y1 else BLUE if y1 < y0 else VERMILION
        dx = _WIDTH / 2 + 0.04
        _arrow(axes, (x0 + dx, y0), (x1 - dx, y1), colour)


def _skips(axes, levels, places):
    down = {
        level.depth: place
        for level, place in zip(levels, places, strict=True)
        if level.side == "down"
    }
    for level, (x, y) in zip(levels, places, strict=True):
        if level.side == "up":
            start = down[level.depth]
            _arrow(
                axes,
                (start[0], start[1] + _HEIGHT / 2 + 0.03),
                (x, y + _HEIGHT / 2 + 0.03),
                dash="--",
                bend=-0.08,
            )


def _ends(axes, places):
    """Input, output, and the image that is added to the network's correction."""
    (first, y), (last, _) = places[0], places[-1]
    axes.text(0.0, y, "LQ", ha="center", va="center")
    axes.text(last + 2.2, y, "RS", ha="center", va="center")
    axes.text(last + 1.35, y, "+", ha="center", va="center", fontsize=11)
    _arrow(axes, (0.3, y), (first - _WIDTH / 2 - 0.04, y))
    _arrow(axes, (last + _WIDTH / 2 + 0.04, y), (last + 1.2, y))
    _arrow(axes, (last + 1.5, y), (last + 1.95, y))
    top = 1.05
    axes.plot([0, 0, last + 1.35], [y + 0.2, top, top], color=_GREY, linewidth=0.9)
    _arrow(axes, (last + 1.35, top), (last + 1.35, y + 0.2))
    axes.text((first + last) / 2, top + 0.04, "LQ is added", ha="center", va="bottom", fontsize=6)


def _caption(name, network, levels, parameters):
    ways = {side: [lv for lv in levels if lv.side == side] for side in ("down", "bottom", "up")}
    counts = ", ".join(str(lv.blocks) for lv in [*ways["down"], *ways["bottom"]])
    channels = ", ".join(str(lv.channels) for lv in [*ways["down"], *ways["bottom"]])
    ending = ""
    if network["architecture"] == "restormer":
        heads = ", ".join(str(count) for count in network["heads"])
        ending = (
            f"; {heads} heads, {network['num_refinement_blocks']} refinement blocks, expansion of "
            f"the feed-forward network {network['ffn_expansion_factor']:g}"
        )
    architecture = network["architecture"]
    return (
        f"The network {name} ({architecture}) as configured: {parameters:,} parameters, "
        f"{len(ways['down']) + 1} levels with {counts} blocks ({_BLOCK[architecture]}s) "
        f"and {channels} channels{ending}. {_ABOUT[architecture]}. Arrows down halve the "
        "resolution, arrows up double it; dashed arrows are skip connections; what comes out is a "
        "correction that is added to LQ."
    )
