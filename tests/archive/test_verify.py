"""Files that are not whole, not FITS or not what they should be are told apart."""

import io

import numpy as np
import pytest
from astropy.io import fits

from galrestore.archive import verify as module
from galrestore.archive.verify import verify
from galrestore.errors import InputError
from tests.archive.loopback import flc, hlf, i2d

FILES = {"i2d": i2d(), "sci": hlf(), "wht": hlf(2), "flc": flc()}


def written(folder, content):
    path = folder / "x.fits"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("role", FILES)
def test_whole_files_pass(tmp_path, role):
    path = written(tmp_path, FILES[role])
    assert verify(path, role, len(FILES[role]))["SIMPLE"] is True
    assert verify(path, role)["SIMPLE"] is True


def test_files_are_read_in_pieces(tmp_path, monkeypatch):
    read = []
    section = fits.hdu.image.Section.__getitem__
    monkeypatch.setattr(
        fits.hdu.image.Section, "__getitem__", lambda s, key: read.append(key) or section(s, key)
    )
    monkeypatch.setattr(module, "_MEMORY", 7 * 25 * 4)  # seven rows of 25 floats
    verify(written(tmp_path, FILES["sci"]), "sci")
    assert [(key[0].start, key[0].stop) for key in read] == [
        (0, 7), (7, 14), (14, 21), (21, 28), (28, 35)
    ]  # fmt: skip


def hdu_ends(content):
    """Bytes at which the HDUs of a file end."""
    with fits.open(io.BytesIO(content)) as hdus:
        infos = [hdu.fileinfo() for hdu in hdus]
    return [info["datLoc"] + info["datSpan"] for info in infos]


@pytest.mark.parametrize("role", FILES)
def test_a_cut_anywhere_is_noticed(tmp_path, role):
    content = FILES[role]
    cuts = {0, 79, 80, 2879, 2880, 2881, len(content) - 2880, len(content) - 1}
    # Cuts between two HDUs leave a sound FITS file that lacks extensions.
    ends = hdu_ends(content)[:-1]
    # The last table of a mosaic is not one that the format promises.
    ends = ends[:-1] if role == "i2d" else ends
    for cut in sorted(cuts | set(ends)):
        with pytest.raises(InputError, match=r"x\.fits"):
            verify(written(tmp_path, content[:cut]), role)


def test_a_known_size_finds_every_cut(tmp_path):
    cut = hdu_ends(FILES["i2d"])[-2]
    path = written(tmp_path, FILES["i2d"][:cut])
    assert verify(path, "i2d")["SIMPLE"] is True  # all promised images are there
    with pytest.raises(InputError, match=f"has {cut} bytes instead of {len(FILES['i2d'])}"):
        verify(path, "i2d", len(FILES["i2d"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>no such file</html>", "is no FITS file, it begins with b'<html>no such"),
        (b"\xa5" * 5760, "is no FITS file"),
        (FILES["sci"] + bytes(2880), "extra padding"),
        (FILES["sci"].replace(b"NAXIS1  =", b"NAXIS1   "), "not wholly readable"),
    ],
)
def test_what_is_no_fits_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        verify(written(tmp_path, content), "sci")


@pytest.mark.parametrize(
    ("file", "role", "lacks"),
    [
        ("sci", "i2d", "lacks extension"),
        ("i2d", "flc", "lacks extension"),
        ("i2d", "sci", "lacks an image in its first HDU"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, file, role, lacks):
    with pytest.raises(InputError, match=lacks):
        verify(written(tmp_path, FILES[file]), role)


def test_one_chip_of_two_is_not_an_exposure(tmp_path):
    hdus = [fits.PrimaryHDU()]
    hdus += [fits.ImageHDU(np.ones((4, 4)), name=name) for name in ("SCI", "ERR", "DQ")]
    fits.HDUList(hdus).writeto(tmp_path / "x.fits")
    with pytest.raises(InputError, match="lacks extension"):
        verify(tmp_path / "x.fits", "flc")


@pytest.mark.parametrize(("name", "axis"), [("D2IMARR", 2), ("WCSDVARR", 3)])
def test_an_exposure_without_a_table_of_its_distortion(tmp_path, name, axis):
    with fits.open(io.BytesIO(FILES["flc"])) as hdus:
        del hdus[name, axis]
        hdus.writeto(tmp_path / "x.fits")
    with pytest.raises(InputError, match=f"lacks table {name},{axis} of the distortion of SCI"):
        verify(tmp_path / "x.fits", "flc")


def test_a_truncated_chip_is_refused(tmp_path):
    # The second chip's image ends half-way, at the end of a block: 3 of 6 blocks are left.
    whole = flc(shape=(64, 64))
    with fits.open(io.BytesIO(whole)) as hdus:
        cut = hdus["SCI", 2].fileinfo()["datLoc"] + 3 * 2880
    with pytest.raises(InputError, match=f"truncated: actual file length .{cut}. is smaller"):
        verify(written(tmp_path, whole[:cut]), "flc")


def test_warnings_count_as_errors(tmp_path):
    # FITS headers are ASCII; astropy reads this one and warns.
    path = written(tmp_path, hlf().replace(b"RA---TAN", b"RA---T\xe9N"))
    with pytest.raises(InputError, match=r"not wholly readable.*ASCII"):
        verify(path, "sci")
