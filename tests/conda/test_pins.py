"""Every pin of the environments can be read by conda's grammar and meets the pinned versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from rattler import MatchSpec, Version, VersionSpec

ROOT = Path(__file__).resolve().parents[2]
FILES = ("galrestore", "galrestore-cuda")
TORCH = {"galrestore": "pytorch-cpu", "galrestore-cuda": "pytorch-gpu"}
# Names on the package index, where conda-forge's are others.
INDEX = {"matplotlib-base": "matplotlib", "pytorch-cpu": "torch", "pytorch-gpu": "torch"}


def entries(name):
    """Dependencies of an environment file."""
    return yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text())["dependencies"]


def specs(name):
    """The same, read by rattler, by their names on the package index."""
    read = [MatchSpec(entry, strict=True) for entry in entries(name)]
    return {INDEX.get(s.name.normalized, s.name.normalized): s for s in read}


def takes(spec, version):
    """Tell whether a pin takes a version; one without a version takes none here."""
    return spec.version is not None and VersionSpec(str(spec.version)).matches(Version(version))


@pytest.fixture(scope="module")
def pinned():
    """Versions of constraints.txt, which are those that the tests run with."""
    lines = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M)
    return {name.lower().replace("_", "-"): version for name, version in lines}


@pytest.mark.parametrize("name", FILES)
def test_every_pin_is_a_match_spec_that_takes_the_pinned_version(name, pinned):
    found = specs(name)
    assert len(found) == len(entries(name))
    assert takes(found.pop("python"), "3.11.7")
    for package, spec in found.items():
        assert takes(spec, pinned[package]), (package, pinned[package])


def test_a_pin_of_another_version_is_refused():
    assert takes(MatchSpec("numpy=2.4", strict=True), "2.4.6")
    assert not takes(MatchSpec("numpy=2.4", strict=True), "2.5.0")
    assert not takes(MatchSpec("numpy", strict=True), "2.4.6")


@pytest.mark.parametrize("name", FILES)
def test_all_that_the_package_requires_is_there(name):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {Requirement(text).name for text in project["dependencies"]}
    # Snakemake runs outside of the environments of its rules, and makes its report there.
    assert required - {"snakemake", "pygments"} == set(specs(name)) - {"python"}


def test_the_two_environments_differ_in_the_build_of_torch_alone():
    cpu, cuda = (set(entries(name)) for name in FILES)
    version = MatchSpec(next(e for e in cpu if e.startswith("pytorch"))).version
    assert cpu - cuda == {f"pytorch-cpu={str(version).removesuffix('.*')}"}
    assert cuda - cpu == {f"pytorch-gpu={str(version).removesuffix('.*')}"}


def test_every_rule_names_an_environment():
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        rules = re.split(r"^ *rule\b.*:$", file.read_text(), flags=re.M)[1:]
        for rule in rules:
            named = re.findall(r'^ +conda:\n +"\.\./\.\./envs/(\S+)\.yaml"$', rule, re.M)
            assert named == ["galrestore"], f"{file.name}: {rule[:200]}"
