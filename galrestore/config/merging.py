"""Configuration files laid over each other, as Snakemake does."""

import yaml

from galrestore.errors import InputError

__all__ = ["read_files"]


def read_files(paths):
    """
    Read configuration files, each laid over those before it.

    Parameters
    ----------
    paths : sequence of str or Path
        YAML files; mappings are merged, other values replaced.

    Returns
    -------
    config : dict
        The configuration, not validated.

    Raises
    ------
    InputError
        If a file is missing or is no mapping in YAML.
    """
    config = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                over = yaml.safe_load(file)
        except FileNotFoundError as error:
            raise InputError(path, "does not exist") from error
        except yaml.YAMLError as error:
            raise InputError(path, f"is no YAML ({error})") from error
        if not isinstance(over, dict):
            raise InputError(path, "is no mapping of settings")
        _lay(config, over)
    return config


def _lay(under, over):
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _lay(under[key], value)
        else:
            under[key] = value
