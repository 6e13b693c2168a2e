"""Broken input ends with one clear error that names file or key, and leaves nothing behind."""

import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from galrestore.config.acquire import Acquire
from galrestore.config.select import Select

SIZE = (150, 170)


def galrestore(*arguments, cwd):
    """Run one stage as a rule does."""
    env = os.environ | {"GALRESTORE_PROGRESS": "lines"}
    return subprocess.run(
        [sys.executable, "-m", "galrestore", *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def image(sources=6, amplitude=300.0):
    """Gaussian galaxies of 3 px rms on unit noise."""
    rng = np.random.default_rng(5)
    rows, columns = np.indices(SIZE)
    data = rng.normal(size=SIZE)
    for _ in range(sources):
        y, x = rng.uniform(30, 120, 2)
        data += amplitude * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 3.0**2))
    return data.astype(np.float32)


def tan(scale=0.05):
    """Header of a TAN projection of some arcsec per pixel."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [85.0, 75.0]
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    return wcs.to_header()


def settings(**changes):
    """Acquire section with one mosaic of a local folder."""
    mosaic = {
        "telescope": "hst",
        "instrument": "ACS/WFC",
        "band": "F814W",
        "field": "field",
        "science": "m.fits",
        "unit": "electron/s",
        "psf_fwhm": 0.094,
    }
    return Acquire.model_validate(
        {"local": {"root": ".", "mosaics": {"m": mosaic | changes}}}
    ).model_dump_json()


def acquire(folder, **changes):
    return galrestore(
        "acquire", "local", "--mosaic", "m", "--settings", settings(**changes), "--seed", 1,
        "--log", "log/acquire.log", "--manifest", "out/m.parquet", cwd=folder,
    )  # fmt: skip


def select(folder, tile=512, **changes):
    return galrestore(
        "select", "--manifest", "out/m.parquet", "--tile", tile, "--seed", 1,
        "--settings", Select.model_validate(changes).model_dump_json(),
        "--log", "log/select.log", "--catalogue", "out/c.parquet", "--stamps", "out/s.fits",
        "--stars", "out/stars.parquet", cwd=folder,
    )  # fmt: skip


def assert_refused(done, *words, folder, kept=()):
    """One line on the terminal with these words, status 2, no output."""
    assert done.returncode == 2, done.stderr
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]
    out = folder / "out"
    assert sorted(p.name for p in out.iterdir() if p.is_file()) == sorted(kept)


@pytest.fixture
def folder(tmp_path):
    """A folder with a sound mosaic m.fits in it."""
    fits.writeto(tmp_path / "m.fits", image(), tan())
    (tmp_path / "out").mkdir()
    return tmp_path


def test_sound_mosaic_passes(folder):
    assert acquire(folder).returncode == 0
    done = select(folder)
    assert done.returncode == 0, done.stderr
    made = {"m.parquet", "c.parquet", "s.fits", "stars.parquet"}
    assert {p.name for p in (folder / "out").iterdir()} == made


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.95])
def test_truncated_fits(folder, kept):
    whole = (folder / "m.fits").read_bytes()
    (folder / "m.fits").write_bytes(whole[: int(kept * len(whole))])
    assert_refused(acquire(folder), "m.fits", folder=folder)


def test_not_fits_at_all(folder):
    (folder / "m.fits").write_text("<html>503 Service Unavailable</html>\n" * 300)
    assert_refused(acquire(folder), "m.fits", folder=folder)


def test_no_wcs_and_no_stated_scale(folder):
    fits.writeto(folder / "m.fits", image(), overwrite=True)
    assert_refused(acquire(folder), "m.fits", "acquire.local.mosaics.m.pixel_scale", folder=folder)
    assert acquire(folder, pixel_scale=0.05).returncode == 0


def test_image_of_nan(folder):
    fits.writeto(folder / "m.fits", np.full(SIZE, np.nan, np.float32), tan(), overwrite=True)
    assert_refused(acquire(folder), "m.fits", "finite", folder=folder)


def test_missing_extension(folder):
    assert_refused(acquire(folder, science_hdu="SCI"), "m.fits", "SCI", folder=folder)


def test_weight_of_another_shape(folder):
    fits.writeto(folder / "w.fits", image()[:-1], tan())
    assert_refused(
        acquire(folder, weight="w.fits", weight_kind="rms"), "w.fits", "(149, 170)", folder=folder
    )


def test_a_file_cut_short_after_it_was_acquired(folder):
    assert acquire(folder).returncode == 0
    whole = (folder / "m.fits").read_bytes()
    (folder / "m.fits").write_bytes(whole[: len(whole) // 2])
    assert_refused(select(folder), "m.fits", folder=folder, kept=["m.parquet"])


def test_full_disk(folder, need):
    """A tmpfs of 16 KiB holds the manifest, not the catalogue and the stamps."""
    disk = folder / "out"
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        need("mounting a tmpfs needs root")
    try:
        assert acquire(folder).returncode == 0
        done = select(folder)
        assert_refused(done, "No space left on device", "out/", folder=folder, kept=["m.parquet"])
    finally:
        subprocess.run(["umount", str(disk)], check=True)
