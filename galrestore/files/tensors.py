"""
Digest of a safetensors file, kept in its own metadata.

The entry ``sha256`` of the metadata is the sha256 of the file with 64 zeros in its
place, so that no byte of the file can change unseen.
"""

import hashlib
import json
from pathlib import Path

from galrestore.errors import InputError

__all__ = ["KEY", "UNSEALED", "require_sound", "seal"]

KEY = "sha256"
UNSEALED = "0" * 64

_CHUNK = 1 << 20
_LONGEST_HEADER = 100_000_000  # bytes, as safetensors has it


def seal(path):
    """
    Put a file's digest into its metadata.

    Parameters
    ----------
    path : str or Path
        safetensors file whose metadata have the entry `KEY` with the value `UNSEALED`.

    Raises
    ------
    ValueError
        If they have not.
    """
    place, found = _entry(path)
    if found != UNSEALED:
        msg = f"{path}: metadata have no entry {KEY!r} to fill in"
        raise ValueError(msg)
    digest = _digest(path, place)
    with open(path, "rb+") as file:
        file.seek(place)
        file.write(digest.encode())


def require_sound(path, remedy):
    """
    Compare a file with its digest.

    Parameters
    ----------
    path : str or Path
        safetensors file; one without a digest, of another program, passes.
    remedy : str
        What to do about a damaged file.

    Raises
    ------
    InputError
        If the file is not what was written, or is no safetensors file.
    """
    try:
        place, found = _entry(path)
    except ValueError as error:
        raise InputError(path, f"is not a safetensors file ({error})", remedy) from error
    if found is not None and found != _digest(path, place):
        raise InputError(path, "is damaged: it does not match its checksum", remedy)


def _entry(path):
    """Return position and value of the digest in a file; None, None without one."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST_HEADER, Path(path).stat().st_size - 8):
            msg = f"its header would have {length} bytes"
            raise ValueError(msg)
        header = file.read(length)
    parsed = json.loads(header)
    metadata = parsed.get("__metadata__") if isinstance(parsed, dict) else None
    found = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(found, str) or len(found) != len(UNSEALED):
        return None, None
    return 8 + header.index(f'"{KEY}":"{found}"'.encode()) + len(KEY) + 4, found


def _digest(path, place):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        digest.update(file.read(place))
        digest.update(UNSEALED.encode())
        file.seek(place + len(UNSEALED))
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
