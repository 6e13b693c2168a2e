"""Writing a file whole or not at all."""

import contextlib
import os
from pathlib import Path

__all__ = ["atomic"]


@contextlib.contextmanager
def atomic(path):
    """
    Give a temporary name beside a file, and rename it to the file at the end.

    If the body raises (a full disk, say), the temporary file is removed and nothing
    of the target changes.

    Parameters
    ----------
    path : str or Path
        File to write; its folder is made.

    Yields
    ------
    part : Path
        ``<path>.part``, to be written by the body.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # of a killed job; its mode and owner would stay
    try:
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.filename is None:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise
