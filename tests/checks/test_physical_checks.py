"""Each check of flux, shapes, limits and proxies finds the fault that is planted."""

import shutil

import numpy as np
import pandas as pd
import pytest

from galrestore.checks import test_flux, test_limits, test_pairs, test_shapes
from galrestore.checks.artefacts import Artefacts
from galrestore.files import cubes, tables
from galrestore.files.contracts.limits import BLANK_MEASUREMENTS, BLANK_SUMMARY
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import SHAPE_PIXELS, SHAPES

SHAPE_TABLE, PIXELS = "shapes/jwst.parquet", "shapes/jwst_pixels.parquet"


@pytest.fixture
def results(sound, tmp_path):
    """A copy of the sound results that a test may break."""
    shutil.copytree(sound / "results", tmp_path / "results")
    return tmp_path / "results"


def change(path, columns, **values):
    """Set columns of a table, where a value is a function of the frame."""
    frame, record = tables.read_table(path, columns), tables.read_provenance(path)
    for name, value in values.items():
        frame[name] = value(frame) if callable(value) else value
    tables.write_table(path, frame, columns, record)


def cut(path, columns, rows=slice(1, None)):
    frame, record = tables.read_table(path, columns), tables.read_provenance(path)
    tables.write_table(path, frame.iloc[rows], columns, record)


def spoil(path, name, value, names=("GT", "LQ")):
    """Set one pixel of the second image."""
    record, ids = cubes.read_provenance(path), cubes.read_ids(path)
    images = {kind: cubes.read_cube(path, kind).copy() for kind in names}
    images[name][1, 2, 3] = value
    cubes.write_cube(path, images, ids, record)


def fails(results, function, *arguments, match):
    with pytest.raises(AssertionError, match=match):
        function(Artefacts(results), *arguments)


@pytest.mark.parametrize("name", ["jwst", "galsim"])
def test_flux_that_lq_has_lost(results, name):
    """
    A tenth of the noise's rms taken from each pixel of LQ.

    The mean over 255 pixels shifts by 0.1 sqrt(255) = 1.6 standard errors an image, 12 and more
    over the 60 or 120 pairs; 5 are allowed.
    """
    test_flux.test_lq_has_the_flux_of_gt(Artefacts(results), name)
    path = results / f"pairs/{name}.parquet"
    shift = {end: lambda t, end=end: t[end] - 0.0049 for end in ("lq_min", "lq_max")}
    change(path, PAIRS, **shift)
    fails(
        results,
        test_flux.test_lq_has_the_flux_of_gt,
        name,
        match=r"mean flux of LQ is -1\d\.\d standard errors",
    )


def test_flux_is_not_compared_where_noise_is_correlated(results):
    change(results / "pairs/jwst.parquet", PAIRS, noise_lag1=0.3)
    with pytest.raises(pytest.skip.Exception, match="white noise alone"):
        test_flux.test_lq_has_the_flux_of_gt(Artefacts(results), "jwst")


@pytest.mark.parametrize("column", ["scale", "offset"])
def test_match_that_does_not_keep_the_flux(results, column):
    """Off by a thousandth of the range; a hundred-thousandth is allowed."""
    test_flux.test_matched_images_have_the_flux_of_lq(Artefacts(results), "jwst")

    def off(frame):
        return frame[column] + 0.01 * (frame["image"] == "none")

    change(results / SHAPE_TABLE, SHAPES, **{column: off})
    fails(
        results,
        test_flux.test_matched_images_have_the_flux_of_lq,
        "jwst",
        match="matched none of ids .* has another flux than LQ",
    )


def test_a_match_that_is_not_finite(results):
    change(results / SHAPE_TABLE, SHAPES, scale=np.nan)
    fails(
        results,
        test_flux.test_matched_images_have_the_flux_of_lq,
        "jwst",
        match="has another flux",
    )


def test_shapes_of_too_few_pairs(results):
    check = test_shapes.test_shapes_are_of_the_test_pairs
    check(Artefacts(results), "jwst")
    cut(results / PIXELS, SHAPE_PIXELS)
    fails(results, check, "jwst", match="not equally many of each pair")
    ids = pd.read_parquet(results / PIXELS)["id"]
    cut(results / PIXELS, SHAPE_PIXELS, (ids != ids.iloc[0]).to_numpy())
    fails(results, check, "jwst", match="pairs are missing")
    cut(results / SHAPE_TABLE, SHAPES)
    fails(results, check, "jwst", match="29 rows of GT for 30 test pairs")
    change(results / SHAPE_TABLE, SHAPES, image="none")
    fails(results, check, "jwst", match=r"no rows of GT, LQ, LQ \+ PSF")


@pytest.mark.parametrize(
    ("column", "what"), [("n", "fits"), ("i50", "fits"), ("flux_isophote", "fluxes")]
)
def test_shapes_that_are_not_finite(results, column, what):
    check = test_shapes.test_measured_shapes_are_finite
    check(Artefacts(results), "jwst")
    change(results / SHAPE_TABLE, SHAPES, **{column: np.inf})
    fails(results, check, "jwst", match=f"shapes/jwst: {what} of ids")
    # Failed fits and undetected objects have nothing to be finite.
    change(results / SHAPE_TABLE, SHAPES, failure="index", area_aperture=0)
    check(Artefacts(results), "jwst")


def test_limits_whose_images_are_broken(results):
    check = test_limits.test_limit_images_are_whole
    check(Artefacts(results), "blanks")
    path = results / "limits/sets/blanks.fits"
    spoil(path, "GT", np.nan)
    fails(results, check, "blanks", match=r"limits/sets/blanks: GT of ids \[1\] is not finite")
    cut(path.with_suffix(".parquet"), PAIRS)
    fails(results, check, "blanks", match="images and table are of other objects")
    change(path.with_suffix(".parquet"), PAIRS, id=7)
    fails(results, check, "blanks", match="ids occur twice")


def test_limits_that_are_not_restored(results):
    check = test_limits.test_limit_images_are_restored
    check(Artefacts(results), "none/blanks")
    spoil(results / "limits/restored/none/blanks.fits", "RS", np.inf, ["RS"])
    fails(results, check, "none/blanks", match=r"RS of ids \[1\] is not finite")
    cut(results / "limits/sets/blanks.parquet", PAIRS)
    fails(results, check, "none/blanks", match="6 images for 5, or other ids")


def test_limits_that_are_not_measured(results):
    check = test_limits.test_limit_measurements_are_of_the_set
    check(Artefacts(results), "none/blanks")
    path = results / "limits/measurements/none/blanks.parquet"
    change(path, BLANK_MEASUREMENTS, rs_mean=np.inf)
    fails(results, check, "none/blanks", match="infinite rs_mean")
    change(path, BLANK_MEASUREMENTS, rs_mean=0.0)
    cut(path, BLANK_MEASUREMENTS)
    fails(results, check, "none/blanks", match="5 rows for 6 images, or other ids")


def test_limits_that_do_not_add_up(results):
    check = test_limits.test_summaries_of_the_limits_add_up
    check(Artefacts(results), "limits_blanks")
    path = results / "tables/limits_blanks.parquet"
    change(path, BLANK_SUMMARY, n=[6, 2, 3])
    fails(results, check, "limits_blanks", match="counts 5 images of blanks for none, not 6")
    change(path, BLANK_SUMMARY, rs_peak=-np.inf)
    fails(results, check, "limits_blanks", match="infinite rs_peak")


def test_pairs_of_two_sizes(results, monkeypatch):
    check = test_pairs.test_images_of_a_pair_are_equally_large
    check(Artefacts(results), "multi_epoch")
    read = test_pairs.read_cube
    smaller = {"GT": slice(None), "LQ": slice(1, None)}
    monkeypatch.setattr(
        test_pairs, "read_cube", lambda path, name, rows: read(path, name, rows)[:, smaller[name]]
    )
    fails(results, check, "multi_epoch", match=r"shapes are \{'GT': .*15, 17.* 'LQ': .*14, 17")


def test_a_proxy_that_networks_have_seen(results):
    """The HST sources lie where JWST's do; one in four of these is a test pair."""
    check = test_pairs.test_proxies_are_apart_from_the_training_on_the_sky
    check(Artefacts(results), "multi_epoch")

    def move(frame):
        return frame["id"] + (np.arange(len(frame)) == 2)

    change(results / "pairs/multi_epoch.parquet", PAIRS, id=move)
    # Both JWST mosaics show the source, in the validation split; the stamp counts once.
    fails(results, check, "multi_epoch", match="1 test stamps within 1.0 arcsec")
    change(results / "pairs/multi_epoch.parquet", PAIRS, id=lambda t: t["id"].where(t.index > 0, 7))
    fails(results, check, "multi_epoch", match=r"ids \[7\] are missing in the catalogues")
    # Catalogues of mosaics that are held out are not among the files.
    change(results / "pairs/multi_epoch.parquet", PAIRS, id=np.arange(15))
    with pytest.raises(pytest.skip.Exception, match="in no catalogue"):
        check(Artefacts(results), "multi_epoch")
