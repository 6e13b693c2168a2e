"""The weights that come with the package: what they are, and what they restore."""

import numpy as np
import pytest

import galrestore
from galrestore.baselines.methods import Choice, restore
from galrestore.errors import InputError
from galrestore.measurement.image_quality import scores
from galrestore.networks.weights import load_network, read_provenance
from galrestore.rng import stream
from galrestore.synthesis.degradation import degrade, gaussian_kernel
from galrestore.synthesis.rendering import render
from galrestore.weights import shipped

NAMES = ("nafnet", "restormer")
KERNEL = gaussian_kernel(1.88, 7)


@pytest.fixture(scope="module")
def simulated():
    """Sersic galaxies of GalSim and their low-quality images: no stamps of any sky."""
    generator = stream(5, "shipped")
    count = 24
    r50, n = generator.uniform(2, 6, count), generator.uniform(0.6, 4, count)
    q, theta = generator.uniform(0.3, 1, count), generator.uniform(0, np.pi, count)
    dx, dy = generator.uniform(-0.5, 0.5, (2, count))
    rows = zip(np.ones(count), r50, n, q, theta, dx, dy, strict=True)
    truth = np.stack([render(*row, size=64) for row in rows])
    noise = generator.uniform(0.01, 0.08, count)
    return degrade(truth, np.arange(count), noise, KERNEL, 5)[:2]


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small_and_say_what_made_them(name):
    network = load_network(shipped(name))
    assert sum(p.numel() for p in network.parameters()) < 3_000_000
    assert shipped(name).stat().st_size < 12e6
    record = read_provenance(shipped(name))
    assert record.stage == "train"
    assert record.seed == 20240331
    # Simulated skies alone: the stamps that it learned from are those of the workflow.
    assert all(path.startswith("results/pairs/jwst") for path in record.inputs)


@pytest.mark.parametrize("name", NAMES)
def test_they_restore_better_than_the_best_classical_method(simulated, name):
    truth, low_quality = simulated
    found = scores(galrestore.restore_stamps(low_quality, name), truth, 3.0)
    # The strongest baseline, with the parameters that `galrestore.config.restore` states.
    classical = scores(restore("sparse", low_quality, KERNEL, [Choice(0.7, 5)]), truth, 3.0)
    before = scores(low_quality, truth, 3.0)
    assert found["psnr_matched"].mean() > classical["psnr_matched"].mean()
    assert found["nrmse_source"].mean() < classical["nrmse_source"].mean()
    assert found["nrmse_source"].mean() < 0.5 * before["nrmse_source"].mean()


def test_the_default_is_the_better_one(simulated):
    low_quality = simulated[1][:2]
    default = galrestore.restore_stamps(low_quality)
    assert default.dtype == np.float32
    assert np.array_equal(default, galrestore.restore_stamps(low_quality, "nafnet"))
    assert np.array_equal(default, galrestore.restore_stamps(low_quality, shipped("nafnet")))
    assert not np.array_equal(default, galrestore.restore_stamps(low_quality, "restormer"))


def test_unknown_weights_are_refused():
    stamps = np.zeros((1, 16, 16))
    with pytest.raises(ValueError, match="no network 'gan' comes with the package, there are: naf"):
        galrestore.restore_stamps(stamps, "gan")
    with pytest.raises(InputError, match="does not exist"):
        galrestore.restore_stamps(stamps, "none.safetensors")


@pytest.mark.real
def test_the_authors_pairs(real_data):
    # Never trained on, never used to choose.  The floors are those that the project set
    # itself before the training: dB, SSIM, rms on the source, dB the paper's way.
    folder = real_data / "paper_sample" / "JWST"
    truth, low_quality = (
        np.stack([np.load(path).astype(float) for path in sorted((folder / name).glob("*.npy"))])
        for name in ("gt", "lq")
    )
    found = scores(galrestore.restore_stamps(low_quality), truth, 3.0)
    assert found["psnr_matched"].mean() > 42.0
    assert found["ssim_matched"].mean() > 0.935
    assert found["nrmse_source"].mean() < 0.12
    assert found["psnr"].mean() > 37.5
