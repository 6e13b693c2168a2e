"""
What made a file: code fingerprint, settings, seed, version and inputs.

Snakemake notices neither an edit inside an imported package nor a changed default.
Each rule therefore carries the fingerprint of the code behind it as a parameter, and
each file stores it.  The standard library alone is needed here, because the Snakefile
imports this module from installations that hold nothing but Snakemake.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from galrestore import __version__
from galrestore.syntax import Sources

__all__ = ["Provenance", "content_digest", "fingerprint", "reachable_modules", "sha256_of"]

_PACKAGE = "galrestore"
_ROOT = Path(__file__).resolve().parent
# Settings count by value; the version and this module count nowhere.
_LEFT_OUT = (f"{_PACKAGE}.config", f"{_PACKAGE}.provenance")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Provenance:
    """
    What made a file.

    Attributes
    ----------
    stage : str
        Stage that wrote the file.
    code : str
        Fingerprint of the stage's code, see `fingerprint`.
    settings : str
        The stage's settings as JSON.
    seed : int
        Seed of the run.
    inputs : dict of str to str
        sha256 of each input file, by the path the stage was given.
    version : str
        Version of the package.
    """

    stage: str
    code: str
    settings: str
    seed: int
    inputs: dict[str, str] = field(default_factory=dict)
    version: str = __version__

    def to_json(self):
        """Return the record as JSON with sorted keys."""
        return json.dumps(self.__dict__, sort_keys=True)

    @classmethod
    def from_json(cls, text):
        """Return the record stored as JSON by `to_json`."""
        return cls(**json.loads(text))


def sha256_of(path):
    """
    Return the sha256 of a file, read in pieces.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    digest : str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def fingerprint(*modules):
    """
    Hash the code of modules and of all modules of the package that they reach.

    Comments, docstrings, blank lines and layout do not count, so editing them reruns
    nothing.  Modules of ``galrestore.config`` do not count either: settings are
    compared by value.

    Parameters
    ----------
    *modules : str
        Names below the package, such as ``"stages.fit"``.

    Returns
    -------
    digest : str
        16 hexadecimal digits.

    Raises
    ------
    FileNotFoundError
        If a module does not exist.
    """
    digest = hashlib.sha256()
    for name in sorted(reachable_modules(*modules)):
        digest.update(f"{name} {_sources().digest(_path(name))}\n".encode())
    _sources().remember()
    return digest.hexdigest()[:16]


def content_digest(paths):
    """
    Hash names and contents of files that code reads beside itself, such as templates.

    Parameters
    ----------
    paths : iterable of str or Path
        Files; their folder and their order do not count.

    Returns
    -------
    digest : str
        16 hexadecimal digits.
    """
    lines = sorted(f"{Path(path).name} {sha256_of(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def reachable_modules(*modules):
    """
    List modules of the package that the given ones import, directly or not.

    Parameters
    ----------
    *modules : str
        Names below the package, such as ``"stages.fit"``.

    Returns
    -------
    names : set of str
        Full names, the given modules included.
    """
    todo = [f"{_PACKAGE}.{module}" for module in modules]
    found = set()
    while todo:
        name = todo.pop()
        if name in found or name.startswith(_LEFT_OUT):
            continue
        found.add(name)
        todo += _imports(name)
    return found


@cache
def _path(name):
    base = _ROOT.joinpath(*name.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def _sources():
    return Sources(_ROOT / "__pycache__" / "fingerprints.json")


@cache
def _imports(name):
    """Names of modules of the package that one module imports, at any depth."""
    names = _sources().imports(_path(name))
    return tuple(n for n in names if n.startswith(f"{_PACKAGE}.") and _is_module(n))


@cache
def _is_module(name):
    return _path(name).is_file()
