"""
Schema and reference page of the settings, generated from the models.

``python -m galrestore.config`` rewrites ``config/schema.json`` and ``config/README.md``;
a test keeps both in step with the models.
"""

import json
from typing import get_args

from pydantic import BaseModel

from galrestore.config import RunConfig

__all__ = ["fields", "readme", "schema"]

_HEAD = """\
# Settings

Generated from the models in `galrestore/config` by `python -m galrestore.config`; do not edit.

A run starts from `config/config.yaml` (the demonstration); `--configfile other.yaml` is laid
over it, key by key, and `--config key=value` over both. Unknown keys are refused. Below,
`<name>` stands for a name you choose. Section numbers are those of Park et al. 2024.

`null` takes a section away, in a file and in `--config 'acquire={simulated: null}'` alike (the
words `null` and `~` are never text). The sets of section 5 in `config.yaml` are of its simulated
sky; a configuration without that sky names others or says
`proxy: {multi_epoch: null, single_epoch: null}`, as the error does. Sets that name a field of
the archive are left out, with a line that says so, where `acquire.mast.fields` does not select it.

| file | what it runs |
|---|---|
| `config.yaml` | the demonstration: a simulated sky, no network, minutes on two cores |
| `smoke.yaml` | the same workflow on a tiny sky, for tests |
| `real.yaml` | real HST and JWST images from a local folder (`--config data_root=FOLDER`) |
| `weights.yaml` | the training behind the weights that come with the package |
| `paper.yaml` | the paper's run: its fields, its network, 300,000 iterations |
"""


def schema():
    """
    Return the JSON schema of a configuration file.

    Returns
    -------
    text : str
        JSON, indented, ending with a newline.
    """
    return json.dumps(RunConfig.model_json_schema(), indent=1) + "\n"


def fields(model=RunConfig, prefix=""):
    """
    Walk over all settings.

    Parameters
    ----------
    model : type of Section, optional
        Where to start.
    prefix : str, optional
        Key of that section, with a dot at its end.

    Yields
    ------
    key : str
        Full key, such as ``"train.network.dim"``.
    field : pydantic.fields.FieldInfo
        The setting.
    """
    for name, field in model.model_fields.items():
        sections, many = _sections(field.annotation)
        yield f"{prefix}{name}", field
        for section in sections:
            yield from fields(section, f"{prefix}{name}." + ("<name>." if many else ""))


def readme():
    """
    Return the reference page.

    Returns
    -------
    text : str
        Markdown, one table per section of `RunConfig`.
    """
    lines = [_HEAD]
    for name, field in RunConfig.model_fields.items():
        sections, _ = _sections(field.annotation)
        rows = [row for section in sections for row in fields(section, f"{name}.")]
        lines += [f"## {name}", "", field.description, ""]
        lines += ["| key | default | unit | paper | meaning |", "|---|---|---|---|---|"]
        lines += [_row(key, entry) for key, entry in rows or [(name, field)]]
        lines.append("")
    return "\n".join(lines)


def _row(key, field):
    extra = field.json_schema_extra
    if field.is_required():
        default = "required"
    elif isinstance(field.default, BaseModel) or field.default == {}:
        default = ""
    else:
        default = f"`{json.dumps(field.default, default=_plain)}`"
    text = field.description.replace("|", "\\|")
    return f"| `{key}` | {default} | {extra['unit']} | {extra['paper']} | {text} |"


def _plain(section):
    """Section as its fields."""
    return section.model_dump()


def _sections(annotation):
    """Section models inside an annotation, and whether names stand above them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation], False
    inside = [_sections(argument) for argument in get_args(annotation)]
    many = getattr(annotation, "__origin__", None) is dict
    return (
        [section for sections, _ in inside for section in sections],
        any(below for sections, below in inside if sections) or many,
    )
