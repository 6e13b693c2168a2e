"""What made a run: stages with their code, settings and seed, and the software."""

import json
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import NamedTuple

__all__ = ["Making", "StageRecord", "making_of"]

# Packages whose versions numbers may depend on.
_PACKAGES = (
    "numpy",
    "scipy",
    "astropy",
    "sep",
    "galsim",
    "drizzle",
    "astroscrappy",
    "numba",
    "scikit-image",
    "torch",
    "lightning",
    "pandas",
    "pyarrow",
    "matplotlib",
)


class StageRecord(NamedTuple):
    """
    What one stage was.

    Attributes
    ----------
    stage : str
        Name.
    files : int
        Files that it wrote.
    codes : list of str
        Fingerprints of its code; one, unless files are of different states of the code.
    settings : list of str
        Its settings, indented JSON; several where jobs have settings of their own.
    """

    stage: str
    files: int
    codes: list
    settings: list


class Making(NamedTuple):
    """
    What made a run.

    Attributes
    ----------
    stages : list of StageRecord
        By name.
    seeds, versions : list
        Seeds, and versions of the package; one each, unless files are of different runs.
    software : list of (str, str)
        Python and packages with their versions.
    """

    stages: list
    seeds: list
    versions: list
    software: list


def making_of(records):
    """
    Sum up what made the files of a run.

    Parameters
    ----------
    records : sequence of Provenance
        Records of its files.

    Returns
    -------
    making : Making
        Stages, settings, seeds and versions in the records, and installed packages.
    """
    stages = []
    for stage in sorted({record.stage for record in records}):
        own = [record for record in records if record.stage == stage]
        settings = sorted({_indented(record.settings) for record in own})
        stages.append(
            StageRecord(stage, len(own), sorted({record.code for record in own}), settings)
        )
    seeds = sorted({record.seed for record in records})
    return Making(stages, seeds, sorted({record.version for record in records}), _software())


def _indented(settings):
    return json.dumps(json.loads(settings), indent=1, ensure_ascii=False)


def _software():
    found = [("Python", python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found
