"""
A conda channel in a folder, made of what is installed on this machine.

Three kinds of packages, all with the names, versions and dependencies of the installed
distributions, so that a solver has something to solve:

- ``python``: a stub, laid out as a virtual environment on the interpreter that runs the tests,
  whose path ends in that interpreter's installed packages;
- wheels from the package index, converted whole by whl2conda (`REAL`);
- stubs without any file for all others (torch, numpy and the rest of what is large).
"""

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import sysconfig
import tarfile
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from rattler import IndexJson, index
from whl2conda.api.converter import CondaPackageFormat, Wheel2CondaConverter

# Small ones, two of them compiled; jobs of every stage import most of them.
REAL = ("filelock", "iniconfig", "pluggy", "pytest", "PyYAML", "safetensors", "sep", "tqdm")
# Distributions that conda-forge calls otherwise.
NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch", "tzdata": "python-tzdata"}
# Packages of conda-forge that choose a build of another.
CHOOSE = {"pytorch-cpu": "torch", "pytorch-gpu": "torch"}
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
PREFIX = f"lib/python{PYTHON}/site-packages"
TIME = 1_700_000_000_000  # ms; the solver refuses packages without


def make(folder, environment):
    """Make the channel that holds an environment file's packages and all they need."""
    for part in ("noarch", "linux-64"):
        (folder / part).mkdir(parents=True)
    wanted = yaml.safe_load(Path(environment).read_text())["dependencies"]
    wanted = [re.split(r"[=<>]", entry)[0] for entry in wanted]
    _write(folder, "python", platform.python_version(), files=_interpreter())
    _write(folder, "python_abi", PYTHON, build=f"0_cp{PYTHON.replace('.', '')}")
    for name, distribution in CHOOSE.items():
        version = metadata.version(distribution).split("+")[0]
        _write(folder, name, version, [f"{conda_name(distribution)} =={version}"])
    known = {conda_name(dist.name): dist.name for dist in metadata.distributions()}
    todo = [name for name in wanted if name != "python" and name not in CHOOSE]
    todo.append(conda_name("torch"))
    done = set()
    _convert(folder)
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        needs = dict(_needs(known[name]))
        todo.extend(needs)
        if known[name] not in REAL:
            version = metadata.version(known[name]).split("+")[0]
            depends = [f"{need} {spec}".strip() for need, spec in needs.items()]
            _write(folder, name, version, ["python", *depends])
    return folder


def conda_name(distribution):
    """Return the name that conda-forge gives to a distribution."""
    name = re.sub(r"[-_]+", "-", distribution).lower()
    return NAMES.get(name, name.replace("typing-", "typing_"))


def _needs(distribution):
    """Names and versions that an installed distribution requires here."""
    for text in metadata.requires(distribution) or []:
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            yield conda_name(need.name), str(need.specifier)


def _interpreter():
    """Files of an environment whose Python is the one that runs the tests."""
    home = Path(sys.base_prefix) / "bin"
    settings = f"home = {home}\ninclude-system-site-packages = false\n"
    host = sysconfig.get_paths()["purelib"]
    return {
        "bin/python": home / Path(sys.executable).resolve().name,
        "pyvenv.cfg": settings.encode(),
        f"{PREFIX}/host.pth": f"{host}\n".encode(),
    }


def _write(folder, name, version, depends=(), files=None, build="0"):
    """Write a package; a file is its bytes, or the path that a link points to."""
    files = files or {}
    index_json = {"name": name, "version": version, "build": build, "build_number": 0}
    index_json |= {"depends": list(depends), "subdir": "linux-64", "timestamp": TIME}
    paths = [_entry(path, content) for path, content in files.items()]
    info = {
        "info/index.json": json.dumps(index_json).encode(),
        "info/paths.json": json.dumps({"paths": paths, "paths_version": 1}).encode(),
        "info/files": "\n".join(files).encode(),
    }
    with tarfile.open(
        folder / "linux-64" / f"{name}-{version}-{build}.tar.bz2", "w:bz2"
    ) as archive:
        for path, content in (info | files).items():
            member = tarfile.TarInfo(path)
            if isinstance(content, Path):
                member.type, member.linkname = tarfile.SYMTYPE, str(content)
                archive.addfile(member)
            else:
                member.size, member.mode = len(content), 0o644
                archive.addfile(member, io.BytesIO(content))


def _entry(path, content):
    """Describe a file of a package as paths.json does."""
    link = isinstance(content, Path)
    data = str(content).encode() if link else content
    return {
        "_path": path,
        "path_type": "softlink" if link else "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }


def _convert(folder):
    """Fetch wheels of the installed versions, and convert them."""
    wheels = folder.parent / "wheels"
    pinned = [f"{name}=={metadata.version(name)}" for name in REAL]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary", ":all:", "--dest", wheels]
    subprocess.run([*command, *pinned], check=True)
    for wheel in sorted(wheels.glob("*.whl")):
        converter = Wheel2CondaConverter(wheel, folder / "noarch")
        converter.out_format = CondaPackageFormat.V2
        converter.allow_impure = True
        package = Path(converter.convert())
        subdir = IndexJson.from_package_archive(package).subdir
        if subdir != "noarch":
            package.rename(folder / subdir / package.name)


async def write_index(folder):
    """Write the channel's repodata."""
    await index.index_fs(folder)
