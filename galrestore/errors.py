"""
Exceptions of the package, and when to raise which.

* ``InputError``: a file, image or table cannot be used.  Names the file, what is
  wrong with it and what the user can do.
* ``SettingsError``: a setting, or a combination of settings, cannot be used.  Names
  the key and the value.
* ``EmptyError``: a step is left with nothing to work on, although its input is sound.
* ``ValueError`` (builtin): a caller of a public function passed a wrong argument.

All of the package's own exceptions end a command with one line and exit status 2;
anything else is a defect of the package and ends with its traceback.
"""

__all__ = ["EmptyError", "GalrestoreError", "InputError", "SettingsError"]


class GalrestoreError(Exception):
    """Base of the errors a user can mend."""


class InputError(GalrestoreError, ValueError):
    """
    A file or its content cannot be used.

    Parameters
    ----------
    path : str or Path
        The file.
    problem : str
        What is wrong with it, with the value found.
    remedy : str, optional
        What to do about it.
    """

    def __init__(self, path, problem, remedy=""):
        self.path, self.problem, self.remedy = str(path), problem, remedy
        super().__init__(f"{path}: {problem}" + (f"; {remedy}" if remedy else ""))


_LONGEST = 200  # letters of a value that are shown; a whole section is longer


class SettingsError(GalrestoreError, ValueError):
    """
    A setting cannot be used.

    Parameters
    ----------
    key : str
        The setting, as ``section.key``.
    value : object
        The value found.
    problem : str
        Why it cannot be used, and the range allowed.
    """

    def __init__(self, key, value, problem):
        self.key, self.value, self.problem = key, value, problem
        shown = repr(value)
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}..."
        super().__init__(f"setting {key} = {shown}: {problem}")


class EmptyError(GalrestoreError, ValueError):
    """Nothing is left to work on, although the input is sound."""
