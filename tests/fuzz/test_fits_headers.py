"""Any cards in the header of a FITS image: it is described and read, or refused by name."""

import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from galrestore.archive.local import describe
from galrestore.config.acquire import Acquire
from galrestore.errors import InputError
from galrestore.files.cubes import read_cube, read_ids, read_provenance, write_cube
from galrestore.files.exposures import read_exposure
from galrestore.files.mosaics import open_mosaic
from galrestore.provenance import Provenance
from tests.archive.loopback import flc

FUZZ = settings(max_examples=60, derandomize=True, deadline=None, database=None)
MOSAIC = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "field",
    "science": "m.fits",
    "unit": "electron/s",
    "psf_fwhm": 0.094,
    "pixel_scale": 0.05,
}
SETTINGS = Acquire.model_validate({"local": {"root": ".", "mosaics": {"m": MOSAIC}}})
SHAPE = (9, 11)

CARD_NAMES = """
SIMPLE BITPIX NAXIS NAXIS1 NAXIS2 EXTEND BSCALE BZERO BLANK BUNIT CTYPE1 CTYPE2 CRVAL1
CRVAL2 CRPIX1 CRPIX2 CDELT1 CDELT2 CD1_1 CD1_2 CD2_1 CD2_2 PC1_1 PC1_2 CUNIT1 CUNIT2
LONPOLE EQUINOX RADESYS WCSAXES A_ORDER B_ORDER A_2_0 CPDIS1 DP1 PV1_1 PV2_1 EXPTIME
XTENSION PCOUNT GCOUNT GROUPS CHECKSUM DATASUM GRPROV EXTNAME END PHOTFLAM IDCSCALE
CCDCHIP
"""
KEYS = st.sampled_from(CARD_NAMES.split())
NUMBERS = st.integers(-(10**12), 10**12).map(str) | st.floats().map(lambda x: f"{x:.8G}")
LIKELY = st.sampled_from(
    ["8", "16", "32", "64", "-32", "-64", "0", "1", "2", "3", "-1", "T", "F", "NaN", "", "inf"]
    + ["'RA---TAN'", "'DEC--TAN'", "'RA---SIN'", "'GLON-CAR'", "'RA---TAN-SIP'", "'LOOKUP'"]
    + ["'deg'", "'Angstrom'", "'IMAGE'", "'BINTABLE'", "'unclosed", "1.0E", "(1, 2)", "0.00001"]
)
CARDS = st.lists(st.tuples(KEYS, NUMBERS | LIKELY), min_size=1, max_size=4)


def with_cards(content, cards, start=0):
    """Replace cards of a header, or put new ones before END, without a look at their sense."""
    blocks = bytearray(content)
    for key, value in cards:
        card = f"{key:<8}= {value:>20}"[:80].ljust(80).encode("ascii")
        place = start
        while blocks[place : place + 8].rstrip() not in (key.encode(), b"END"):
            place += 80
        if blocks[place : place + 8].rstrip() == b"END":
            if (place - start) % 2880 == 2800:
                continue  # the block is full
            blocks[place + 80 : place + 160] = b"END".ljust(80)
        blocks[place : place + 80] = card
    return bytes(blocks)


def image():
    header = fits.Header()
    for axis, (kind, value) in enumerate([("RA---TAN", 150.0), ("DEC--TAN", 2.0)], 1):
        header[f"CTYPE{axis}"], header[f"CRVAL{axis}"] = kind, value
        header[f"CRPIX{axis}"], header[f"CDELT{axis}"] = 5.0, (-1) ** axis * 0.05 / 3600
    pixels = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)
    return fits.PrimaryHDU(pixels, header)


def bytes_of(hdus):
    with tempfile.TemporaryDirectory() as folder:
        hdus.writeto(Path(folder, "a.fits"))
        return Path(folder, "a.fits").read_bytes()


def judged(content, name, read):
    """Read a file of this content: whatever comes out, or an error with its name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        found = None
        try:
            read(path)
        except InputError as error:
            found = error
        assert found is None or (found.path == str(path) and found.problem)


IMAGE = bytes_of(image())


def read_mosaic(path):
    row = describe("m", SETTINGS.local.mosaics["m"], str(path.parent))
    assert row["pixel_scale"] > 0
    with open_mosaic(row) as mosaic:
        height, width = mosaic.shape
        science, _, mask = mosaic.window(0, height, 0, width)
        assert np.isfinite(science[~mask]).all()
        mosaic.sky([0.0], [0.0])


@FUZZ
@given(cards=CARDS)
def test_mosaics(cards):
    judged(with_cards(IMAGE, cards), "m.fits", read_mosaic)


EXPOSURE = flc()
SCI = EXPOSURE.index(b"XTENSION")


@FUZZ
@given(cards=CARDS, primary=st.booleans())
def test_exposures(cards, primary):
    content = with_cards(EXPOSURE, cards, 0 if primary else SCI)
    judged(content, "j_flc.fits", read_exposure)


def cube():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "c.fits")
        pixels = np.ones((3, 4, 5))
        write_cube(path, {"LQ": pixels}, np.arange(3), Provenance("degrade", "c", "{}", 1))
        return path.read_bytes()


CUBE = cube()
LQ = CUBE.index(b"XTENSION")


def read_stamps(path):
    assert read_cube(path, "LQ").tolist() == np.ones((3, 4, 5)).tolist()
    assert read_ids(path).tolist() == [0, 1, 2]
    read_provenance(path)


@FUZZ
@given(cards=CARDS, primary=st.booleans())
def test_cubes(cards, primary):
    """Their checksums find any other card, so that what is read is what was written."""
    judged(with_cards(CUBE, cards, 0 if primary else LQ), "c.fits", read_stamps)
