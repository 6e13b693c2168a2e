"""Stage ``restore`` from the command line: a network and all baselines."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from astropy.io import fits

from galrestore.baselines.methods import METHODS, Choice, restore
from galrestore.cli import main
from galrestore.config.restore import BASELINES
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.tuning import TUNING_GRID
from galrestore.files.cubes import read_cube, read_ids, read_provenance, write_cube
from galrestore.files.tables import write_table
from galrestore.networks.architectures import fresh_network
from galrestore.networks.inference import apply_network
from galrestore.networks.weights import save_network
from galrestore.provenance import Provenance, sha256_of
from galrestore.rng import stream
from galrestore.synthesis.degradation import gaussian_kernel

RECORD = Provenance(stage="degrade", code="c", settings="{}", seed=3)
SIZE = {
    "dim": 4,
    "num_blocks": (1, 1, 1, 1),
    "num_refinement_blocks": 0,
    "heads": (1, 1, 2, 2),
    "ffn_expansion_factor": 2.0,
}


@pytest.fixture
def lq(tmp_path):
    """LQ of five pairs in the folder; the second and the last are the test split."""
    y, x = np.indices((18, 23)) - 9
    lq = np.exp(-0.5 * (x**2 + y**2) / 4) + stream(1, "lq").normal(0, 0.05, (5, 18, 23))
    ids = np.arange(5) + 100
    frame = pd.DataFrame({column.name: np.zeros(5) for column in PAIRS})
    frame["id"] = frame["group"] = ids
    frame["source"] = "galsim"
    frame["split"] = ["train", "test", "validation", "train", "test"]
    write_cube(tmp_path / "pairs.fits", {"GT": lq, "LQ": lq}, ids, RECORD)
    write_table(tmp_path / "pairs.parquet", frame, PAIRS, RECORD)
    return lq.astype(np.float32)


def _grid(folder, method, value=2.0, iterations=3):
    """Tuning with one class, of which one point is chosen."""
    empty = {"str": method, "int64": 0, "float64": 0.0, "bool": False}
    frame = pd.DataFrame({column.name: [empty[column.dtype]] * 2 for column in TUNING_GRID})
    frame["value"], frame["iterations"], frame["chosen"] = [9.0, value], iterations, [False, True]
    frame["scale"], frame["offset"] = 0.5, 0.25
    write_table(folder / "grid.parquet", frame, TUNING_GRID, RECORD)
    return folder / "grid.parquet"


def _restore(folder, method, *extra):
    status = main(
        [
            "restore",
            method,
            "--images",
            str(folder / "pairs.fits"),
            "--table",
            str(folder / "pairs.parquet"),
            "--settings",
            "{}",
            "--seed",
            "3",
            "--output",
            str(folder / "rs.fits"),
            "--log",
            str(folder / "restore.log"),
            *extra,
        ]
    )
    return status, folder / "rs.fits"


def test_network_restores_the_test_split(tmp_path, lq):
    network, weights = fresh_network("restormer", SIZE, 3), tmp_path / "weights.safetensors"
    save_network(weights, network, "restormer", SIZE, "jwst", RECORD)
    status, output = _restore(tmp_path, "network", "--weights", str(weights))
    assert status == 0
    assert read_ids(output).tolist() == [101, 104]
    assert np.array_equal(read_cube(output, "RS"), apply_network(network, lq[[1, 4]]))


def test_a_setting_turns_self_ensemble_on(tmp_path, lq):
    network, weights = fresh_network("restormer", SIZE, 3), tmp_path / "weights.safetensors"
    save_network(weights, network, "restormer", SIZE, "jwst", RECORD)
    extra = ("--weights", str(weights), "--settings", json.dumps({"self_ensemble": True}))
    _, output = _restore(tmp_path, "network", *extra)
    expected = apply_network(network, lq[[1, 4]], self_ensemble=True)
    assert np.array_equal(read_cube(output, "RS"), expected)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without CUDA")
def test_a_missing_device_names_the_setting(tmp_path, lq, capsys):
    network, weights = fresh_network("restormer", SIZE, 3), tmp_path / "weights.safetensors"
    save_network(weights, network, "restormer", SIZE, "jwst", RECORD)
    extra = ("--weights", str(weights), "--settings", json.dumps({"device": "cuda"}))
    status, output = _restore(tmp_path, "network", *extra)
    assert status == 2
    assert "restore.device" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("method", BASELINES)
def test_baselines_restore_the_test_split(tmp_path, lq, method):
    status, output = _restore(tmp_path, method, "--degradation", json.dumps({}))
    assert status == 0
    restored = read_cube(output, "RS")
    assert read_ids(output).tolist() == [101, 104]
    assert restored.shape == (2, 18, 23)
    # The galaxy of each stamp stays where it was; "none" is LQ itself.
    peaks = [np.unravel_index(image.argmax(), image.shape) for image in restored]
    assert np.abs(np.array(peaks) - 9).max() <= 2
    assert np.array_equal(restored, lq[[1, 4]]) == (method == "none")


def test_baselines_take_the_psf_image_of_the_pairs(tmp_path, lq):
    y, x = np.indices((31, 31)) - 15
    psf = np.exp(-(x**2 + y**2) / (2 * 1.6**2))
    fits.writeto(tmp_path / "psf.fits", psf)
    image = {"path": str(tmp_path / "psf.fits"), "pixel_scale": 0.025}
    _, output = _restore(tmp_path, "wiener", "--degradation", json.dumps({"psf_image": image}))
    with_image, made = read_cube(output, "RS"), read_provenance(output)
    # The same Gaussian: sigma of 1.6 pixels of 0.025 arcsec is 0.8 of 0.05.
    fwhm = 0.8 * np.sqrt(8 * np.log(2))
    _, output = _restore(tmp_path, "wiener", "--degradation", json.dumps({"psf_fwhm": fwhm}))
    # Quintic splines err by 2.5e-4 of the peak, see tests/synthesis/test_psf.py; the filter
    # raises some frequencies.
    np.testing.assert_allclose(with_image, read_cube(output, "RS"), atol=2e-3)
    assert str(tmp_path / "psf.fits") in made.inputs


@pytest.mark.parametrize("method", METHODS)
def test_baselines_run_as_they_were_tuned(tmp_path, lq, method):
    grid = _grid(tmp_path, method)
    status, output = _restore(tmp_path, method, "--degradation", "{}", "--grid", str(grid))
    assert status == 0
    kernel = gaussian_kernel(1.88, 7)
    expected = restore(method, lq[[1, 4]], kernel, [Choice(2.0, 3, 0.5, 0.25)])
    np.testing.assert_array_equal(read_cube(output, "RS"), expected)
    assert read_provenance(output).inputs[str(grid)] == sha256_of(grid)


def test_the_grid_of_another_method_is_refused(tmp_path, lq, capsys):
    grid = _grid(tmp_path, "wiener")
    status, output = _restore(tmp_path, "sparse", "--degradation", "{}", "--grid", str(grid))
    assert status == 2
    assert "grid.parquet: is not the grid of sparse" in capsys.readouterr().err
    assert not output.exists()


def test_an_empty_test_split_is_named(tmp_path, lq, capsys):
    table = pd.read_parquet(tmp_path / "pairs.parquet").assign(split="train")
    write_table(tmp_path / "pairs.parquet", table, PAIRS, RECORD)
    status, output = _restore(tmp_path, "none", "--degradation", "{}")
    assert status == 2
    assert "test split" in capsys.readouterr().err
    assert not output.exists()


def test_other_objects_are_refused(tmp_path, lq, capsys):
    table = pd.read_parquet(tmp_path / "pairs.parquet")
    table["id"] += 1
    write_table(tmp_path / "pairs.parquet", table, PAIRS, RECORD)
    status, _ = _restore(tmp_path, "none", "--degradation", "{}")
    assert status == 2
    assert "other objects" in capsys.readouterr().err
