"""
A bit flips in a file: it is refused with its name, or it reads as before.

A bit that no reader looks at, such as one between two structures, may flip without harm;
what must never happen is another number.
"""

import numpy as np
import pandas as pd
import pytest

from galrestore.errors import InputError
from galrestore.files import cubes, tables
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.networks.architectures import fresh_network
from galrestore.networks.weights import load_network, save_network
from galrestore.networks.weights import read_provenance as provenance_of_weights
from galrestore.provenance import Provenance
from galrestore.rng import stream

FLIPS = 300
RECORD = Provenance("measure", "ab12", '{"threshold": 1.5}', 7, {"a.fits": "00"})
IDS = np.arange(3) + 2**61
SIZE = {
    "dim": 2,
    "num_blocks": (1, 1, 1, 1),
    "num_refinement_blocks": 0,
    "heads": (1, 1, 2, 2),
    "ffn_expansion_factor": 2.0,
}


def pixels():
    return stream(1, "pixels", 0).normal(size=(3, 6, 5)).astype(np.float32)


def write_cube(path):
    cubes.write_cube(path, {"GT": pixels(), "LQ": -pixels()}, IDS, RECORD, "MJy/sr")


def read_cube(path):
    found = [cubes.read_cube(path, name).tolist() for name in ("GT", "LQ")]
    return [*found, cubes.read_ids(path).tolist(), cubes.read_provenance(path)]


def write_planes(path):
    order = [2, 0, 1]
    cubes.write_planes(path, "STAMP", (6, 5), [(order, pixels()[order])], IDS, RECORD)


def read_planes(path):
    stamps = cubes.read_cube(path, "STAMP").tolist()
    return [stamps, cubes.read_ids(path).tolist(), cubes.read_provenance(path)]


def write_table(path):
    frame = pd.DataFrame({column.name: np.arange(40) / 7 for column in MEASUREMENTS})
    frame["id"] = np.arange(40)
    frame["method"], frame["set"] = [("none", "jwst")[i % 2] for i in range(40)], "galsim"
    tables.write_table(path, frame, MEASUREMENTS, RECORD)


def read_table(path):
    frame = tables.read_table(path, MEASUREMENTS)
    return [*(frame[name].tolist() for name in frame), tables.read_provenance(path)]


def write_weights(path):
    save_network(path, fresh_network("restormer", SIZE, 3), "restormer", SIZE, "jwst", RECORD)


def read_weights(path):
    state = load_network(path).state_dict()
    return [{name: value.tolist() for name, value in state.items()}, provenance_of_weights(path)]


KINDS = {
    "cube.fits": (write_cube, read_cube),
    "planes.fits": (write_planes, read_planes),
    "table.parquet": (write_table, read_table),
    "weights.safetensors": (write_weights, read_weights),
}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    """A sound file, how to read it, and what it holds."""
    path = tmp_path / request.param
    write, read = KINDS[request.param]
    write(path)
    return path, read, read(path)


def flip(path, number):
    """Flip one bit of a file, another for each number."""
    content = bytearray(path.read_bytes())
    where = int(stream(1, "flips", number).integers(8 * len(content)))
    content[where // 8] ^= 1 << where % 8
    path.write_bytes(content)
    return f"bit {where % 8} of byte {where // 8}"


def test_a_flipped_bit_is_refused_or_does_no_harm(kind):
    path, read, expected = kind
    sound, refused = path.read_bytes(), 0
    for number in range(FLIPS):
        path.write_bytes(sound)
        where = flip(path, number)
        try:
            harmless = read(path) == expected
        except InputError as error:
            harmless, refused = error.path == str(path), refused + 1
        assert harmless, where
    # The rest hit what no reader takes from the file, such as statistics in a Parquet footer.
    assert refused > FLIPS / 2


def test_a_block_of_zeros_is_refused(kind):
    """A file system that lost a page gives zeros for it."""
    path, read, _ = kind
    content = path.read_bytes()
    for start in range(0, len(content), 4096):
        lost = content[start : start + 4096]
        if not any(lost):
            continue  # nothing but padding
        path.write_bytes(content[:start] + bytes(len(lost)) + content[start + len(lost) :])
        with pytest.raises(InputError, match=path.name):
            read(path)
