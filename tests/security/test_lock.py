"""The lock file pins every dependency with hashes, and agrees with the other lists."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# What torch brings along where the package index gives a CUDA build, and what builds packages.
BESIDE = re.compile(r"nvidia-.*|cuda-.*|triton|setuptools")


def pins(text):
    """Version of each package by its name."""
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M)
    assert len(dict(found)) == len(found)
    return {canonicalize_name(name): version for name, version in found}


LOCKED = pins(LOCK)
CONSTRAINED = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *EXTRAS["dev"]])
def test_every_dependency_is_locked_within_its_limits(text):
    wanted = Requirement(text)
    assert wanted.specifier.contains(LOCKED[canonicalize_name(wanted.name)])


def test_lock_and_constraints_agree():
    benchmarks = {canonicalize_name(Requirement(text).name) for text in EXTRAS["benchmarks"]}
    assert {n: v for n, v in CONSTRAINED.items() if n not in benchmarks} == {
        n: v for n, v in LOCKED.items() if not BESIDE.fullmatch(n)
    }


def test_every_package_has_hashes():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(entries) == len(LOCKED)
    for entry in entries:
        lines = [line for line in entry.splitlines() if line]
        assert len(lines) > 1, lines[0]
        for line in lines[1:]:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_no_registry_is_named():
    code = "\n".join(line for line in LOCK.splitlines() if not line.startswith("#"))
    assert not re.search(r"://|--index|--extra-index|--find-links|@", code)
