"""Stage ``weights``: convert published weights, or say what a file of weights holds."""

import json
import sys
from pathlib import Path

from safetensors import safe_open

from galrestore.networks.published import read_published
from galrestore.networks.weights import load_network, read_provenance, save_network
from galrestore.provenance import Provenance, fingerprint, sha256_of


def add_arguments(parser):
    """Declare the files of each action."""
    actions = parser.add_subparsers(metavar="action", required=True)
    convert = actions.add_parser("convert", help="published weights to safetensors")
    convert.add_argument("published", type=Path, help="pickle {'params': state_dict}")
    convert.add_argument("weights", type=Path, help="safetensors file to write")
    convert.add_argument(
        "--lineage", default="published", help="sets of the phases behind the weights, by '-'"
    )
    convert.set_defaults(action=_convert)
    show = actions.add_parser("show", help="architecture, size, lineage and provenance")
    show.add_argument("weights", type=Path, help="safetensors file")
    show.set_defaults(action=_show)


def run(args):
    """Run the action."""
    args.action(args)


def _convert(args):
    network, size = read_published(args.published)
    record = Provenance(
        stage=args.stage,
        code=fingerprint(f"stages.{args.stage}"),
        settings="{}",
        seed=0,
        inputs={str(args.published): sha256_of(args.published)},
    )
    save_network(args.weights, network, "restormer", size, args.lineage, record)


def _show(args):
    network = load_network(args.weights)
    record = read_provenance(args.weights)
    with safe_open(args.weights, framework="pt") as file:
        metadata = file.metadata()
    lines = {
        "architecture": metadata["architecture"],
        "size": metadata["network"],
        "parameters": f"{sum(value.numel() for value in network.parameters()):,}",
        "lineage": metadata["lineage"],
        "provenance": json.dumps(json.loads(record.to_json()), indent=2),
    }
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in lines.items()))
