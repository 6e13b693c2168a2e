"""Base of the settings models: closed, frozen, every field with unit and source."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Section", "setting", "without_nulls"]


class Section(BaseModel):
    """A group of settings; unknown keys are refused and values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def setting(default: Any, description: str, *, unit: str, paper: str, **limits: Any) -> Any:
    """
    Declare one setting.

    Parameters
    ----------
    default : object
        Value if the configuration does not give one; ``...`` if it must.
    description : str
        What the setting does, as a sentence.
    unit : str
        Unit of the value; "" for pure numbers, text and switches.
    paper : str
        Section, equation or table of Park et al. 2024 it comes from, or the
        project's own reason; "-" where the paper has no such thing.
    **limits
        Limits as in `pydantic.Field` (``gt``, ``ge``, ``lt``, ``le``, ...).

    Returns
    -------
    field : pydantic.fields.FieldInfo
        The declaration.
    """
    extra: dict[str, Any] = {"unit": unit, "paper": paper}
    return Field(default, description=description, json_schema_extra=extra, **limits)


def without_nulls(value: Any) -> Any:
    """Take out what is null by name: one that an earlier file of settings gave."""
    if not isinstance(value, dict):
        return value
    return {name: item for name, item in value.items() if item is not None}
