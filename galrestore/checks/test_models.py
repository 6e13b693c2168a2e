"""Weights are finite and belong to a history that says so."""

import numpy as np
from safetensors.numpy import load_file

from galrestore.files.contracts.history import HISTORY


def test_weights_are_finite(artefacts, model):
    """No weight is NaN or infinite."""
    weights = load_file(artefacts.path(f"models/{model}.safetensors"))
    bad = sorted(name for name, values in weights.items() if not np.isfinite(values).all())
    assert weights, f"models/{model}: holds no weights"
    assert not bad, f"models/{model}: {', '.join(bad[:5])} are not finite"


def test_history_rises_to_one_best(artefacts, model):
    """Steps increase, and the last row marked best has the highest validation PSNR."""
    folder = model.rpartition("/")[0]
    history = artefacts.table(f"models/{folder}/history.parquet", HISTORY)
    assert (np.diff(history["step"]) > 0).all(), f"models/{folder}: steps do not increase"
    best = history[history["best"]]
    assert len(best), f"models/{folder}: no step is the best"
    assert best["validation_psnr"].iloc[-1] == history["validation_psnr"].max(), (
        f"models/{folder}: the best step has not the best validation PSNR"
    )
