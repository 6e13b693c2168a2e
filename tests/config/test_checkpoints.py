"""Weights given by name: what is accepted, and what depends on them."""

import pytest

from galrestore import config
from galrestore.errors import SettingsError
from galrestore.weights import checkpoint_file, shipped


def load(**restore):
    return config.load({"seed": 1, "acquire": {}, "restore": restore})


def test_a_checkpoint_is_a_method_that_figures_may_show():
    settings = config.load(
        {
            "seed": 1,
            "acquire": {},
            "restore": {"checkpoints": {"theirs": "folder/net.safetensors", "own": "shipped"}},
            "present": {"variant": "own"},
        }
    )
    assert settings.shown_method() == "own"
    assert settings.shown_variant() in settings.train.variants
    assert settings.lineages()["theirs"] == "given/theirs"
    assert checkpoint_file("folder/net.safetensors") == "folder/net.safetensors"
    assert checkpoint_file("shipped") == checkpoint_file("nafnet") == str(shipped())


def test_methods_that_are_there_do_not_rerun_for_a_checkpoint():
    assert load(checkpoints={"own": "shipped"}).section("restore") == load().section("restore")


@pytest.mark.parametrize(
    ("checkpoints", "message"),
    [
        ({"sparse": "shipped"}, "'sparse' is another method's name"),
        ({"jwst": "shipped"}, "'jwst' is another method's name"),
        ({"theirs": "net.pth"}, "no network 'net.pth' comes with the package, there are: nafnet"),
    ],
)
def test_unusable_checkpoints_are_refused(checkpoints, message):
    with pytest.raises(SettingsError, match=message):
        load(checkpoints=checkpoints)
