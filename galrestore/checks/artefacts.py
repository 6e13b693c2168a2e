"""The files of a run, as the checks see them."""

import json
import os
from pathlib import Path

import pandas as pd
from safetensors import SafetensorError, safe_open

from galrestore.errors import InputError
from galrestore.files import cubes, tables, tensors
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.provenance import Provenance, sha256_of

__all__ = ["Artefacts", "list_files"]

# Folders below results/ whose files are steps on the way, or no results at all.
_PASSED_BY = {"shards", "logs", "benchmarks", "checks", "state"}
_KINDS = (".parquet", ".fits", ".safetensors")


def list_files(results):
    """
    List the results that carry provenance.

    Parameters
    ----------
    results : Path
        Folder of results.

    Returns
    -------
    files : list of Path
        Parquet tables, FITS files and weights below it, sorted; no shards.
    """
    return sorted(
        path
        for path in results.rglob("*")
        if path.suffix in _KINDS and not _PASSED_BY & set(path.relative_to(results).parts[:-1])
    )


class Artefacts:
    """
    Files of one run.

    Parameters
    ----------
    results : str or Path
        Folder of results; relative paths of recorded inputs start beside it.
    files : sequence of Path, optional
        Files that belong to the run; by default all that `list_files` finds.
    """

    def __init__(self, results, files=None):
        self.results = Path(results)
        files = list_files(self.results) if files is None else files
        self.files = sorted(Path(os.path.relpath(path, self.results)) for path in files)
        self._digests, self._tables = {}, {}

    def below(self, folder, suffix):
        """
        Name the files of one folder.

        Parameters
        ----------
        folder : str
            Folder below the results.
        suffix : str
            Such as ``".parquet"``.

        Returns
        -------
        names : list of str
            Paths of the files relative to the folder, without suffix, sorted.
        """
        return sorted(
            path.relative_to(folder).with_suffix("").as_posix()
            for path in self.files
            if path.is_relative_to(folder) and path.suffix == suffix
        )

    def path(self, name):
        """
        Return the path of a result.

        Parameters
        ----------
        name : str or Path
            Path relative to the results.

        Returns
        -------
        path : Path
            Path to open.
        """
        return self.results / name

    def provenance(self, name):
        """
        Return what made a file.

        Parameters
        ----------
        name : str or Path
            Table, FITS file or weights, relative to the results.

        Returns
        -------
        record : Provenance
            The record in the file.

        Raises
        ------
        InputError
            If the file is missing or broken, or holds no record.
        """
        path = self.path(name)
        read = {".parquet": tables.read_provenance, ".fits": cubes.read_provenance}
        return read.get(path.suffix, _weights_provenance)(path)

    def table(self, name, columns):
        """
        Read a table, once; callers leave it as it is.

        Parameters
        ----------
        name : str
            Table, relative to the results.
        columns : sequence of Column
            Its contract.

        Returns
        -------
        frame : pandas.DataFrame
            The rows.
        """
        if name not in self._tables:
            self._tables[name] = tables.read_table(self.path(name), columns, empty=True)
        return self._tables[name]

    def catalogues(self):
        """
        Read the catalogues of all mosaics.

        Returns
        -------
        frame : pandas.DataFrame
            Rows of all sources (contract `CATALOGUE`).
        """
        names = self.below("stamps", ".parquet")
        frames = [self.table(f"stamps/{name}.parquet", CATALOGUE) for name in names]
        frames = [frame for frame in frames if len(frame)]
        empty = pd.DataFrame({column.name: [] for column in CATALOGUE})
        return pd.concat(frames, ignore_index=True) if frames else empty

    def accepted(self, telescope):
        """
        Read the accepted sources of a telescope's mosaics.

        Parameters
        ----------
        telescope : str
            ``"hst"`` or ``"jwst"``.

        Returns
        -------
        frame : pandas.DataFrame
            Their rows (contract `CATALOGUE`).
        """
        sources = self.catalogues()
        return sources[(sources["rejected_by"] == "") & (sources["telescope"] == telescope)]

    def recorded(self, path):
        """
        Return where a recorded input is now.

        Parameters
        ----------
        path : str
            Path as the stage was given it.

        Returns
        -------
        path : Path
            Absolute paths as they are, others from the folder that holds the results.
        """
        return self.results.absolute().parent / path

    def digest(self, path):
        """
        Hash a file, once.

        Parameters
        ----------
        path : Path
            File.

        Returns
        -------
        digest : str
            sha256.
        """
        if path not in self._digests:
            self._digests[path] = sha256_of(path)
        return self._digests[path]


def _weights_provenance(path):
    if not path.is_file():
        raise InputError(path, "does not exist")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(path, f"is not a readable safetensors file ({error})") from error
    tensors.require_sound(path, "train the network again")
    if "galrestore" not in metadata:
        raise InputError(path, "holds no provenance", "it was not written by galrestore")
    try:
        return Provenance.from_json(metadata["galrestore"])
    except (json.JSONDecodeError, TypeError) as error:
        raise InputError(path, f"holds a broken provenance record ({error})") from error
