"""Reader of single exposures: planes, units, distortion, and files that are none."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.errors import InputError
from galrestore.files.exposures import BAD_PIXEL, COSMIC_RAY, DataQuality, read_exposure

NAMES = ("iebc16ubq", "iebc17enq")


def minimal(path, unit="ELECTRONS", chips=1, **planes):
    """Write an exposure of 4 x 6 pixels with a plain TAN WCS."""
    primary = fits.PrimaryHDU()
    primary.header.update(
        INSTRUME="ACS", DETECTOR="WFC", FILTER1="CLEAR1L", FILTER2="F814W", EXPTIME=500.0
    )
    primary.header.update(ROOTNAME="jtest01q", READNSEA=3.9, READNSEB=4.1, READNSEC=0.0)
    hdus = [primary]
    for version in range(1, chips + 1):
        science = fits.ImageHDU(np.full((4, 6), 10.0, np.float32), name="SCI", ver=version)
        header = science.header
        header.update(BUNIT=unit, CCDCHIP=3 - version, MDRIZSKY=2.0, IDCSCALE=0.05)
        header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRVAL1=53.0, CRVAL2=-27.0)
        header.update(CRPIX1=3.0, CRPIX2=2.0, CD1_1=-1.4e-5, CD2_2=1.4e-5)
        header.update(PHOTFLAM=7.03e-20, PHOTPLAM=8045.0)
        error = fits.ImageHDU(np.full((4, 6), 3.0, np.float32), name="ERR", ver=version)
        flags = fits.ImageHDU(np.zeros((4, 6), np.int16), name="DQ", ver=version)
        hdus += [planes.get("SCI", science), planes.get("ERR", error), planes.get("DQ", flags)]
    fits.HDUList([hdu for hdu in hdus if hdu is not None]).writeto(path)
    return path


def test_chips_and_their_names(tmp_path):
    exposure = read_exposure(minimal(tmp_path / "e_flc.fits", chips=2))
    assert [chip.name for chip in exposure.chips] == ["WFC2", "WFC1"]
    assert (exposure.name, exposure.instrument) == ("jtest01q", "ACS/WFC")
    assert exposure.band == "F814W"
    # ABMAG_ZP = -2.5 log PHOTFLAM - 5 log PHOTPLAM - 2.408; 25.95 is published for F814W.
    assert_allclose(exposure.zeropoint, 25.95, atol=0.01)
    assert exposure.chips[0].read_noise == pytest.approx(4.0)  # amplifiers not used have 0
    assert not exposure.cosmic_rays_flagged


@pytest.mark.parametrize(("unit", "factor"), [("ELECTRONS", 1.0), ("ELECTRONS/S", 500.0)])
def test_pixels_are_electrons(tmp_path, unit, factor):
    chip = read_exposure(minimal(tmp_path / "e_flt.fits", unit)).chips[0]
    assert_array_equal(chip.data, 10.0 * factor)
    assert_array_equal(chip.error, 3.0 * factor)
    assert (chip.exposure_time, chip.sky) == (500.0, 2.0 * factor)


def test_plane_of_equal_pixels_may_be_a_header(tmp_path):
    flags = fits.ImageHDU(name="DQ", ver=1)
    flags.header.update(NPIX1=6, NPIX2=4, PIXVALUE=16)
    chip = read_exposure(minimal(tmp_path / "e_flt.fits", DQ=flags)).chips[0]
    assert_array_equal(chip.dq, np.full((4, 6), 16))
    assert chip.bad.all()


def test_flags_are_disjoint():
    assert BAD_PIXEL & COSMIC_RAY == 0
    assert DataQuality.HOT in BAD_PIXEL
    assert DataQuality.WARM not in BAD_PIXEL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "COUNTS"}, "SCI,1 has BUNIT = 'COUNTS', expected ELECTRONS"),
        ({"DQ": None}, "has no extension DQ,1"),
        ({"ERR": fits.ImageHDU(np.ones((4, 5), np.float32), name="ERR")}, r"ERR,1 has shape"),
        ({"SCI": None}, "has no extension SCI, its extensions are: PRIMARY, ERR, DQ"),
        ({"DQ": fits.ImageHDU(np.ones((4, 6), np.int16), name="WHT")}, "is a drizzled product"),
    ],
)
def test_file_that_is_no_exposure_names_what_is_missing(tmp_path, change, message):
    unit = change.pop("unit", "ELECTRONS")
    path = minimal(tmp_path / "e_flt.fits", unit, **change)
    with pytest.raises(InputError, match=message) as caught:
        read_exposure(path)
    assert str(path) in str(caught.value)


def test_exposure_without_time(tmp_path):
    path = minimal(tmp_path / "e_flt.fits")
    fits.setval(path, "EXPTIME", value=0.0)
    with pytest.raises(InputError, match=r"EXPTIME = 0\.0, expected seconds above 0"):
        read_exposure(path)


def test_lost_distortion_table(tmp_path, real_data):
    path = tmp_path / "e_flc.fits"
    shutil.copy(real_data / "hst_flc_uvis" / f"{NAMES[0]}_flc.fits", path)
    path.chmod(0o644)
    with fits.open(path, mode="update") as hdus:
        del hdus["D2IMARR", 2]
    with pytest.raises(InputError, match="refers to a distortion table that is absent"):
        read_exposure(path)


def test_truncated_file(tmp_path, real_data):
    path = tmp_path / "e_flc.fits"
    whole = (real_data / "hst_flc_uvis" / f"{NAMES[0]}_flc.fits").read_bytes()
    path.write_bytes(whole[: len(whole) // 4])
    with pytest.raises(InputError, match=r"truncated|no extension|not a readable"):
        read_exposure(path)


@pytest.mark.real
@pytest.mark.parametrize("name", NAMES)
def test_real_exposure(real_data, name):
    exposure = read_exposure(real_data / "hst_flc_uvis" / f"{name}_flc.fits")
    chip = exposure.chips[0]
    assert (exposure.instrument, exposure.band) == ("WFC3/UVIS", "F814W")
    assert (chip.name, chip.shape, chip.exposure_time) == ("UVIS2", (512, 513), 104.0)
    assert_allclose(chip.nominal_scale, 0.0396, atol=1e-4)
    # WFC3 Instrument Handbook: AB zeropoint of F814W near 25.1, read noise 3.1 electrons.
    assert_allclose((exposure.zeropoint, chip.read_noise), (25.12, 3.1), atol=0.03)
    assert exposure.cosmic_rays_flagged
    # Blank sky: its scatter is the error plane's, or more, since the correction for charge
    # transfer amplifies read noise and the error plane leaves that out.
    blank = ~(chip.bad | chip.hit)
    scatter = 1.4826 * np.median(np.abs(chip.data - np.median(chip.data))[blank])
    assert 0.97 < scatter / np.median(chip.error[blank]) < 1.3
    assert_allclose(np.median(chip.data[blank]), chip.sky, atol=0.2)


@pytest.mark.real
def test_every_part_of_the_distortion_counts(real_data):
    wcs = read_exposure(real_data / "hst_flc_uvis" / f"{NAMES[0]}_flc.fits").chips[0].wcs
    assert wcs.sip is not None
    x, y = np.meshgrid(np.arange(0, 513, 64.0), np.arange(0, 512, 64.0))
    full = np.stack(wcs.all_pix2world(x, y, 0))
    whole = wcs.deepcopy()
    shifts = {}
    for part, names in {
        "d2im": ("det2im1", "det2im2"),
        "npol": ("cpdis1", "cpdis2"),
        "sip": ("sip",),
    }.items():
        wcs = whole.deepcopy()
        for name in names:
            setattr(wcs, name, None)
        other = np.stack(wcs.all_pix2world(x, y, 0))
        scale = 3600 * np.array([np.cos(np.radians(4.83)), 1])[:, None, None]
        shifts[part] = np.hypot(*((other - full) * scale)).max() / 0.0396
    # D2IMERR1 and 2 in the header say at most 0.049 and 0.035 pixel, NPOL tables 0.038; the
    # quadratic terms, 3e-6 times 256 squared, 0.2 pixel.
    assert 0.005 < shifts["d2im"] < 0.061
    assert 0.005 < shifts["npol"] < 0.06
    assert 0.15 < shifts["sip"] < 1
