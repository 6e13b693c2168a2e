"""Any YAML value at any key of a configuration: accepted, or refused with the key."""

import copy
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from galrestore import config
from galrestore.errors import SettingsError

FOLDER = Path(__file__).resolve().parents[2] / "config"
BASE = yaml.safe_load((FOLDER / "config.yaml").read_text(encoding="utf-8"))

NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, -1, 1, 1e-300, 1e300])
SCALARS = (
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8) | st.dates() | st.binary(max_size=4)
)
KEYS = st.text(max_size=8) | st.integers() | st.none() | st.booleans()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def places(tree, before=()):
    """Keys of every value in a tree of mappings."""
    for key, value in tree.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from places(value, (*before, key))


SECTIONS = [(name,) for name in config.RunConfig.model_fields]
FIELDS = [
    (name, key)
    for name, field in config.RunConfig.model_fields.items()
    for key in getattr(field.annotation, "model_fields", {})
]
PLACES = sorted({*places(BASE), *SECTIONS, *FIELDS})


def changed(place, value):
    """Return the configuration of the demonstration with one value replaced or added."""
    tree = copy.deepcopy(BASE)
    inner = tree
    for key in place[:-1]:
        inner[key] = inner.get(key) or {}
        inner = inner[key]
    inner[place[-1]] = value
    return tree


def outcome(validate, value):
    """Return what a validator returns, or the one error it may raise."""
    try:
        return validate(value)
    except SettingsError as error:
        return error


def named(error):
    """Tell an error that names the key; one of another section is named as well as ours."""
    return isinstance(error, SettingsError) and error.key and str(error.key) in str(error)


@settings(max_examples=120, derandomize=True, deadline=None, database=None)
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_at_any_key(place, value):
    found = outcome(config.load, changed(place, value))
    assert isinstance(found, config.RunConfig) or named(found)


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(
    place=st.sampled_from(SECTIONS + FIELDS), name=st.text(min_size=1, max_size=8), value=SCALARS
)
def test_unknown_keys(place, name, value):
    """In any section whose keys are not names of the user's choice."""
    place = (*place[:-1], name + "?")
    assert named(outcome(config.load, changed(place, value)))


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(name=st.sampled_from(sorted(config.RunConfig.model_fields)), text=st.text(max_size=30))
def test_any_text_on_the_command_line(name, text):
    """Stages get their section as JSON."""
    model = config.RunConfig.model_fields[name].annotation
    if not hasattr(model, "model_fields"):
        return
    found = outcome(config.section_from_json(model), text)
    assert isinstance(found, model) or named(found)
