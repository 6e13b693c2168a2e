"""No file that the package reads can run code, whoever made it."""

import os
import pickle
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from galrestore.archive.local import read_pairs
from galrestore.cli import main
from galrestore.errors import InputError
from galrestore.files.cubes import read_cube
from galrestore.files.tables import read_table
from galrestore.networks.published import read_published
from galrestore.networks.weights import load_network

ROOT = Path(__file__).resolve().parents[2]
# What would run code found in data.
FORBIDDEN = (
    r"\bpickle\.(load|loads|Unpickler)\b",
    r"\b(dill|cloudpickle|joblib|marshal|shelve)\b",
    r"\btorch\.load\((?!.*weights_only=True)",
    r"\bread_pickle\b",
    r"allow_pickle\s*=\s*True",
    r"\byaml\.(load|load_all|full_load|unsafe_load)\(",
    r"(?<![.\w])(eval|exec)\(",
    r"shell\s*=\s*True",
    r"\bos\.(system|popen)\(",
    r"\b(extractall|unpack_archive)\(",
)


class Malice:
    """An object whose pickle makes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def mark(tmp_path):
    """What malice makes; the pickle is shown to work where pickles are loaded."""
    pickle.loads(pickle.dumps(Malice(tmp_path / "works")))
    assert (tmp_path / "works").is_dir()
    return tmp_path / "owned"


@pytest.mark.parametrize("form", ["torch", "bare"])
def test_published_weights_with_code_in_them(form, mark, tmp_path):
    path = tmp_path / "published.pth"
    content = {"params": {"a": torch.ones(2), "b": Malice(mark)}}
    if form == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=r"published\.pth: is no file of weights"):
        read_published(path)
    assert main(["weights", "convert", str(path), str(tmp_path / "out.safetensors")]) == 2
    assert not mark.exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_weights_that_are_a_pickle(mark, tmp_path):
    path = tmp_path / "weights.safetensors"
    torch.save({"a": Malice(mark)}, path)
    with pytest.raises(InputError, match=r"weights\.safetensors: is not a safetensors file"):
        load_network(path)
    assert not mark.exists()


@pytest.mark.parametrize("end", ["npy", "npz"])
def test_stamps_that_hold_objects(end, mark, tmp_path):
    stamps = np.array([[Malice(mark)]], dtype=object)
    for name in ("gt", "lq"):
        with open(tmp_path / f"{name}_1.npy", "wb") as file:
            (np.save if end == "npy" else np.savez)(file, stamps)
    with pytest.raises(InputError, match=r"gt_1\.npy"):
        read_pairs("set", [tmp_path / "gt_1.npy"], [tmp_path / "lq_1.npy"])
    assert not mark.exists()


def test_tables_and_images_that_are_pickles(mark, tmp_path):
    for name, read in (("a.parquet", read_table), ("a.fits", lambda p: read_cube(p, "GT"))):
        (tmp_path / name).write_bytes(pickle.dumps(Malice(mark)))
        with pytest.raises(InputError, match=re.escape(name)):
            read(tmp_path / name)
    assert not mark.exists()


def test_settings_that_make_objects(mark, tmp_path, capsys):
    path = tmp_path / "run.yaml"
    text = f"acquire: !!python/object/apply:os.mkdir [{mark}]\n"
    path.write_text(text)
    yaml.unsafe_load(text.replace("owned", "loads"))
    assert (tmp_path / "loads").is_dir()
    assert main(["acquire", "resolve", "--configfile", str(path)]) == 2
    assert "run.yaml: is no YAML" in capsys.readouterr().err
    assert not mark.exists()


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_nothing_in_the_project_loads_code_from_data(pattern):
    listed = subprocess.run(
        ["git", "ls-files", "galrestore", "workflow", "benchmarks", "Snakefile"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    sources = [name for name in listed if name.endswith((".py", ".smk", "Snakefile"))]
    assert len(sources) > 150
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in sources
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for():
    lines = [
        "x = pickle.loads(b)",
        "import dill",
        "torch.load(path)",
        "pd.read_pickle(p)",
        "np.load(p, allow_pickle=True)",
        "yaml.load(text)",
        "value = eval(text)",
        "run(x, shell=True)",
        "os.system(x)",
        "tar.extractall(here)",
    ]
    for pattern, line in zip(FORBIDDEN, lines, strict=True):
        assert re.search(pattern, line), line
