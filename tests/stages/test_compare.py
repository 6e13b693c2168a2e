"""Stage compare: every galaxy of a cutout file is fitted, and stands beside its own row."""

import json

import numpy as np
from astropy.io import fits
from scipy.special import ndtr

from galrestore.cli import main
from galrestore.files.contracts.published_fits import PUBLISHED_FITS
from galrestore.files.tables import read_table
from galrestore.rng import stream
from galrestore.sersic.fitting import model_images
from galrestore.sersic.profile import radius_enclosing
from galrestore.sources.psf import with_pixel

FWHM, RMS, SHAPE = 3.0, 0.004, (56, 61)
# R50 (circularised), n, q, theta of each galaxy; the second one is not there.
TRUTH = {
    "r50": np.array([5.0, 4.0, 3.0, 6.0]),
    "n": np.array([1.0, 1.0, 2.5, 0.7]),
    "q": np.array([0.5, 0.9, 0.8, 0.3]),
    "theta": np.array([0.3, 0.0, 2.0, 3.0]),
}
FLUX, MISSING = 40.0, 1
MOSAIC = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F814W",
    "field": "patch",
    "science": "cutouts.fits",
    "science_hdu": "all",
    "unit": "electron/s",
    "pixel_scale": 0.03,
    "psf_fwhm": 0.03 * with_pixel(FWHM),
}


def write_cutouts():
    images = model_images(
        TRUTH | {"x": np.full(4, 30.3), "y": np.full(4, 27.6), "model_flux": np.full(4, FLUX)},
        SHAPE,
        FWHM,
    )
    images[MISSING] = 0
    images[0] += model_images(
        {"x": 6.0, "y": 46.0, "model_flux": 3.0, "r50": 1.5, "n": 1, "q": 1, "theta": 0},
        SHAPE,
        FWHM,
    )[0]
    images = images + stream(5, "test.compare").normal(0, RMS, images.shape)
    hdus = [fits.PrimaryHDU(images[0]), *map(fits.ImageHDU, images[1:])]
    fits.HDUList(hdus).writeto("cutouts.fits")


def write_published(rows):
    zero = np.zeros(4)
    major = TRUTH["r50"] / np.sqrt(TRUTH["q"])
    sersic = np.column_stack(
        [zero + 1, major, TRUTH["n"], TRUTH["q"], zero, zero, zero, TRUTH["theta"] - np.pi]
    )
    columns = [
        fits.Column("fit", "8D", array=sersic[:rows]),
        fits.Column("radius", "D", array=TRUTH["r50"][:rows]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto("published.fits")


def compare(tmp_path, monkeypatch, rows=4, settings="{}"):
    monkeypatch.chdir(tmp_path)
    write_cutouts()
    write_published(rows)
    local = json.dumps({"local": {"mosaics": {"cut": MOSAIC}}})
    common = ("--seed", "3", "--settings")
    steps = (
        ("acquire", "local", "--mosaic", "cut", "--manifest", "m.parquet", *common, local),
        ("select", "--manifest", "m.parquet", "--catalogue", "c.parquet", "--stamps", "c.fits",
         "--stars", "s.parquet", *common, "{}"),
        ("compare", "--manifest", "m.parquet", "--catalogue", "c.parquet", "--published",
         "published.fits", "--sersic", "fit", "--flux-radius", "radius", "--table", "t.parquet",
         *common, settings),
    )  # fmt: skip
    return [main(list(step)) for step in steps]


def test_rows_hold_truth_and_fit_of_the_same_galaxy(tmp_path, monkeypatch):
    assert compare(tmp_path, monkeypatch) == [0, 0, 0]
    table = read_table("t.parquet", PUBLISHED_FITS)
    assert table["image"].tolist() == [0, 1, 2, 3]
    assert table["rejected_by"][MISSING] == "undetected"
    assert table["id"][MISSING] == -1
    assert table["failure"][MISSING] != ""
    there = table.drop(index=MISSING)
    assert (there["failure"] == "").all()
    for name, error in (("r50", there["r50_error"]), ("n", there["n_error"])):
        # Five standard errors: once in a million for one of a Gaussian's values.
        assert (np.abs(there[name] - there[f"published_{name}"]) < 5 * error).all()
    np.testing.assert_allclose(there["published_theta"], [0.3, 2.0, 3.0])
    # Positions refer to the cutout; S/N of hundreds leaves errors of a few hundredths.
    np.testing.assert_allclose(there["x"], 30.3, atol=0.1)
    np.testing.assert_allclose(there["y"], 27.6, atol=0.1)
    # No sky was added, so FLUX_RADIUS without a sky is what the fit shows, but for the light
    # beyond the Kron ellipse: it holds 90 % (n = 4) to 99 % (n = 1/2) of a profile (Graham &
    # Driver 2005, section 2.3.2), and half of that lies within the smaller radius.  The
    # noise of the radius is below 1 % at these S/N of hundreds.
    seen = there["unsubtracted_r50"] / there["apparent_r50"]
    smallest = radius_enclosing(0.45, there["published_n"].to_numpy())
    assert ((seen > smallest - 0.01) & (seen < 1.01)).all()
    assert (there["unsubtracted_r50"] > there["aperture_r50"]).all()
    # The neighbour of the first galaxy is masked, and the PSF makes galaxies larger.
    assert there["masked"][0] > 0
    assert (there["apparent_r50"] > there["r50"]).all()


def test_a_known_sky_is_used(tmp_path, monkeypatch):
    # By default it is free here: the mesh of such small images tells none.
    assert compare(tmp_path, monkeypatch) == [0, 0, 0]
    arguments = ["--manifest", "m.parquet", "--catalogue", "c.parquet", "--published"]
    arguments += ["published.fits", "--sersic", "fit", "--flux-radius", "radius"]
    arguments += ["--seed", "3", "--table"]
    skies = {
        "free.parquet": '{"sky": "free"}',
        "held.parquet": '{"known_skies": {"cut": {"level": 0.001, "error": 0}}}',
    }
    for table, settings in skies.items():
        assert main(["compare", *arguments, table, "--settings", settings]) == 0
    default, free, held = (
        read_table(table, PUBLISHED_FITS) for table in ("t.parquet", "free.parquet", "held.parquet")
    )
    assert default.equals(free)
    there = held["failure"] == ""
    assert there.tolist() == [True, False, True, True]
    np.testing.assert_allclose(held["background"][there], 0.001, atol=1e-5 * RMS)
    assert (held["r50_error"][there] < free["r50_error"][there]).all()


def test_a_psf_image_is_one_more_fit_of_each_galaxy(tmp_path, monkeypatch):
    # The image is of the Gaussian that the mosaic states, pixel and all: 3 pixels wide without;
    # one Gaussian of four is found again within 1e-3, so sizes differ by less than that.
    assert compare(tmp_path, monkeypatch) == [0, 0, 0]
    cumulative = ndtr((np.arange(42) - 21.0) / (FWHM / np.sqrt(8 * np.log(2))))
    fits.PrimaryHDU(np.outer(np.diff(cumulative), np.diff(cumulative))).writeto("psf.fits")
    arguments = ["--manifest", "m.parquet", "--catalogue", "c.parquet", "--published"]
    arguments += ["published.fits", "--sersic", "fit", "--table", "u.parquet"]
    settings = '{"psf": "images", "psf_images": {"cut": {"path": "psf.fits"}}}'
    arguments += ["--seed", "3", "--settings", settings]
    assert main(["compare", *arguments]) == 0
    both = read_table("u.parquet", PUBLISHED_FITS)
    assert both["psf"].tolist() == ["gaussian"] * 4 + ["image"] * 4
    assert both["image"].tolist() == [0, 1, 2, 3] * 2
    good = (both["failure"] == "").to_numpy()
    assert good.tolist() == [True, False, True, True] * 2
    for name in ("r50", "n", "apparent_r50"):
        values = both[name].to_numpy()[good].reshape(2, 3)
        np.testing.assert_allclose(values[1], values[0], rtol=2e-3)
    fits.PrimaryHDU(np.full((9, 9), -1.0)).writeto("dark.fits")
    arguments[-1] = settings.replace("psf.fits", "dark.fits")
    assert main(["compare", *arguments]) == 2


def test_a_table_of_other_galaxies_is_refused(tmp_path, monkeypatch, caplog):
    assert compare(tmp_path, monkeypatch, rows=3) == [0, 0, 2]


def test_a_missing_column_is_named(tmp_path, monkeypatch, capsys):
    assert compare(tmp_path, monkeypatch) == [0, 0, 0]
    capsys.readouterr()
    arguments = ["--manifest", "m.parquet", "--catalogue", "c.parquet", "--published"]
    arguments += ["published.fits", "--sersic", "sersicfit", "--table", "u.parquet"]
    assert main(["compare", *arguments, "--seed", "3", "--settings", "{}"]) == 2
    assert "has no column 'sersicfit'; it has: fit, radius" in capsys.readouterr().err


def test_without_a_good_fit_errors_are_for_white_noise(tmp_path, monkeypatch, capsys):
    # No centre is so near the middle.
    assert compare(tmp_path, monkeypatch, settings='{"centre_bound": 1e-3}') == [0, 0, 0]
    assert "0 pixels show noise alone, 2000 are needed" in capsys.readouterr().err
    assert (read_table("t.parquet", PUBLISHED_FITS)["failure"] != "").all()
