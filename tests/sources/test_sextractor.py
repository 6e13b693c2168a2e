"""
Catalogues against SExtractor's, source by source.

Fractions asserted are those that the project promises; what is equal today is more, see
`benchmarks/detection.py`.
"""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.config.select import Select
from galrestore.sources.background import measure_background
from tests.sources import sextractor

# Widest stamp of this setting: all sources are measured.
ALL = {"maximum_width": 1000}


@pytest.fixture
def program(need, tmp_path):
    if not sextractor.present():
        need("Debian's source-extractor is not installed")

    def run(science, *args, **kwargs):
        return sextractor.sextractor(science, tmp_path, *args, **kwargs)

    return run


def compare(ours, theirs, identical=True):
    """Assert what issue and README promise of a catalogue."""
    assert len(ours) == len(theirs) > 10
    distance, ours = sextractor.matched(ours, theirs)
    if identical:
        # SExtractor writes positions as float32 or with seven digits.
        assert (distance < 2e-3).all()
        assert_array_equal(ours["area"], theirs["ISOAREA_IMAGE"])
        assert_allclose(ours["a"], theirs["A_IMAGE"], rtol=1e-5)
        assert_allclose(ours["b"], theirs["B_IMAGE"], rtol=1e-5)
        blended = theirs["FLAGS"].astype(int) & 2
        assert_array_equal(ours["flags"] & 1, blended // 2)
    assert np.mean(distance < 1) >= 0.999
    assert np.mean(ours["area"] == theirs["ISOAREA_IMAGE"]) >= 0.95
    for name, other, least in (
        ("a", "A_IMAGE", 0.95),
        ("b", "B_IMAGE", 0.95),
        ("flux_iso", "FLUX_ISO", 0.85),
        ("fluxerr_iso", "FLUXERR_ISO", 0.85),
        ("flux_auto", "FLUX_AUTO", 0.85),
        ("fluxerr_auto", "FLUXERR_AUTO", 0.85),
        ("r50", "FLUX_RADIUS", 0.85),
    ):
        assert sextractor.within(ours[name], theirs[other], 1e-3) >= least, name


def catalogue(mosaic, **settings):
    return sextractor.catalogue(mosaic, Select(**ALL | settings), 300)


@pytest.mark.parametrize("shape", [(613, 701), (250, 1000)])
def test_simulated_sky(make, program, shape):
    image = np.nan_to_num(make.crowded(shape, 250), nan=4)
    compare(catalogue(make.mosaic(image)), program(image)[0])


@pytest.mark.parametrize("mesh", [32, 64])
def test_background_has_the_same_bits(make, program, mesh):
    image = np.nan_to_num(make.crowded((411, 333), 80), nan=4)
    _, theirs = program(image, BACK_SIZE=mesh)
    mosaic = make.mosaic(image)
    ours = measure_background(image.shape, mosaic.window, mesh, 3)
    assert_array_equal(ours.window(0, 411, 0, 333), theirs)


def test_holes_in_the_data(make, program):
    image = make.crowded((613, 701), 250)
    assert np.isnan(image).any()
    compare(catalogue(make.mosaic(image)), program(image)[0])


def noise_of(shape):
    """Noise that varies by a third, with a part that is not exposed."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    noise = 1 + 0.3 * np.sin(x / 90) * np.cos(y / 70)
    return np.where((y > 300) & (y < 420) & (x > 500), np.inf, noise).astype(np.float32)


def test_rms_map(make, program):
    image = np.nan_to_num(make.crowded((613, 701), 250), nan=4)
    noise = noise_of(image.shape)
    theirs, _ = program(image, np.where(np.isfinite(noise), noise, 1e31))
    ours = catalogue(make.mosaic(image, noise, weight_kind="rms"))
    # Thresholds of pixels are rounded in another order.
    compare(ours, theirs, identical=False)


@pytest.mark.parametrize("varies", [False, True])
def test_weight_map(make, program, varies):
    image = np.nan_to_num(make.crowded((613, 701), 250), nan=4)
    noise = 2.5 * noise_of(image.shape)
    if not varies:
        noise = np.where(np.isfinite(noise), 2.5, np.inf).astype(np.float32)
    theirs, _ = program(image, noise**-2.0, "MAP_WEIGHT")
    ours = catalogue(make.mosaic(image, noise, weight_kind="inverse_variance"))
    # Thresholds of pixels are rounded in another order.
    compare(ours, theirs, identical=False)
    # The scale of the weights: errors of sources with the same pixels, in single precision.
    _, ours = sextractor.matched(ours, theirs)
    same = (ours["area"] == theirs["ISOAREA_IMAGE"]).to_numpy()
    ratio = np.median((ours["fluxerr_iso"] / theirs["FLUXERR_ISO"])[same])
    assert_allclose(ratio, 1, rtol=1e-6)


@pytest.mark.parametrize("area", [1, 3, 8])
def test_other_areas(make, program, area):
    image = np.nan_to_num(make.crowded((450, 401), 120), nan=4)
    ours = catalogue(make.mosaic(image), minimum_area=area)
    compare(ours, program(image, DETECT_MINAREA=area)[0], identical=False)


@pytest.mark.parametrize("name", ["scene_a", "scene_b", "scene_147246"])
def test_real_scenes(make, program, real_data, name):
    image = fits.getdata(real_data / "hst_cosmos_f814w" / f"{name}.fits").astype(np.float32)
    compare(catalogue(make.mosaic(image)), program(image)[0])
