"""Stage fit: shards, several mosaics, neighbours, PSFs, pairs, and what is refused."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from galrestore.cli import main
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.cubes import write_cube
from galrestore.files.tables import read_table, write_table
from galrestore.provenance import Provenance
from galrestore.rng import stream
from galrestore.sersic.fitting import fit_sersic, model_images
from galrestore.sources.blank import measure_stamps
from galrestore.synthesis.noise import amplitudes, draw_fields

RECORD = Provenance("select", "ab12", "{}", 7)
SIDE, FWHM, SKY, RMS = 48, 1.9, 0.02, 0.01
# Name: ids in no order, truth (r50, n, q, theta) of each.
MOSAICS = {
    "north": (
        [2**60 + 5, 3, 900],
        [(3.0, 1.0, 0.6, 0.4), (2.5, 2.0, 0.8, 2.0), (4.0, 0.7, 0.4, 1.0)],
    ),
    "south": ([77, 2**61], [(3.5, 1.5, 0.7, 2.5), (2.8, 3.0, 0.5, 0.1)]),
}


def catalogue(mosaic, ids, truth):
    """Accepted sources, 200 pixels apart, and a rejected one with no stamp."""
    count = len(ids) + 1
    blank = {"str": "", "bool": False, "int64": 0}
    frame = pd.DataFrame({c.name: [blank.get(c.dtype, 0.0)] * count for c in CATALOGUE})
    frame["id"], frame["mosaic"], frame["psf_fwhm"] = [*ids, 12345], mosaic, FWHM
    frame["x"], frame["y"] = 100.2 + 200 * np.arange(count), 150.3
    frame["a"], frame["b"] = 4.0, 3.0
    frame["telescope"], frame["band"], frame["field"] = "hst", "F814W", "sky"
    frame["rejected_by"] = [""] * len(ids) + ["star"]
    frame["background"], frame["background_error"] = SKY, 0.04 * RMS
    frame["noise"], frame["flux_stamp"] = 0.05, [*np.arange(len(ids)) + 1.0, 0.0]
    return frame


def write_mosaic(name, ids, truth, neighbour=0.0, correlation=None):
    frame = catalogue(name, ids, truth)
    rng = stream(3, "test.fit", ids[0])
    parameters = {"x": 24.2, "y": 24.3, "model_flux": 20.0}
    columns = dict(zip(("r50", "n", "q", "theta"), np.array(truth).T, strict=True))
    parameters = {key: np.full(len(ids), value) for key, value in parameters.items()}
    stamps = model_images(parameters | columns, (SIDE, SIDE), FWHM)
    if neighbour:
        # The rejected source moves beside the first one, 14 columns away.
        frame.loc[len(ids), ["x", "y", "a", "b"]] = [114.2, 150.3, 2.0, 2.0]
        stamps[0] += model_images(
            {"x": 38.2, "y": 24.3, "model_flux": neighbour, "r50": 1.5, "n": 1, "q": 1, "theta": 0},
            (SIDE, SIDE),
            FWHM,
        )[0]
    noise = rng.normal(0, 1, stamps.shape)
    if correlation is not None:
        spectrum = amplitudes(correlation, (SIDE, SIDE))
        noise = draw_fields((SIDE, SIDE), np.arange(len(ids)), 3, spectrum)
    stamps = stamps + SKY + RMS * noise
    stamps[-1, :3] = np.nan
    write_table(f"{name}.parquet", frame, CATALOGUE, RECORD)
    write_cube(f"{name}.fits", {"STAMP": stamps}, ids, RECORD)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (ids, truth) in MOSAICS.items():
        write_mosaic(name, ids, truth)
    return tmp_path


def fit(table, shard="1-of-1", settings="{}"):
    return main(
        ["fit", "stamps", "--catalogues", "north.parquet", "south.parquet", "--stamps",
         "north.fits", "south.fits", "--shard", shard, "--settings", settings, "--seed", "7",
         "--table", table]
    )  # fmt: skip


def test_fits_of_two_mosaics(folder):
    assert fit("all.parquet") == 0
    found = read_table("all.parquet", SERSIC)
    truth = {k: t for ids, rows in MOSAICS.values() for k, t in zip(ids, rows, strict=True)}
    assert found["id"].tolist() == sorted(truth)
    assert set(found["failure"]) == {""}
    assert found["mosaic"].tolist() == ["north", "south", "north", "north", "south"]
    assert found["flux"].tolist() == [2.0, 1.0, 3.0, 1.0, 2.0]
    expected = np.array([truth[k] for k in found["id"]])
    # S/N of about 200: five standard errors.
    for column, name in ((0, "r50"), (1, "n"), (2, "q")):
        error = found[f"{name}_error"]
        assert np.all(np.abs(found[name] - expected[:, column]) < 5 * error)
        assert np.all(error < 0.2 * found[name])
    assert np.all(found["masked"] == 0)


def test_shards_join_to_the_whole(folder):
    assert fit("all.parquet") == 0
    names = [f"{k}-of-3" for k in (1, 2, 3)]
    for name in names:
        assert fit(f"{name}.parquet", name) == 0
    joined = main(["gather", "--shards", *(f"{n}.parquet" for n in names), "--output", "j.parquet"])
    assert joined == 0
    pd.testing.assert_frame_equal(
        read_table("j.parquet", SERSIC), read_table("all.parquet", SERSIC), check_exact=True
    )


def test_a_catalogued_neighbour_is_masked(folder):
    ids, truth = MOSAICS["north"]
    assert fit("before.parquet") == 0
    write_mosaic("north", ids, truth, neighbour=10.0)
    assert fit("after.parquet") == 0
    before, after = (read_table(f"{t}.parquet", SERSIC) for t in ("before", "after"))
    row = before.index[before["id"] == ids[0]][0]
    assert after["masked"][row] > 0.05
    assert after["failure"][row] == ""
    # What leaks past the mask stays within the errors; unmasked, half the flux would not.
    for name in ("n", "r50"):
        assert abs(after[name][row] - before[name][row]) < 3 * before[f"{name}_error"][row]


def test_the_sky_of_the_catalogue_is_a_prior(folder):
    # Held or free, the stamp tells the sky to about RMS / 48; known to 0.04 RMS, posteriors of
    # both are at most as wide as either, and the sky of another mosaic is its own.
    skies = {"north": {"level": SKY + 0.5 * RMS, "error": 0.0}}
    assert fit("measured.parquet") == 0
    assert fit("free.parquet", settings='{"sky": "free"}') == 0
    assert fit("held.parquet", settings=json.dumps({"known_skies": skies})) == 0
    measured, free, held = (
        read_table(f"{t}.parquet", SERSIC) for t in ("measured", "free", "held")
    )
    assert np.all(measured["background_error"] < 0.04 * RMS)
    assert np.all(measured["background_error"] < free["background_error"])
    north = (held["mosaic"] == "north").to_numpy()
    np.testing.assert_allclose(held["background"][north], SKY + 0.5 * RMS, rtol=1e-5)
    pd.testing.assert_frame_equal(held[~north], measured[~north], check_exact=True)


def test_errors_are_those_of_the_mosaics_noise(folder, capsys):
    # A filter of 3 x 3 equal weights: neighbours correlate by 2/3, as in images drizzled to pixels
    # of a third.  Forty stamps of 48 x 48 tell each lag to 1 / sqrt(75,000) x 3 = 0.01.
    line = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 3
    correlation = np.outer(line, line)
    ids, truth = np.arange(40) + 10, MOSAICS["south"][1] * 20
    write_mosaic("north", ids, truth, correlation=correlation)
    assert fit("measured.parquet") == 0
    said = capsys.readouterr().err
    assert "north: neighbours' noise correlates by 0.6" in said
    assert re.search(r"south: neighbours' noise correlates by -?0\.0", said)
    assert fit("white.parquet", settings='{"noise_lags": 0}') == 0
    measured, white = (read_table(f"{t}.parquet", SERSIC) for t in ("measured", "white"))
    north = (measured["mosaic"] == "north").to_numpy()
    sky = SKY, 0.04 * RMS
    with fits.open("north.fits") as hdus:
        stamps = hdus["STAMP"].data.astype(float)
    known = fit_sersic(stamps, FWHM, sky=sky, noise_correlation=correlation)
    for name in ("x", "model_flux", "r50", "n", "q"):
        column = f"{name}_error"
        np.testing.assert_array_equal(measured[name], white[name])
        # 4,000 pixels of white noise: 0.016 for each of 80 lags, 7% of the error.
        np.testing.assert_allclose(measured[column][~north], white[column][~north], rtol=0.2)
        # Lags beyond the filter's sum up to 77 x 0.01 of 9 at most: 5% of the error.
        np.testing.assert_allclose(measured[column][north], known[column], rtol=0.06)
        assert np.all(measured[column][north] > 1.5 * white[column][north])
    for k in (1, 2, 3):
        assert fit(f"{k}.parquet", f"{k}-of-3") == 0
    joined = pd.concat([read_table(f"{k}.parquet", SERSIC) for k in (1, 2, 3)], ignore_index=True)
    pd.testing.assert_frame_equal(joined, measured, check_exact=True)


def test_too_few_pixels_of_noise_count_as_white(folder, capsys):
    ids, truth = MOSAICS["south"]
    write_mosaic("south", ids[:1], truth[:1])
    assert fit("measured.parquet") == 0
    said = capsys.readouterr().err
    assert re.search(r"south: 1\d{3} pixels show noise alone, 2000 are needed", said)
    assert fit("white.parquet", settings='{"noise_lags": 0}') == 0
    measured, white = (read_table(f"{t}.parquet", SERSIC) for t in ("measured", "white"))
    south = measured["mosaic"] == "south"
    pd.testing.assert_frame_equal(measured[south], white[south], check_exact=True)


def test_a_sky_of_unknown_error_is_free(folder):
    for name in MOSAICS:
        frame = read_table(f"{name}.parquet", CATALOGUE)
        frame["background"], frame["background_error"] = 100.0, np.nan
        write_table(f"{name}.parquet", frame, CATALOGUE, RECORD)
    assert fit("unknown.parquet") == 0
    assert fit("free.parquet", settings='{"sky": "free"}') == 0
    unknown, free = (read_table(f"{t}.parquet", SERSIC) for t in ("unknown", "free"))
    pd.testing.assert_frame_equal(unknown, free, check_exact=True)


def test_failed_fits_stay_in_the_table(folder):
    assert fit("t.parquet", settings='{"index_bounds": [0.3, 0.9]}') == 0
    found = read_table("t.parquet", SERSIC)
    assert len(found) == 5
    assert (found["failure"] == "index").sum() == 4
    assert np.array_equal(found["flag"] & 1, found["failure"] == "index")


def test_a_shard_without_sources(folder):
    assert fit("t.parquet", "1-of-9") == 0
    assert read_table("t.parquet", SERSIC, empty=True).empty


def test_missing_stamps_are_named(folder, capsys):
    ids = MOSAICS["south"][0]
    write_cube("south.fits", {"STAMP": np.zeros((1, SIDE, SIDE))}, ids[:1], RECORD)
    assert fit("t.parquet") == 2
    error = capsys.readouterr().err
    assert "south.fits: lacks stamps of accepted sources; rerun stage select" in error


def test_psf_of_the_settings(folder):
    # A PSF image of the same Gaussian finds the same galaxies; without PSF, blurred cores
    # look like lower indices.
    line = np.exp(-((np.arange(25) - 12) ** 2) * 4 * np.log(2) / FWHM**2)
    fits.writeto("psf.fits", np.outer(line, line))
    image = {"path": "psf.fits", "pixel_integrated": False}
    images = {"psf": "images", "psf_images": {"north": image, "south": image}, "psf_gaussians": 1}
    assert fit("g.parquet") == 0
    assert fit("i.parquet", settings=json.dumps(images)) == 0
    assert fit("n.parquet", settings='{"psf": "none"}') == 0
    gaussian, image, none = (read_table(f"{t}.parquet", SERSIC) for t in "gin")
    np.testing.assert_allclose(image["r50"], gaussian["r50"], rtol=1e-3)
    assert np.all(none["n"] < 0.95 * gaussian["n"])


def test_mosaics_without_a_psf_image_are_named(folder, capsys):
    fits.writeto("psf.fits", np.ones((9, 9)))
    images = {"psf": "images", "psf_images": {"north": {"path": "psf.fits"}}}
    assert fit("t.parquet", settings=json.dumps(images)) == 2
    assert "names no image for south" in capsys.readouterr().err


def test_psf_images_and_kind_belong_together(folder):
    with pytest.raises(SystemExit, match=r"fit\.psf is 'images' and .* names 0 mosaics"):
        fit("t.parquet", settings='{"psf": "images"}')


COUNT, LOW, HIGH, LQ_RMS = 6, -0.3, 2.0, 0.02


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """Rendered galaxies on their own flux scale, noisy and min-max normalised as by degrade."""
    monkeypatch.chdir(tmp_path)
    rng = stream(3, "test.fit.pairs", 0)
    truth = pd.DataFrame({"id": np.arange(COUNT) * 7, "x": 32.2, "y": 31.7, "model_flux": 20.0})
    truth["r50"], truth["n"] = np.linspace(2, 4, COUNT), np.linspace(0.8, 2.5, COUNT)
    truth["q"], truth["theta"] = 0.7, 0.5
    images = model_images(truth, (64, 64), 1.88) + rng.normal(0, LQ_RMS, (COUNT, 64, 64))
    blank = {"str": "galsim", "bool": False, "int64": 0, "float64": np.nan}
    table = pd.DataFrame({c.name: [blank[c.dtype]] * COUNT for c in PAIRS})
    table["id"], low, high = truth["id"], images.min(axis=(1, 2)), images.max(axis=(1, 2))
    table["lq_min"], table["lq_max"] = low, high
    table["noise"] = LQ_RMS / (high - low)
    scaled = (images - low[:, None, None]) / (high - low)[:, None, None]
    write_table("pairs.parquet", table, PAIRS, RECORD)
    write_cube("pairs.fits", {"GT": scaled, "LQ": scaled}, table["id"], RECORD)
    return truth, table, images


def fit_pairs(table, shard="1-of-1", settings="{}", degradation="{}"):
    return main(
        ["fit", "pairs", "--images", "pairs.fits", "--pairs", "pairs.parquet", "--shard", shard,
         "--degradation", degradation, "--selection", "{}", "--settings", settings, "--seed", "7",
         "--table", table]
    )  # fmt: skip


def test_pairs_come_back_on_the_scale_of_the_population(pairs):
    truth, table, images = pairs
    assert fit_pairs("t.parquet") == 0
    found = read_table("t.parquet", SERSIC)
    assert found["id"].tolist() == truth["id"].tolist()
    assert set(found["failure"]) == {""}
    assert set(found["mosaic"]) == {"galsim"}
    for name in ("x", "y", "model_flux", "r50", "n", "q"):
        assert np.all(np.abs(found[name] - truth[name]) < 5 * found[f"{name}_error"])
    # The definition of HST stamps, on the images before the normalisation; float32 pixels.
    flux, _ = measure_stamps(images, 1.5, 5)
    np.testing.assert_allclose(found["flux"], flux, rtol=1e-3)
    # The rms of some 3,800 pixels is known to 1.17 / sqrt(3800) = 2 %.
    np.testing.assert_allclose(found["noise"], table["noise"], rtol=0.08)


def test_pairs_have_no_sky(pairs):
    # Held at 0 to the floor of what the solver calls fixed, 1e-6 of the noise.
    assert fit_pairs("held.parquet", settings='{"pairs_sky_error": 0}') == 0
    assert fit_pairs("known.parquet") == 0
    assert fit_pairs("free.parquet", settings='{"sky": "free"}') == 0
    held, known, free = (read_table(f"{t}.parquet", SERSIC) for t in ("held", "known", "free"))
    np.testing.assert_allclose(held["background"], 0, atol=1e-5 * LQ_RMS)
    assert np.all(known["background_error"] < free["background_error"])
    assert np.all(known["background_error"] < 0.041 * LQ_RMS)


def test_shards_of_pairs_join_to_the_whole(pairs):
    assert fit_pairs("all.parquet") == 0
    for k in (1, 2):
        assert fit_pairs(f"{k}.parquet", f"{k}-of-2") == 0
    joined = pd.concat([read_table(f"{k}.parquet", SERSIC) for k in (1, 2)], ignore_index=True)
    pd.testing.assert_frame_equal(joined, read_table("all.parquet", SERSIC), check_exact=True)


def test_errors_of_pairs_are_those_of_the_noise_that_degrade_added(pairs):
    assert fit_pairs("w.parquet") == 0
    cosmos = json.dumps({"noise": "cosmos"})
    assert fit_pairs("c.parquet", degradation=cosmos) == 0
    assert fit_pairs("n.parquet", degradation=cosmos, settings='{"noise_lags": 0}') == 0
    white, found, none = (read_table(f"{t}.parquet", SERSIC) for t in "wcn")
    pd.testing.assert_frame_equal(none, white, check_exact=True)
    # Neighbours correlate by 0.19.
    assert np.all(found["r50_error"] > 1.2 * white["r50_error"])
    assert np.all(found["r50_error"] < 2 * white["r50_error"])
    assert found["r50"].tolist() == white["r50"].tolist()


def test_pairs_without_psf_look_flatter(pairs):
    assert fit_pairs("g.parquet") == 0
    assert fit_pairs("n.parquet", settings='{"psf": "none"}') == 0
    gaussian, none = (read_table(f"{t}.parquet", SERSIC) for t in "gn")
    assert np.all(none["n"] < 0.95 * gaussian["n"])


def test_pairs_are_fitted_with_the_kernel_that_blurred_them(pairs):
    # The image of a Gaussian as wide as degrade's own, in samples four to a pixel: as a sum
    # of four Gaussians it is the same PSF within 1e-3, and so are sizes beside errors of 1 %.
    steps = (np.arange(121) - 60) / 4
    line = np.exp(-4 * np.log(2) * (steps / 1.88) ** 2)
    fits.writeto("psf.fits", np.outer(line, line))
    image = {"path": "psf.fits", "pixel_scale": 0.0125}
    degradation = json.dumps({"psf_image": image, "kernel_size": 13})
    assert fit_pairs("g.parquet") == 0
    assert fit_pairs("i.parquet", degradation=degradation) == 0
    gaussian, found = (read_table(f"{t}.parquet", SERSIC) for t in "gi")
    for name in ("r50", "n", "q"):
        np.testing.assert_allclose(found[name], gaussian[name], rtol=5e-3)


def test_cube_and_table_of_pairs_belong_together(pairs, capsys):
    write_cube("pairs.fits", {"LQ": np.zeros((1, 64, 64))}, [3], RECORD)
    assert fit_pairs("t.parquet") == 2
    assert "holds other objects than pairs.parquet" in capsys.readouterr().err
