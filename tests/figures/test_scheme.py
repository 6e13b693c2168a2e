"""Figures 1 and 2 show the networks and phases that are really built and run."""

import numpy as np
import pytest

from galrestore.config.networks import NAFNet, Restormer, UNet
from galrestore.figures import fig01_architecture, fig02_training
from galrestore.networks.architectures import build
from galrestore.networks.counting import count_parameters

SMALL = Restormer(dim=8, num_blocks=(1, 2, 3, 4), num_refinement_blocks=2, heads=(1, 2, 4, 8))


def drawn(network):
    parameters = count_parameters(network.architecture, network.size())
    return fig01_architecture.draw("mine", network.model_dump(), parameters)


def texts(figure):
    return [text.get_text() for axes in figure.findobj() for text in getattr(axes, "texts", [])]


def test_the_papers_network_has_the_papers_numbers():
    # Section 2.4; 26,109,076 parameters are those of the authors' weights.
    _, caption = drawn(Restormer())
    assert "26,109,076 parameters, 4 levels with 4, 6, 6, 8 blocks" in caption
    assert "48, 96, 192, 384 channels; 1, 2, 4, 8 heads, 4 refinement blocks" in caption
    assert "feed-forward network 2.66" in caption


def test_restormer_boxes_are_the_modules_of_the_network():
    network = build("restormer", SMALL.size())
    boxes = fig01_architecture.levels_of(SMALL.model_dump())
    seen = {}
    for name, module in network.named_modules():
        # Transformer blocks are what holds an attention with a temperature for each head.
        if name.endswith("attn"):
            level = name.split(".")[0]
            heads = module.temperature.numel()
            seen.setdefault(level, []).append((heads, module.project_out.weight.shape[0]))
    expected = [(box.blocks, int(box.note.split()[0]), box.channels) for box in boxes]
    found = [(len(blocks), *blocks[0]) for blocks in seen.values()]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("network", "boxes"),
    [(NAFNet(architecture="nafnet"), 7), (UNet(architecture="unet"), 7), (SMALL, 8)],
)
def test_every_box_is_labelled(network, boxes):
    figure, caption = drawn(network)
    labels = [text for text in texts(figure) if "channels" in text]
    assert len(set(labels)) >= 4
    assert len(fig01_architecture.levels_of(network.model_dump())) == boxes
    assert network.architecture in caption


def test_nafnet_levels_rise_again_from_the_lowest():
    network = NAFNet(architecture="nafnet", width=6, encoder_blocks=(1, 2), decoder_blocks=(3, 4))
    levels = fig01_architecture.levels_of(network.model_dump())
    assert [(level.depth, level.blocks, level.channels) for level in levels] == [
        (0, 1, 6),
        (1, 2, 12),
        (2, 4, 24),
        (1, 3, 12),
        (0, 4, 6),
    ]


def test_the_scheme_counts_phases_steps_and_rates():
    recipe = {"iterations": 2000, "batch_size": 4, "learning_rate": 3e-3}
    recipe |= {"learning_rate_end": 1e-6}
    models = ("restormer/galsim", "restormer/galsim-jwst", "restormer/jwst")
    recipes = dict.fromkeys(models, recipe) | {models[1]: recipe | {"iterations": 900}}
    variants = {
        "transfer": {"network": "restormer", "sets": ("galsim", "jwst")},
        "jwst": {"network": "restormer", "sets": ("jwst",)},
    }
    rates = {name: (np.arange(5), np.full(5, 3e-3)) for name in variants}
    figure, caption = fig02_training.draw(variants, recipes, rates)
    assert "transfer (restormer): 2,000 steps of 4 GalSim pairs, then 900 steps of 4 JWST" in (
        caption
    )
    assert "0.003 to 1e-06 (below), L1 loss" in caption
    boxes = [text for text in texts(figure) if "steps of" in text]
    assert len(boxes) >= 3
    # Variants of one schedule are one line.
    assert [t.get_text() for t in figure.subfigs[1].axes[0].get_legend().get_texts()] == [
        "transfer, jwst"
    ]
