"""Published weights: there and back, the size from the shapes, clear refusals."""

import json
import math
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from galrestore.cli import main
from galrestore.errors import InputError
from galrestore.networks.published import infer_size, read_published
from galrestore.networks.restormer import Restormer
from galrestore.networks.weights import load_network, read_provenance
from galrestore.provenance import sha256_of

DATA = Path(__file__).resolve().parent.parent / "data"
SIZE = {
    "dim": 8,
    "num_blocks": (1, 2, 1, 2),
    "num_refinement_blocks": 1,
    "heads": (1, 2, 4, 8),
    "ffn_expansion_factor": 2.66,
}


@pytest.fixture
def state():
    """The network of the test vectors, as another program wrote it."""
    with np.load(DATA / "restormer_vectors.npz") as archive:
        return OrderedDict(
            (key[7:], torch.from_numpy(archive[key]))
            for key in archive
            if key.startswith("weight/")
        )


def save(state, path, entry="params"):
    torch.save({entry: state}, path)
    return path


def test_conversion_keeps_every_weight_and_the_output(state, tmp_path):
    published, weights = save(state, tmp_path / "published.pth"), tmp_path / "out.safetensors"
    assert main(["weights", "convert", str(published), str(weights)]) == 0
    network = load_network(weights, "restormer", SIZE)
    found = network.state_dict()
    assert list(found) == list(state)
    for name, value in state.items():
        assert torch.equal(found[name], value.float()), name
    with np.load(DATA / "restormer_vectors.npz") as archive:
        image, expected = archive["input"], archive["output"]
    with torch.no_grad():
        output = network.double()(torch.from_numpy(image).double())
    np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-9)
    assert read_provenance(weights).inputs == {str(published): sha256_of(published)}


def test_published_keys_and_shapes_give_the_size_of_the_paper():
    lines = (DATA / "restormer_keys.tsv").read_text().splitlines()[1:]
    shapes = dict(line.split("\t") for line in lines)
    assert len(shapes) == 406
    state = {
        name: torch.empty([int(n) for n in shape.split(",")], device="meta")
        for name, shape in shapes.items()
    }
    size = infer_size(state)
    assert size == {
        "dim": 48,
        "num_blocks": (4, 6, 6, 8),
        "num_refinement_blocks": 4,
        "heads": (1, 2, 4, 8),
        "ffn_expansion_factor": 2.66,
    }


@pytest.mark.parametrize("factor", [1.0, 2.0, 2.5, 2.66, 4 / 3, 3.1])
@pytest.mark.parametrize("dim", [4, 6, 16])
def test_expansion_found_gives_the_same_hidden_channels(factor, dim):
    with torch.device("meta"):
        state = Restormer(**{**SIZE, "dim": dim, "heads": (1,) * 4, "ffn_expansion_factor": factor})
    found = infer_size(state.state_dict())["ffn_expansion_factor"]
    channels = [dim * 2**level for level in range(4)]
    assert [int(found * c) for c in channels] == [int(factor * c) for c in channels]


def test_show_says_what_the_file_holds(state, tmp_path, capsys):
    published, weights = save(state, tmp_path / "a.pth"), tmp_path / "a.safetensors"
    main(["weights", "convert", str(published), str(weights), "--lineage", "galsim-jwst"])
    assert main(["weights", "show", str(weights)]) == 0
    text = capsys.readouterr().out
    lines = dict(line.split(": ", 1) for line in text.splitlines() if line[0].isalpha())
    assert lines["architecture"] == "restormer"
    assert json.loads(lines["size"])["dim"] == 8
    parameters = sum(math.prod(value.shape) for value in state.values())
    assert lines["parameters"] == f"{parameters:,}"
    assert lines["lineage"] == "galsim-jwst"
    assert sha256_of(published) in text


def without(state, name):
    del state[name]


def changed(state, name, value):
    state[name] = value


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: without(s, "patch_embed.proj.weight"), "lacks .*patch_embed.proj.weight"),
        (lambda s: without(s, "latent.1.norm2.body.weight"), "lacks .*latent.1.norm2.body.weight"),
        (lambda s: changed(s, "head.weight", torch.ones(2)), "unknown entry, head.weight"),
        (lambda s: changed(s, "output.bias", torch.ones(1)), "bias, output.bias"),
        (lambda s: changed(s, "output.weight", torch.ones(3, 16, 3, 3)), r"output.weight.*\(3, 16"),
        (lambda s: changed(s, "patch_embed.proj.weight", torch.ones(8, 3, 3, 3)), r"\(8, 3, 3, 3"),
        (lambda s: s["refinement.0.norm1.body.weight"].fill_(torch.nan), "refinement.0.*finite"),
        (lambda s: changed(s, "output.weight", [1.0]), "output.weight is no tensor"),
        (lambda s: changed(s, "output.weight", torch.ones(1, 16, 3, 3).int()), "output.weight"),
        (lambda s: changed(s, "latent.0.attn.temperature", torch.tensor(1.0)), "temperature"),
        (lambda s: changed(s, "latent.0.attn.temperature", torch.ones(7, 1, 1)), "heads"),
        (
            lambda s: changed(s, "latent.0.ffn.project_out.weight", torch.ones(64, 9, 1, 1)),
            "hidden channels .*9",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(spoil, words, state, tmp_path):
    spoil(state)
    path = save(state, tmp_path / "spoilt.pth")
    with pytest.raises(InputError, match=f"spoilt.pth.*{words}"):
        read_published(path)


def test_other_files_are_refused(state, tmp_path):
    path = tmp_path / "other.pth"
    with pytest.raises(InputError, match="does not exist"):
        read_published(path)
    for content in ({"state": state}, [1, 2], torch.ones(3), {"params": [1]}):
        torch.save(content, path)
        with pytest.raises(InputError, match="no entry 'params'"):
            read_published(path)
    whole = save(state, path).read_bytes()
    for content in (b"", b"<html>", whole[: len(whole) // 2], whole[:100]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no file of weights"):
            read_published(path)


class Command:
    """Unpickling this would run a command."""

    def __reduce__(self):
        return (print, ("ran",))


def test_code_in_a_pickle_does_not_run(tmp_path, capsys):
    path = tmp_path / "code.pth"
    torch.save({"params": Command()}, path)
    with pytest.raises(InputError, match="no file of weights"):
        read_published(path)
    assert "ran" not in capsys.readouterr().out


def test_a_refusal_is_one_line_and_leaves_no_file(tmp_path):
    (tmp_path / "a.pth").write_bytes(b"nothing")
    done = subprocess.run(
        [sys.executable, "-m", "galrestore", "weights", "convert", "a.pth", "b.safetensors"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "a.pth" in done.stderr
    assert not (tmp_path / "b.safetensors").exists()
