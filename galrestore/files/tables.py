"""
Parquet tables with column contracts and provenance.

A contract names the columns of a table with type, unit and meaning; it is checked
when the table is written and when it is read, and stored in the file.  So is the sha256
of all that a reader takes from the table, beside the checksums of Parquet's own pages:
a damaged file is refused.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from galrestore.errors import EmptyError, InputError
from galrestore.files.atomic import atomic
from galrestore.provenance import Provenance

__all__ = ["Column", "concatenate", "join_tables", "read_provenance", "read_table", "write_table"]

_KEY = b"galrestore"
_DIGEST = b"galrestore.sha256"


@dataclass(frozen=True)
class Column:
    """
    One column of a table.

    Attributes
    ----------
    name : str
        Name of the column.
    dtype : str
        ``"int64"``, ``"float64"``, ``"float32"``, ``"bool"`` or ``"str"``.
    unit : str
        Unit in FITS spelling, "" for pure numbers and text.
    meaning : str
        What the column holds.
    """

    name: str
    dtype: str
    unit: str
    meaning: str

    @property
    def arrow(self):
        """Return the field of an Arrow schema that stores the column."""
        kind = {"str": pa.string(), "bool": pa.bool_()}.get(self.dtype)
        kind = kind or pa.from_numpy_dtype(np.dtype(self.dtype))
        return pa.field(self.name, kind, metadata={"unit": self.unit, "meaning": self.meaning})


def write_table(path, frame, columns, provenance):
    """
    Write a table.

    Parameters
    ----------
    path : str or Path
        Parquet file to write.
    frame : pandas.DataFrame
        The rows; must hold every column of the contract and no other.
    columns : sequence of Column
        The contract.
    provenance : Provenance
        What made the table; stored in the file.

    Raises
    ------
    ValueError
        If the columns of the frame differ from the contract.
    """
    names = [column.name for column in columns]
    if set(names) != set(frame.columns):
        msg = f"{path}: columns {sorted(set(names) ^ set(frame.columns))} break the contract"
        raise ValueError(msg)
    schema = pa.schema(
        [column.arrow for column in columns], metadata={_KEY: provenance.to_json().encode()}
    )
    arrays = [
        pa.array(frame[column.name].to_numpy(), type=field.type, from_pandas=column.dtype == "str")
        for column, field in zip(columns, schema, strict=True)
    ]
    _write(path, pa.Table.from_arrays(arrays, schema=schema))


def read_table(path, columns=None, empty=False):
    """
    Read a table and check it against a contract.

    A table without rows is refused, for most of what is made of nothing is a blank figure
    or a mean that is not a number; callers say so where it is a sound answer.

    Parameters
    ----------
    path : str or Path
        Parquet file.
    columns : sequence of Column, optional
        The contract: only these columns are read, and all of them must be there.
    empty : bool, optional
        Take a table without rows, too.

    Returns
    -------
    frame : pandas.DataFrame
        The rows.

    Raises
    ------
    InputError
        If the file is missing, broken or damaged, or breaks the contract.
    EmptyError
        If it has no rows.
    """
    table = _read(path)
    if columns is not None:
        for column in columns:
            if column.name not in table.column_names:
                raise InputError(
                    path, f"has no column {column.name!r}", "remake it with the stage that wrote it"
                )
            found = table.schema.field(column.name).type
            if found != column.arrow.type:
                raise InputError(
                    path, f"column {column.name!r} is {found}, expected {column.arrow.type}"
                )
        table = table.select([column.name for column in columns])
    if not (empty or table.num_rows):
        raise EmptyError(f"{path}: has no rows; see the log of the stage that wrote it")
    return table.to_pandas()


def read_provenance(path):
    """
    Return what made a Parquet table.

    Parameters
    ----------
    path : str or Path
        Parquet file.

    Returns
    -------
    provenance : Provenance
        The record stored by `write_table`.

    Raises
    ------
    InputError
        If the file is missing, broken or damaged, or holds no record.
    """
    metadata = _read(path).schema.metadata or {}
    if _KEY not in metadata:
        raise InputError(path, "holds no provenance", "it was not written by galrestore")
    return Provenance.from_json(metadata[_KEY].decode())


def concatenate(paths, columns, empty=False):
    """
    Read several tables of one contract into one frame.

    Parameters
    ----------
    paths : sequence of Path
        Parquet files.
    columns : sequence of Column
        Their contract.
    empty : bool, optional
        Take tables without rows, too.

    Returns
    -------
    frame : pandas.DataFrame
        All rows, in the order given.
    """
    frames = [read_table(path, columns, empty) for path in paths]
    return pd.concat(frames, ignore_index=True)


def join_tables(paths, output):
    """
    Put tables of one contract and one provenance into one file.

    Parameters
    ----------
    paths : sequence of Path
        Parquet files.
    output : str or Path
        Parquet file to write: all rows, in the order given.

    Raises
    ------
    InputError
        If a file is missing, broken or damaged.
    """
    _write(output, pa.concat_tables([_read(path) for path in paths]).combine_chunks())


def _write(path, table):
    metadata = {_KEY: table.schema.metadata[_KEY], _DIGEST: _digest(table)}
    with atomic(path) as part:
        pq.write_table(
            table.replace_schema_metadata(metadata),
            part,
            compression="zstd",
            write_page_checksum=True,
        )


def _read(path):
    if not Path(path).is_file():
        raise InputError(path, "does not exist")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        metadata = table.schema.metadata or {}
        is_sound = _DIGEST not in metadata or metadata[_DIGEST] == _digest(table)
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(path, f"is not a readable Parquet file ({error})") from error
    if not is_sound:
        raise InputError(path, "is damaged: it does not match its checksum", "remake it")
    return table


def _digest(table):
    """Hash provenance, contract and values: what readers take from a table, and no bytes else."""
    digest = hashlib.sha256((table.schema.metadata or {})[_KEY])
    for field, column in zip(table.schema, table.columns, strict=True):
        about = {key: (field.metadata or {}).get(key, b"") for key in (b"unit", b"meaning")}
        digest.update(f"{field.name} {field.type} {about} {len(column)}".encode())
        if pa.types.is_string(field.type):
            lengths = pc.fill_null(pc.binary_length(column), -1)
            digest.update(np.ascontiguousarray(lengths.to_numpy(), dtype=np.int64))
            digest.update("".join(pc.fill_null(column, "").to_pylist()).encode())
        else:
            digest.update(np.ascontiguousarray(column.to_numpy()))
    return digest.hexdigest().encode()
