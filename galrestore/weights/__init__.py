"""Weights that come with the package; ``README.md`` beside them says what they are."""

from pathlib import Path

__all__ = ["DEFAULT", "checkpoint_file", "shipped"]

DEFAULT = "nafnet"


def shipped(name=DEFAULT):
    """
    Return the file of a trained network that comes with the package.

    Parameters
    ----------
    name : str, optional
        Such as ``"nafnet"``, the default.

    Returns
    -------
    path : Path
        safetensors file.

    Raises
    ------
    ValueError
        If the package has no such network.
    """
    folder = Path(__file__).parent
    path = folder / f"{name}.safetensors"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in folder.glob("*.safetensors")))
        msg = f"no network {name!r} comes with the package, there are: {names}"
        raise ValueError(msg)
    return path


def checkpoint_file(name):
    """
    Return the file of weights that settings name.

    Parameters
    ----------
    name : str
        ``"shipped"`` for the default network of the package, the name of another one of
        its networks, or a safetensors file.

    Returns
    -------
    path : str
        The file.

    Raises
    ------
    ValueError
        If it is neither a safetensors file's name nor a network of the package.
    """
    if Path(name).suffix == ".safetensors":
        return name
    return str(shipped(DEFAULT if name == "shipped" else name))
