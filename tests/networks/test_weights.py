"""Weights: there and back, the same bytes in each process, clear refusals."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from galrestore.errors import InputError
from galrestore.networks.architectures import fresh_network
from galrestore.networks.restormer import Restormer
from galrestore.networks.weights import load_network, read_provenance, save_network
from galrestore.provenance import Provenance

SIZE = {
    "dim": 4,
    "num_blocks": (1, 1, 1, 1),
    "num_refinement_blocks": 0,
    "heads": (1, 1, 2, 2),
    "ffn_expansion_factor": 2.0,
}
RECORD = Provenance(stage="train", code="c", settings="{}", seed=3, inputs={"a": "b"})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_network(
        path, fresh_network("restormer", SIZE, 3), "restormer", SIZE, "galsim-jwst", RECORD
    )
    return path


def test_network_comes_back_with_its_size_and_record(saved):
    network, expected = load_network(saved), fresh_network("restormer", SIZE, 3)
    assert isinstance(network, Restormer)
    assert not network.training
    for name, value in expected.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    assert read_provenance(saved) == RECORD


def test_files_of_two_processes_are_equal(saved, tmp_path):
    # The hash table behind the metadata is seeded anew in each process.
    other = tmp_path / "other.safetensors"
    code = (
        "from galrestore.networks.weights import *\n"
        "from galrestore.provenance import Provenance\n"
        f"network = load_network({str(saved)!r})\n"
        f"record = Provenance(**{RECORD.__dict__!r})\n"
        f"save_network({str(other)!r}, network, 'restormer', {SIZE!r}, 'galsim-jwst', record)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert other.read_bytes() == saved.read_bytes()


def test_another_size_is_refused(saved):
    with pytest.raises(InputError, match="another network"):
        load_network(saved, "restormer", {**SIZE, "dim": 6})
    assert load_network(saved, "restormer", SIZE) is not None


def test_missing_broken_and_foreign_files_are_refused(saved, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_network(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a safetensors file"):
        load_network(cut)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.ones(3)}, foreign)
    with pytest.raises(InputError, match="no network of galrestore"):
        load_network(foreign)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "unfit.safetensors"
    metadata = {"architecture": "restormer", "network": json.dumps(SIZE)}
    save_file({"patch_embed.proj.weight": torch.ones(4, 1, 3, 3)}, path, metadata)
    with pytest.raises(InputError, match="do not fit"):
        load_network(path)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = fresh_network("restormer", SIZE, 3)
    with torch.no_grad():
        network.output.weight[0, 0, 0, 0] = torch.nan
    path = tmp_path / "nan.safetensors"
    save_network(path, network, "restormer", SIZE, "jwst", RECORD)
    with pytest.raises(InputError, match=r"output\.weight"):
        load_network(path)
