"""Fits of real galaxies against published ones."""

import numpy as np
import pytest
from astropy.io import fits

from galrestore.sersic.fitting import fit_sersic, model_images

FWHM = 0.1 / 0.03  # a Gaussian of 0.1 arcsec for ACS, in pixels of 0.03 arcsec


@pytest.fixture(scope="module")
def galaxies(real_data):
    """Stamps of ten galaxies of COSMOS, their published parameters, and our fits."""
    folder = real_data / "hst_cosmos_f814w"
    published = fits.getdata(folder / "real_galaxy_catalog_23.5_fits.fits")["sersicfit"]
    with fits.open(folder / "real_galaxy_images_23.5_n1.fits") as hdus:
        stamps = [hdu.data.astype(float) for hdu in hdus]
    # Intensity, semi-major half-light radius, index, axis ratio, boxiness, x, y, angle.
    names = {"n": 2, "q": 3, "theta": 7}
    table = {name: published[:, column] for name, column in names.items()}
    table["r50"] = published[:, 1] * np.sqrt(table["q"])
    return stamps, table, [fit_sersic(stamp[None], FWHM, centre_bound=6) for stamp in stamps]


@pytest.mark.real
def test_chi_square_is_not_above_that_of_the_published_shape(galaxies):
    # The published shape at our centre, its flux and the background free.
    stamps, table, found = galaxies
    for k, (stamp, fit) in enumerate(zip(stamps, found, strict=True)):
        assert fit["failure"][0] == ""
        shape = {name: values[k] for name, values in table.items()}
        shape |= {"x": fit["x"], "y": fit["y"], "model_flux": 1.0}
        image = model_images(shape, stamp.shape, FWHM)[0].astype(float)
        design = np.column_stack([image.ravel(), np.ones(image.size)])
        rest = stamp.ravel() - design @ np.linalg.lstsq(design, stamp.ravel(), rcond=None)[0]
        assert fit["chi2"][0] * (stamp.size - 8) < (rest**2).sum() / fit["rms"][0] ** 2 + 0.5


@pytest.mark.real
def test_shapes_are_near_the_published_ones(galaxies):
    # Guards against mistakes of convention (major axis, angle, pixel scale), which would
    # cost 20 % or more.  Medians of ten when this was written: 4 % in n, 10 % in size, 0.02 in
    # axis ratio, 0.01 rad.  Sizes are larger here by 9 %, because a Gaussian of any width lacks
    # the wings of the PSF: docs/published_fits.md.
    _, table, found = galaxies
    ours = {name: np.array([fit[name][0] for fit in found]) for name in table}
    turn = (ours["theta"] - table["theta"] + np.pi / 2) % np.pi - np.pi / 2
    for difference, limit in (
        (np.log(ours["n"] / table["n"]), 0.1),
        (np.log(ours["r50"] / table["r50"]), 0.15),
        (ours["q"] - table["q"], 0.05),
        (turn, 0.05),
    ):
        assert np.median(np.abs(difference)) < limit
