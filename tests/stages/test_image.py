"""Command image: a FITS image of one's own in, its galaxies restored out."""

import shutil

import galsim
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from galrestore.cli import main
from galrestore.files.cubes import read_provenance

SIDE = 20.0  # arcsec
FWHM = 0.094  # arcsec, of stars
NOISE = 0.01  # electron/s in a pixel of 0.05 arcsec
SKY = 0.2  # electron/s in a pixel of 0.05 arcsec
CENTRES = [(-6.1, -6.3), (0.2, -5.8), (6.2, -6.0), (-5.9, 0.1), (0.05, 0.3), (6.0, -0.2)]
CENTRES += [(-6.2, 6.1), (0.3, 5.7), (5.8, 6.2)]  # arcsec west and north of the middle
R50 = [0.30, 0.35, 0.40, 0.32, 0.38, 0.36, 0.34, 0.31, 0.39]  # arcsec
FLUX = [20.0, 30.0, 45.0, 25.0, 40.0, 35.0, 28.0, 22.0, 50.0]  # electron/s
APERTURE = 1.2  # arcsec, holds 94% and more of an exponential disc of these sizes


def tan(scale, side):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [(side + 1) / 2] * 2
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    return wcs


def sky(scale, seed=3):
    """Exponential discs through a Gaussian PSF and the pixel; also without sky and noise."""
    side = round(SIDE / scale)
    image = galsim.Image(side, side, scale=scale)
    for k, ((x, y), r50, flux) in enumerate(zip(CENTRES, R50, FLUX, strict=True)):
        disc = galsim.Exponential(half_light_radius=r50, flux=flux).shear(
            q=0.7, beta=k * 0.6 * galsim.radians
        )
        light = galsim.Convolve(disc, galsim.Gaussian(fwhm=FWHM))
        light.shift(x, y).drawImage(image, add_to_image=True, center=image.true_center)
    area = (scale / 0.05) ** 2
    noise = np.random.default_rng(seed).normal(SKY * area, NOISE * np.sqrt(area), (side, side))
    return image.array, (image.array + noise).astype(np.float32), tan(scale, side)


def restore(image, output, *options):
    return main(["image", str(image), "--output", str(output), *map(str, options)])


def read(path):
    with fits.open(path) as hdus:
        names = [hdu.name for hdu in hdus]
        assert names == ["PRIMARY", "LQ", "RS", "ID", "SOURCES"]
        table = Table(hdus["SOURCES"].data).to_pandas()
        planes = table.loc[table["plane"] >= 0].sort_values("plane")
        assert hdus["ID"].data["id"].tolist() == planes["id"].tolist()
        units = {hdus[name].header["BUNIT"] for name in ("LQ", "RS")}
        return hdus["LQ"].data.copy(), hdus["RS"].data.copy(), table, units


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The same sky at 0.05 and 0.03 arcsec a pixel, each restored from detection."""
    folder = tmp_path_factory.mktemp("own")
    for name, scale in (("coarse", 0.05), ("fine", 0.03)):
        _, noisy, wcs = sky(scale)
        header = wcs.to_header()
        header["BUNIT"] = "electron/s"
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(noisy, header, name="SCI")]).writeto(
            folder / f"{name}.fits"
        )
        assert restore(folder / f"{name}.fits", folder / f"{name}_out.fits") == 0
    return folder


def galaxies(table):
    """Rows of the galaxies, in the order of the list above."""
    x = -(table["ra"] - 150.0) * np.cos(np.radians(2.0)) * 3600
    y = (table["dec"] - 2.0) * 3600
    rows = [int(np.argmin(np.hypot(x - a, y - b))) for a, b in CENTRES]
    return table.iloc[rows].reset_index(drop=True)


def stamp_frame(row):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix = [row.crpix1, row.crpix2]
    wcs.wcs.crval = [row.crval1, row.crval2]
    wcs.wcs.cd = [[row.cd1_1, row.cd1_2], [row.cd2_1, row.cd2_2]]
    return wcs


def on_sky(centre):
    return 150.0 - centre[0] / 3600 / np.cos(np.radians(2.0)), 2.0 + centre[1] / 3600


def aperture_flux(image, wcs, centre, scale):
    """Light within the aperture about the true place, above the median of a stamp around it."""
    x, y = wcs.all_world2pix(*on_sky(centre), 0)
    rows, columns = np.indices(image.shape)
    inside = np.hypot(rows - y, columns - x) < APERTURE / scale
    box = np.maximum(abs(rows - y), abs(columns - x)) < 1.6 / scale
    return float(np.sum(image[inside] - np.median(image[box & ~inside])))


def centroid(stamp, x, y, sigma=3.0):
    """Centre of light under a Gaussian that follows it, which noise moves little."""
    rows, columns = np.indices(stamp.shape)
    light = stamp - np.median(stamp)
    for _ in range(20):
        weight = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2)) * light
        x += 2 * ((weight * columns).sum() / weight.sum() - x)
        y += 2 * ((weight * rows).sum() / weight.sum() - y)
    return x, y


@pytest.mark.parametrize(("name", "scale"), [("coarse", 0.05), ("fine", 0.03)])
def test_fluxes_and_places_are_the_truths(images, name, scale):
    _, restored, table, units = read(images / f"{name}_out.fits")
    assert units == {"electron/s"}
    clean, _, wcs = sky(scale)
    rows = galaxies(table)
    assert len(table) == len(CENTRES)
    assert (rows["left_out"] == "").all()
    assert (rows["rejected_by"] == "").all()
    # The noise of the aperture on LQ, which no restoration takes out of RS's scale: that of N
    # pixels, and of the median of the M others of the stamp (1.57 times that of a mean).
    count = np.pi * (APERTURE / 0.05) ** 2
    error = NOISE * np.sqrt(count + 1.571 * count**2 / (64**2 - count))
    pulls = []
    for row, centre in zip(rows.itertuples(), CENTRES, strict=True):
        frame = stamp_frame(row)
        # Pixels hold light per pixel of the image, whatever their own size.
        flux = aperture_flux(restored[row.plane], frame, centre, 0.05) * row.pixel_ratio**2
        pulls.append((flux - aperture_flux(clean, wcs, centre, scale)) / error)
        place = frame.all_world2pix(*on_sky(centre), 0)
        assert np.hypot(*np.subtract(centroid(restored[row.plane], *place), place)) < 0.5
        assert 0 < row.scale_error / row.scale < error / 20.0
    assert np.abs(pulls).max() < 3
    assert abs(np.mean(pulls)) < 3 / np.sqrt(len(pulls))


def test_errors_know_that_drizzled_noise_is_correlated(images):
    """Pixels of 0.03 drizzled to 0.05 arcsec: correlated noise of less rms, the same galaxies."""
    coarse, fine = (read(images / f"{name}_out.fits")[2] for name in ("coarse", "fine"))
    coarse, fine = galaxies(coarse), galaxies(fine)
    assert fine["noise_lag1"].median() > 0.1 > coarse["noise_lag1"].median()
    # The sky holds as much noise on the scale of galaxies whatever the pixels, so relative errors
    # are equal. Counted as white, the noise of drizzled pixels would make them 0.80 of that.
    relative = (fine["scale_error"] / fine["scale"]) / (coarse["scale_error"] / coarse["scale"])
    assert relative.median() == pytest.approx(1, abs=0.1)


def test_pixels_of_the_right_scale_stay_as_they_are(images):
    low, _, table, _ = read(images / "coarse_out.fits")
    image = fits.getdata(images / "coarse.fits", 1)
    for row in table.itertuples():
        y, x = round(row.y) - 32, round(row.x) - 32
        assert np.array_equal(low[row.plane], image[y : y + 64, x : x + 64])
    # Noise of a hundredth; a median of a thousand values scatters by a twenty-fifth of it.
    assert table["rms"].to_numpy() == pytest.approx(NOISE, rel=0.1)
    assert table["sky"].to_numpy() == pytest.approx(SKY, abs=0.003)
    assert table["psf_fwhm"].to_numpy() == pytest.approx(FWHM / 0.05)
    assert (table["noise_lag1"].abs() < 0.1).all()


def test_drizzled_stamps_have_correlated_noise_and_say_so(images):
    _, _, table, _ = read(images / "fine_out.fits")
    assert table["pixel_ratio"].to_numpy() == pytest.approx(0.05 / 0.03)
    assert table["warnings"].tolist() == ["correlated"] * len(table)
    # In quadrature with the stamp's own pixel: sqrt((0.094 / 0.05)^2 + 8 ln 2 / 12).
    assert table["psf_fwhm"].to_numpy() == pytest.approx(np.sqrt(1.88**2 + 8 * np.log(2) / 12))


def test_the_same_command_gives_the_same_bytes(images):
    before = (images / "coarse_out.fits").read_bytes()
    picture = (images / "coarse_out.png").read_bytes()
    again = images / "again" / "coarse_out.fits"
    assert restore(images / "coarse.fits", again) == 0
    assert again.read_bytes() == before
    assert again.with_suffix(".png").read_bytes() == picture
    record = read_provenance(images / "coarse_out.fits")
    assert record.stage == "image"
    assert str(images / "coarse.fits") in record.inputs


@pytest.mark.parametrize("columns", [("x", "y"), ("RA", "Dec")])
def test_given_positions_are_restored_like_detected_ones(images, columns):
    low, high, table, _ = read(images / "coarse_out.fits")
    positions = table[["id", *(name.lower() for name in columns)]].copy()
    positions.columns = ["id", *columns]
    positions["id"] += 1000
    path = images / f"{columns[0]}.{'csv' if columns[0] == 'x' else 'parquet'}"
    write = positions.to_csv if columns[0] == "x" else positions.to_parquet
    write(path, index=False)
    out = images / f"given_{columns[0]}.fits"
    assert restore(images / "coarse.fits", out, "--positions", path, "--psf-fwhm", FWHM) == 0
    given_low, given_high, given, _ = read(out)
    assert np.array_equal(given_low, low)
    assert np.array_equal(given_high, high)
    assert given["id"].tolist() == (table["id"] + 1000).tolist()
    assert set(given["rejected_by"]) == {"not judged"}
    same = ["scale", "zero_point", "noise", "crpix1", "cd1_1", "cd2_2"]
    assert given[same].to_numpy() == pytest.approx(table[same].to_numpy(), rel=1e-6)


def test_what_is_wrong_with_pixels_is_told(images, capsys):
    image = fits.getdata(images / "coarse.fits", 1)
    _, _, table, _ = read(images / "coarse_out.fits")
    x, y = (galaxies(table)[0:5][axis].round().astype(int).to_list() for axis in "xy")
    image[y[0] + 9 : y[0] + 14, x[0] + 10 : x[0] + 15] = np.nan  # 25 of 4096 pixels
    image[y[1] - 32 : y[1] + 32, x[1] - 32 : x[1] - 12] = np.nan  # 31% of them
    image[y[2] - 15, x[2] - 14 : x[2] - 11] += 1.0  # a hit of three pixels, 100 sigma
    around = image[y[3] - 32 : y[3] + 32, x[3] - 32 : x[3] + 32]
    cut_off = SKY + 0.12  # half of the peak
    clipped = int((around >= np.float32(cut_off)).sum())
    np.minimum(around, np.float32(cut_off), out=around)
    assert clipped > 5
    fits.writeto(images / "bad.fits", image)  # no WCS
    positions = pd.DataFrame({"x": [*x, 1000.0], "y": [*y, 10.0]})
    positions.to_csv(images / "bad.csv", index=False)
    options = ["--pixel-scale", 0.05, "--positions", images / "bad.csv", "--psf-fwhm", 0.13]
    assert restore(images / "bad.fits", images / "bad_out.fits", *options) == 0
    low, high, found, units = read(images / "bad_out.fits")
    assert units == {""}
    assert found["left_out"].tolist() == ["", "blank", "", "", "", "outside"]
    assert found["plane"].tolist() == [0, -1, 1, 2, 3, -1]
    expected = ["psf,filled", "", "psf,cosmic_ray", "psf,saturated", "psf", ""]
    assert [set(names.split(",")) for names in found["warnings"]] == [
        set(names.split(",")) for names in expected
    ]
    assert found["filled"][0] == 25 / 64**2
    assert found["cosmic_rays"][2] >= 3
    assert found["saturated"][3] == clipped
    assert np.isnan(found["ra"]).all()
    assert np.isfinite(low).all()
    assert np.isfinite(high).all()
    # Own pixels: the source's pixel is 32, FITS counts from 1.
    assert (found["crpix1"].dropna() == 33).all()
    text = capsys.readouterr().err
    assert text.splitlines()[-1].endswith(
        "4 restored, 2 left out (1 more than 10% of the stamp is blank; 1 position outside of the "
        f"image); {images / 'bad_out.fits'}"
    )
    assert text.count("[psf]") == 1
    assert "4 of 4: PSF differs" in text


def test_a_noise_map_goes_with_detection(images):
    shape = fits.getdata(images / "coarse.fits", 1).shape
    fits.writeto(images / "rms.fits", np.full(shape, NOISE, np.float32))
    out = images / "mapped.fits"
    options = ["--weight", images / "rms.fits", "--weight-kind", "rms", "--psf-fwhm", FWHM]
    assert restore(images / "coarse.fits", out, *options) == 0
    table = read(out)[2]
    assert len(table) == len(CENTRES)
    assert str(images / "rms.fits") in read_provenance(out).inputs


def test_the_psf_is_measured_on_stars_and_stars_are_marked(tmp_path, capsys):
    """Thirty-three stars of 0.12 arcsec, pixel included, and three galaxies."""
    generator = np.random.default_rng(8)
    image = generator.normal(1.0, 0.01, (400, 420))
    rows, columns = np.indices(image.shape)
    sigma = 0.12 / 0.05 / 2.3548
    places = [(45 + 65 * i, 45 + 65 * j) for i in range(6) for j in range(6)]
    for k, (y, x) in enumerate(places):
        width, peak = (5.0, 0.5) if k in (7, 16, 26) else (sigma, generator.uniform(1, 4))
        radius = (rows - y - generator.uniform(-0.5, 0.5)) ** 2
        radius += (columns - x - generator.uniform(-0.5, 0.5)) ** 2
        image += peak * np.exp(-radius / (2 * width**2))
    fits.writeto(tmp_path / "stars.fits", image.astype(np.float32))
    out = tmp_path / "out.fits"
    assert restore(tmp_path / "stars.fits", out, "--pixel-scale", 0.05) == 0
    _, _, table, _ = read(out)
    # The core of each is fitted with S/N above 100 a pixel: a hundredth is many errors.
    assert table["psf_fwhm"].to_numpy() == pytest.approx(2.4, rel=0.02)
    assert len(table) == 36
    assert table["star"].sum() == 33
    assert (table["rejected_by"] == "star").sum() + (table["rejected_by"] == "small").sum() == 33
    named = table.loc[table["star"], "warnings"].str.split(",")
    assert all({"psf", "star"} <= set(names) for names in named)
    assert "33 of 36: on the star locus" in capsys.readouterr().err


def refusals(folder):
    """Files, options and what the one line on the terminal must hold."""
    coarse = folder / "coarse.fits"
    (folder / "page.fits").write_text("<html>503</html>\n" * 300)
    (folder / "cut.fits").write_bytes(coarse.read_bytes()[:300_000])
    table = fits.BinTableHDU.from_columns([fits.Column("a", "D", array=[1.0])])
    table.writeto(folder / "table.fits")
    image = np.random.default_rng(1).normal(0, 1, (80, 90)).astype(np.float32)
    fits.writeto(folder / "noise.fits", image)
    fits.writeto(folder / "nan.fits", np.full((80, 90), np.nan, np.float32))
    pd.DataFrame({"ra": [10.0], "dec": [-70.0]}).to_csv(folder / "far.csv")
    pd.DataFrame({"alpha": [10.0], "dec": [-70.0]}).to_csv(folder / "names.csv", index=False)
    pd.DataFrame({"x": [10.0, np.nan], "y": [1.0, 2.0]}).to_csv(folder / "gap.csv")
    (folder / "foreign.safetensors").write_bytes(b"not weights at all")
    scale = ["--pixel-scale", 0.05]
    return [
        (folder / "none.fits", [], ["none.fits", "does not exist"]),
        (folder / "page.fits", [], ["page.fits", "not a readable FITS"]),
        (folder / "cut.fits", [], ["cut.fits", "truncated"]),
        (folder / "table.fits", [], ["table.fits", "no 2-D image"]),
        (coarse, ["--hdu", "WHT"], ["coarse.fits", "no extension 'WHT'", "1 SCI"]),
        (folder / "noise.fits", [], ["noise.fits", "extension 0", "WCS", "--pixel-scale"]),
        (folder / "nan.fits", scale, ["nan.fits", "no finite pixel"]),
        (folder / "noise.fits", scale, ["noise.fits", "extension '0'", "no source", "--positions"]),
        (coarse, ["--positions", folder / "far.csv"], ["far.csv", "none of its 1", "400 x 400"]),
        (coarse, ["--positions", folder / "names.csv"], ["names.csv", "alpha", "ra and dec"]),
        (coarse, ["--positions", folder / "gap.csv"], ["gap.csv", "column x", "row 2"]),
        (
            folder / "noise.fits",
            [*scale, "--positions", folder / "far.csv"],
            ["far.csv", "no celestial WCS", "x and y"],
        ),
        (coarse, ["--weights", folder / "foreign.safetensors"], ["foreign.safetensors"]),
        (coarse, ["--weights", "gan"], ["gan", "nafnet"]),
        (coarse, ["--weight", coarse], ["--weight-kind"]),
    ]


def test_refusals_are_one_line_and_leave_nothing(images, capsys):
    for image, options, words in refusals(images):
        if "--positions" in options:
            options = [*options, "--psf-fwhm", FWHM]
        assert restore(image, images / "never.fits", *options) == 2, words
        errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
        assert len(errors) == 1, errors
        for word in words:
            assert word in errors[0]
    assert not list(images.glob("never*"))


def test_settings_out_of_range_name_the_key(images):
    with pytest.raises(SystemExit):
        main(["image", "a.fits"])  # no output
    assert restore(images / "coarse.fits", images / "never.fits", "--psf-fwhm", 3) == 2


def test_real_scene(real_data, tmp_path):
    """COSMOS, ACS F814W at 0.03 arcsec: too small a scene for stars, drizzled noise."""
    scene = real_data / "hst_cosmos_f814w" / "scene_a.fits"
    shutil.copy(scene, tmp_path / "a.fits")
    assert restore(tmp_path / "a.fits", tmp_path / "out.fits", "--psf-fwhm", 0.101) == 0
    low, restored, table, _ = read(tmp_path / "out.fits")
    kept = table[table["plane"] >= 0]
    assert len(kept) >= 10
    assert set(table.loc[table["plane"] < 0, "left_out"]) == {"blank"}  # beyond the edges
    assert all("correlated" in names for names in kept["warnings"])
    # Drizzling keeps light: a circle of an arcsec on the scene and on LQ, its border pixels
    # (one in 16 here, at a surface brightness near the sky's) left open.
    row = kept.loc[kept["noise"].idxmin()]
    image = fits.getdata(scene)
    there, here = (np.indices(shape) for shape in (image.shape, low.shape[1:]))
    circle = np.hypot(there[0] - row["y"], there[1] - row["x"]) < 1.0 / 0.03
    inside = np.hypot(here[0] + 1 - row["crpix2"], here[1] + 1 - row["crpix1"]) < 1.0 / 0.05
    flux = low[row["plane"]][inside].sum() * row["pixel_ratio"] ** 2
    assert flux == pytest.approx(image[circle].sum(), rel=0.05)
    assert np.isfinite(restored).all()
