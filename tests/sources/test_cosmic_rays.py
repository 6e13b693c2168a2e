"""L.A.Cosmic on real exposures against their flags, and the filling of holes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_dilation, label, median_filter

from galrestore.files.exposures import read_exposure
from galrestore.sources.cosmic_rays import clean_stamp, effective_read_noise, find_cosmic_rays


def test_stamp_that_is_not_hit_comes_back_as_it_is():
    image = np.random.default_rng(2).normal(60, 8, (64, 64)).astype(np.float32)
    clean = clean_stamp(image, 4.0, cosmic_rays=np.zeros(image.shape, bool))
    assert_array_equal(clean.image, image)
    assert (clean.hits, clean.replaced) == (0, 0)


def test_holes_are_filled_from_their_rims():
    y, x = np.indices((40, 40))
    image = (5.0 + 0.3 * x - 0.2 * y).astype(np.float32)
    bad = np.zeros(image.shape, bool)
    bad[20, 10], bad[5:7, 30:32], bad[0, 0] = True, True, True
    clean = clean_stamp(np.where(bad, 1e4, image), 4.0, bad, np.zeros(image.shape, bool))
    # A symmetric kernel returns a plane exactly; of a corner it sees one side only, 1.2
    # pixels away in the mean.
    inner = bad.copy()
    inner[0, 0] = False
    assert_allclose(clean.image[inner], image[inner], atol=0.16)
    assert_allclose(clean.image[0, 0], image[0, 0], atol=1.2 * 0.5)
    assert clean.replaced == 6
    assert_array_equal(clean.image[~bad], image[~bad])


def test_large_holes_are_filled_too():
    image = np.full((60, 60), 7.0, np.float32)
    image[10:50, 10:50] = np.nan
    clean = clean_stamp(image, 4.0, cosmic_rays=np.zeros(image.shape, bool))
    assert_allclose(clean.image, 7.0, rtol=1e-6)


def test_stamp_without_a_good_pixel_is_refused():
    with pytest.raises(ValueError, match=r"no good pixel in an image of shape \(8, 8\)"):
        clean_stamp(np.full((8, 8), np.nan), 4.0)
    with pytest.raises(ValueError, match="noise must be positive, got 0"):
        find_cosmic_rays(np.ones((8, 8)), 0.0)


def test_noise_beyond_that_of_electrons():
    rng = np.random.default_rng(4)
    image = rng.poisson(40.0, (200, 200)) + rng.normal(0, 5.0, (200, 200))
    # Variance 40 + 25, five sigma of 40,000 pixels: 65 x 5 sqrt(2 / 40000) = 2.3 of 25; as
    # much again for clipping at 3 sigma, which takes 2.7 per cent of the variance.
    assert_allclose(effective_read_noise(image, 3.0) ** 2, 25, atol=2.3 + 0.027 * 65)
    assert effective_read_noise(image, 9.0) == 9.0


@pytest.mark.real
@pytest.mark.parametrize("name", ["iebc16ubq", "iebc17enq"])
def test_real_cosmic_rays_are_those_that_astrodrizzle_flagged(real_data, name):
    chip = read_exposure(real_data / "hst_flc_uvis" / f"{name}_flc.fits").chips[0]
    noise = effective_read_noise(chip.data, chip.read_noise, chip.bad | chip.hit)
    found = find_cosmic_rays(chip.data, noise, chip.bad)
    local = median_filter(chip.data, 7)
    sigmas = (chip.data - local) / np.sqrt(noise**2 + np.maximum(local, 0))
    strong = chip.hit & ~chip.bad & (sigmas > 10)
    marks, _ = label(chip.hit, np.ones((3, 3)))
    events = np.unique(marks[strong])
    # 1.1 cm^-2 s^-1 in 104 s on 0.59 cm^2 are 67 events, and hot pixels beside them.
    assert 50 < len(events) < 200
    # The flags come from comparing three exposures, so they know more: of the pixels they
    # flag most lie below 5 sigma.  Those above 10 sigma L.A.Cosmic must not miss: its own
    # threshold is 5, and half the charge of a neighbour lowers the Laplacian.
    assert found[strong].mean() > 0.9
    assert np.mean(np.isin(events, np.unique(marks[found]))) > 0.95
    # False ones: noise above 5 sigma, none; pixels newly hot, and the rims of hits.
    assert binary_dilation(chip.hit, np.ones((3, 3)))[found].mean() > 0.9
