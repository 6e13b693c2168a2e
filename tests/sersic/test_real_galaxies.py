"""Fits of real galaxies against published ones."""

import numpy as np
import pytest
from astropy.io import fits

from galrestore.sersic.fitting import fit_sersic


@pytest.mark.real
def test_ten_galaxies_of_cosmos(real_data):
    # Published fits (Lackner & Gunn 2012 method, real PSF, 0.03 arcsec pixels); ours with a
    # Gaussian of 0.1 arcsec.  Their own scatter against other fitters is about 20 % in n and
    # 10 % in size (Mandelbaum et al. 2014), hence the limits for the medians of ten.
    folder = real_data / "hst_cosmos_f814w"
    published = fits.getdata(folder / "real_galaxy_catalog_23.5_fits.fits")["sersicfit"]
    rows = []
    with fits.open(folder / "real_galaxy_images_23.5_n1.fits") as hdus:
        for hdu, (_, major, n, q, *_, angle) in zip(hdus, published, strict=True):
            found = fit_sersic(hdu.data[None].astype(float), 0.1 / 0.03, centre_bound=6)
            assert found["failure"][0] == ""
            turn = (found["theta"][0] - angle + np.pi / 2) % np.pi - np.pi / 2
            ratios = found["n"][0] / n, found["r50"][0] / (major * np.sqrt(q))
            rows.append((*np.abs(np.log(ratios)), abs(found["q"][0] - q), abs(turn)))
    median = np.median(rows, axis=0)
    assert np.all(median < [0.2, 0.1, 0.05, 0.05]), median
