"""
What the source of a module says: a digest of its code, and what it imports.

To read all modules takes a start of Snakemake two seconds of processor time, and there are two
starts for each job of a cluster.  So what was found is kept, as Python keeps what it compiled:
in ``__pycache__`` beside the source, under the digest of the bytes that were read.  Where that
folder cannot be written, or the file is broken, sources are read again.
"""

import ast
import contextlib
import hashlib
import json
import secrets
import sys
from pathlib import Path

__all__ = ["Sources"]


class Sources:
    """
    Digests and imports of source files.

    Parameters
    ----------
    memory : Path, optional
        File that keeps what was found from one process to the next.
    """

    def __init__(self, memory=None):
        self.memory = memory
        # Another version of this module, or of Python's grammar, finds other things.
        own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        self._reader = f"{own} {sys.version_info.major}.{sys.version_info.minor}"
        self._known = self._remembered()
        self._read = {}
        self._new = False

    def digest(self, path):
        """
        Hash the code of a file, without comments, docstrings and layout.

        Parameters
        ----------
        path : Path
            Source of a module.

        Returns
        -------
        digest : str
            64 hexadecimal digits.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        return self._facts(path)[0]

    def imports(self, path):
        """
        List what a file imports, at any depth.

        Parameters
        ----------
        path : Path
            Source of a module.

        Returns
        -------
        names : list of str
            Full names of modules, and of what is imported from them, which may be modules;
            sorted.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        return self._facts(path)[1]

    def remember(self):
        """Keep what was found for the next process, where the folder can be written."""
        if self.memory is None or not self._new:
            return
        self._new = False
        text = json.dumps({"reader": self._reader, "known": self._known})
        with contextlib.suppress(OSError):
            self.memory.parent.mkdir(exist_ok=True)
            # Other jobs, on other nodes too, may be starting.
            part = self.memory.with_suffix(f".{secrets.token_hex(8)}")
            try:
                part.write_text(text)
                part.replace(self.memory)
            finally:
                part.unlink(missing_ok=True)

    def _remembered(self):
        try:
            content = json.loads(self.memory.read_text())
            return content["known"] if content["reader"] == self._reader else {}
        except (AttributeError, OSError, ValueError, KeyError, TypeError):
            return {}

    def _facts(self, path):
        if path not in self._read:
            source = path.read_bytes()
            key = hashlib.sha256(source).hexdigest()
            if key not in self._known:
                tree = ast.parse(source)
                code = hashlib.sha256(_canonical(tree).encode()).hexdigest()
                self._known[key] = code, sorted(_imports(tree))
                self._new = True
            self._read[path] = self._known[key]
        return self._read[path]


def _imports(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _canonical(node):
    """Text of a syntax tree without docstrings, alike in all versions of Python."""
    if isinstance(node, list):
        return "[" + ",".join(_canonical(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for key, value in ast.iter_fields(node):
        if key == "body" and isinstance(
            node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        # Fields that newer versions of Python added are empty in this code.
        if value not in (None, []) and key not in ("ctx", "kind", "type_comment"):
            fields.append(f"{key}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"
