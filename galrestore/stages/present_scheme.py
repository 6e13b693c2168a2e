"""Stage ``present_scheme``: figures that are drawn from the settings alone."""

from pathlib import Path

import numpy as np

from galrestore.config import Train
from galrestore.config.train import Phase
from galrestore.figures import fig01_architecture, fig02_training
from galrestore.figures.style import save
from galrestore.networks.counting import count_parameters
from galrestore.stages.common import add_common_arguments, provenance
from galrestore.training.schedule import learning_rate

# Steps at which learning rates are drawn, most of them.
_MOST = 2000


def add_arguments(parser):
    """Declare the files and settings of each figure."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    fig01 = _kind(kinds, "fig01", _fig01, "Figure 1: the network")
    fig01.add_argument("--variant", required=True, help="variant whose network is shown")
    _kind(kinds, "fig02", _fig02, "Figure 2: the phases of training")


def _kind(kinds, name, make, text):
    parser = kinds.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--output", type=Path, nargs=2, required=True, metavar=("PDF", "PNG"), help="files"
    )
    add_common_arguments(parser, Train)
    parser.set_defaults(make=make)
    return parser


def run(args):
    """Run the stage."""
    args.make(args)


def _fig01(args):
    name = args.settings.variants[args.variant].network
    network = args.settings.networks[name]
    parameters = count_parameters(network.architecture, network.size())
    figure, caption = fig01_architecture.draw(name, network.model_dump(), parameters)
    save(figure, caption, *args.output, provenance(args, []))


def _fig02(args):
    train = args.settings
    variants = {name: variant.model_dump() for name, variant in train.variants.items()}
    recipes = {model: train.recipe(*model.split("/")).model_dump() for model in train.models()}
    rates = {name: _rates(train, variant) for name, variant in train.variants.items()}
    figure, caption = fig02_training.draw(variants, recipes, rates)
    save(figure, caption, *args.output, provenance(args, []))


def _rates(train, variant):
    """Return the steps of all phases together, and their learning rates."""
    steps, rates, before = [], [], 0
    for k in range(len(variant.sets)):
        lineage = "-".join(variant.sets[: k + 1])
        phase = Phase.model_validate_json(train.phase(variant.network, lineage))
        own = np.unique(np.linspace(0, phase.iterations - 1, _MOST).astype(int))
        steps.append(before + own)
        before += phase.iterations
        rates.append([learning_rate(int(step), phase) for step in own])
    return np.concatenate(steps), np.concatenate(rates)
