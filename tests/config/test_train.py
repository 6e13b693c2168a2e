"""Settings of training: phases of the models."""

import pytest
from pydantic import ValidationError

from galrestore.config import Train


def test_phases_of_the_papers_models():
    train = Train()
    assert train.lineage("transfer") == "galsim-jwst"
    assert train.phases("galsim") == [2]
    assert train.phases("galsim-jwst") == [2]
    assert train.phases("jwst-galsim") == []


def test_one_cosine_over_shared_phases_needs_models_of_equal_length():
    models = {"galsim": ("galsim",), "transfer": ("galsim", "jwst")}
    assert Train(variants=models).phases("galsim") == [1, 2]
    with pytest.raises(ValidationError, match=r"'galsim' begin models of \[1, 2\] phases"):
        Train(variants=models, schedule="paper")


def test_batches_are_made_of_whole_micro_batches():
    with pytest.raises(ValidationError, match=r"multiple of train\.micro_batch, got 64 and 48"):
        Train(micro_batch=48)
