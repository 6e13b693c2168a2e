"""Settings of training: phases of the models."""

import pytest
from pydantic import ValidationError

from galrestore.config.train import Phase, Train


def test_phases_of_the_papers_models():
    train = Train(schedule="paper")
    assert train.variants["transfer"].model == "restormer/galsim-jwst"
    assert train.models() == [
        "restormer/galsim",
        "restormer/galsim-galsim",
        "restormer/galsim-jwst",
        "restormer/jwst",
        "restormer/jwst-jwst",
    ]
    phase = Phase.model_validate_json(train.phase("restormer", "galsim-jwst"))
    assert (phase.position, phase.phases) == (1, 2)


def test_a_phase_does_not_depend_on_other_models():
    alone = Train(variants={"jwst": ["jwst"]})
    networks = {"restormer": {"architecture": "restormer"}, "plain": {"architecture": "unet"}}
    variants = {"jwst": ["jwst"], "plain": {"network": "plain", "sets": ["jwst", "jwst"]}}
    both = Train(networks=networks, variants=variants)
    assert both.models() == ["plain/jwst", "plain/jwst-jwst", "restormer/jwst"]
    assert both.phase("restormer", "jwst") == alone.phase("restormer", "jwst")


def test_a_network_may_have_a_recipe_of_its_own():
    networks = {"restormer": {"architecture": "restormer"}, "plain": {"architecture": "unet"}}
    train = Train(networks=networks, recipes={"plain": {"learning_rate": 0.01}})
    assert train.recipe("plain").learning_rate == 0.01
    assert train.recipe("restormer").learning_rate == 3e-4
    assert train.recipe("plain").iterations == train.iterations
    with pytest.raises(ValidationError, match="no network 'other'"):
        Train(recipes={"other": {"learning_rate": 0.01}})
    with pytest.raises(ValidationError, match="rate"):
        Train(recipes={"restormer": {"rate": 0.01}})


def test_null_takes_a_variant_out():
    assert list(Train(variants={"a": ["jwst"], "b": None}).variants) == ["a"]
    with pytest.raises(ValidationError, match="at least 1"):
        Train(variants={"a": None})


def test_a_variant_of_an_unknown_network_is_refused():
    with pytest.raises(
        ValidationError, match=r"small\.network: no network 'tiny', there are restor"
    ):
        Train(variants={"small": {"network": "tiny", "sets": ["jwst"]}})


def test_one_cosine_over_shared_phases_needs_models_of_equal_length():
    models = {"galsim": ("galsim",), "transfer": ("galsim", "jwst")}
    assert Train(variants=models).models() == ["restormer/galsim", "restormer/galsim-jwst"]
    with pytest.raises(ValidationError, match=r"'galsim' begin models of \[1, 2\] phases; 'code'"):
        Train(variants=models, schedule="paper")


def test_batches_are_made_of_whole_micro_batches():
    with pytest.raises(ValidationError, match=r"multiple of train\.micro_batch, got 64 and 48"):
        Train(micro_batch=48)


def test_a_phase_may_have_a_recipe_of_its_own():
    own = {
        "restormer": {"iterations": 9, "ema": 0.9},
        "restormer/galsim-jwst": {"learning_rate": 1e-4},
    }
    train = Train(recipes=own | {"restormer/galsim": {"iterations": 5}})
    phases = {model: train.recipe(*model.split("/")) for model in train.models()}
    assert {model for model, phase in phases.items() if phase.learning_rate == 1e-4} == {
        "restormer/galsim-jwst"
    }
    assert {model for model, phase in phases.items() if phase.iterations == 5} == {
        "restormer/galsim"
    }
    assert {phase.ema for phase in phases.values()} == {0.9}
    assert '"learning_rate":0.0001' in train.phase("restormer", "galsim-jwst")
    with pytest.raises(ValidationError, match=r"no phase 'restormer/jwst-galsim', there are rest"):
        Train(recipes={"restormer/jwst-galsim": {"learning_rate": 1e-4}})
    with pytest.raises(ValidationError, match="pattern"):
        Train(recipes={"restormer/hst": {"learning_rate": 1e-4}})


def test_one_cosine_needs_phases_that_have_it_in_common():
    own = {"restormer/galsim-jwst": {"weight_decay": 0.0}}
    assert Train(schedule="paper", recipes=own).recipe("restormer").schedule == "paper"
    for setting in ({"iterations": 9}, {"learning_rate": 1e-4}, {"schedule": "code"}):
        with pytest.raises(ValidationError, match=r"one cosine, but .* phases of 'transfer' other"):
            Train(schedule="paper", recipes={"restormer/galsim-jwst": setting})
