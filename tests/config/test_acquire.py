"""Settings of local mosaics: published measurements."""

import pytest
from pydantic import ValidationError

from galrestore.config.acquire import LocalMosaic, PublishedFits

MOSAIC = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "patch",
    "science": "sci.fits",
    "science_hdu": "all",
    "unit": "electron/s",
    "psf_fwhm": 0.1,
    "published": {"table": "t.fits", "sersic": "fit"},
}


def test_options_name_extension_and_columns():
    assert PublishedFits(table="t", sersic="a").arguments() == ["--hdu", "1", "--sersic", "a"]
    both = PublishedFits(table="t", table_hdu="FITS", sersic="a", flux_radius="b").arguments()
    assert both == ["--hdu", "FITS", "--sersic", "a", "--flux-radius", "b"]


def test_a_column_must_be_named():
    with pytest.raises(ValidationError, match="give sersic, flux_radius or both"):
        PublishedFits(table="t.fits")


@pytest.mark.parametrize("change", [{"telescope": "jwst"}, {"science_hdu": 0}])
def test_only_cutouts_of_hst_are_compared(change):
    assert LocalMosaic(**MOSAIC).published.table == "t.fits"
    with pytest.raises(ValidationError, match="published measurements need HST cutouts"):
        LocalMosaic(**MOSAIC | change)
