"""Stage degrade from the command line."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.cli import main
from galrestore.config.degrade import Degrade
from galrestore.files import cubes
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.tables import read_provenance, read_table, write_table
from galrestore.provenance import Provenance

KINDS = {"str": "", "bool": False, "int64": 0, "float64": 0.0}
COMMON = ["--settings", Degrade().model_dump_json(), "--seed", "3", "--code", "abc"]


def record(stage):
    return Provenance(stage, f"code of {stage}", "{}", 3)


def images(count, seed=1):
    """Discs with noise, so that no two are alike."""
    y, x = np.mgrid[:40, :40]
    disc = 50 * np.exp(-np.hypot(y - 20, x - 20) / 3)
    return disc + np.random.default_rng(seed).normal(4, 0.2, (count, 40, 40))


def rows(columns, count, **values):
    table = pd.DataFrame({c.name: np.full(count, KINDS[c.dtype]) for c in columns})
    return table.assign(**values)[[column.name for column in columns]]


@pytest.fixture
def stamps(tmp_path):
    """Catalogues and cubes of two JWST mosaics and the catalogue of an HST mosaic."""
    rng = np.random.default_rng(2)
    for k, (mosaic, count) in enumerate({"a": 37, "b": 23}.items()):
        table = rows(
            CATALOGUE,
            count + 5,
            id=(k + 1) * 1000 + np.arange(count + 5),
            mosaic=mosaic,
            field="sky",
            ra=10 + rng.uniform(0, 60, count + 5) / 3600,
            dec=rng.uniform(0, 60, count + 5) / 3600,
            rejected_by=["small"] * 5 + [""] * count,
        )
        write_table(tmp_path / f"{mosaic}.parquet", table, CATALOGUE, record("select"))
        accepted = table["id"].to_numpy()[5:]
        cubes.write_cube(
            tmp_path / f"{mosaic}.fits", {"STAMP": images(count, k)}, accepted, record("select")
        )
    hst = rows(CATALOGUE, 9, id=np.arange(9), rejected_by=["faint"] * 4 + [""] * 5)
    hst["noise"] = [9.0] * 4 + [0.01, 0.02, 0.03, 0.04, 0.05]
    write_table(tmp_path / "hst.parquet", hst, CATALOGUE, record("select"))
    return tmp_path


def run_jwst(folder, shard, name, hst="hst"):
    files = [
        *("--catalogues", folder / "a.parquet", folder / "b.parquet"),
        *("--stamps", folder / "a.fits", folder / "b.fits"),
        *("--noise", folder / f"{hst}.parquet"),
        *("--shard", shard),
        *("--images", folder / f"{name}.fits", "--table", folder / f"{name}.parquet"),
    ]
    return main(["degrade", "jwst", *COMMON, *map(str, files)])


def test_jwst_pairs(stamps):
    assert run_jwst(stamps, "1-of-1", "all") == 0
    table = read_table(stamps / "all.parquet", PAIRS)
    assert table["source"].tolist() == ["a"] * 37 + ["b"] * 23
    assert_array_equal(cubes.read_ids(stamps / "all.fits"), table["id"])
    assert table["noise"].isin([0.01, 0.02, 0.03, 0.04, 0.05]).all()
    assert set(table["split"]) == {"train", "validation", "test"}
    assert (table.groupby("group")["split"].nunique() == 1).all()
    truth, low = (cubes.read_cube(stamps / "all.fits", name) for name in ("GT", "LQ"))
    assert_allclose(
        truth[3] * (table["gt_max"][3] - table["gt_min"][3]) + table["gt_min"][3],
        cubes.read_cube(stamps / "a.fits", "STAMP")[3],
        rtol=1e-5,
    )
    assert low.shape == truth.shape == (60, 40, 40)
    span = table["lq_max"] - table["lq_min"]
    assert_allclose(table["noise_sigma"] / span, table["noise"], rtol=1e-9)


@pytest.mark.parametrize("shards", [2, 5])
def test_shards_join_to_the_same_files(stamps, shards):
    run_jwst(stamps, "1-of-1", "all")
    parts = [f"part{k}" for k in range(1, shards + 1)]
    for k, name in enumerate(parts, 1):
        assert run_jwst(stamps, f"{k}-of-{shards}", name) == 0
    for ending in ("fits", "parquet"):
        joined = stamps / f"joined.{ending}"
        files = [str(stamps / f"{name}.{ending}") for name in parts]
        assert main(["gather", "--shards", *files, "--output", str(joined)]) == 0
    assert (stamps / "joined.fits").read_bytes() == (stamps / "all.fits").read_bytes()
    pd.testing.assert_frame_equal(
        read_table(stamps / "joined.parquet"), read_table(stamps / "all.parquet")
    )
    assert read_provenance(stamps / "joined.parquet") == read_provenance(stamps / "all.parquet")


def test_nothing_accepted_is_said_with_the_reasons(stamps, capsys):
    table = read_table(stamps / "hst.parquet", CATALOGUE).assign(rejected_by="faint")
    write_table(stamps / "none.parquet", table, CATALOGUE, record("select"))
    assert run_jwst(stamps, "1-of-1", "all", hst="none") == 2
    message = capsys.readouterr().err
    assert "no HST source is accepted (9 sources: 0 accepted, 9 faint)" in message


def test_stamps_of_another_run_are_refused(stamps, capsys):
    cubes.write_cube(
        stamps / "b.fits", {"STAMP": images(22)}, 2000 + np.arange(22), record("select")
    )
    assert run_jwst(stamps, "1-of-1", "all") == 2
    assert "holds other objects than its catalogue; rerun select" in capsys.readouterr().err


@pytest.fixture
def rendered(tmp_path):
    """Write a population of thirty and render it in shards of 18 and 12."""
    population = rows(POPULATION, 30, id=np.arange(30), noise=np.linspace(0.01, 0.09, 30))
    write_table(tmp_path / "population.parquet", population, POPULATION, record("resample"))
    for name, ids in (("1", np.arange(18)), ("2", np.arange(18, 30))):
        cubes.write_cube(tmp_path / f"{name}.fits", {"GT": images(30)[ids]}, ids, record("render"))
    return tmp_path


def run_galsim(folder, name):
    files = [
        *("--rendered", folder / f"{name}.fits", "--population", folder / "population.parquet"),
        *("--images", folder / f"pairs{name}.fits", "--table", folder / f"pairs{name}.parquet"),
    ]
    return main(["degrade", "galsim", *COMMON, *map(str, files)])


def test_galsim_pairs(rendered):
    assert run_galsim(rendered, "1") == run_galsim(rendered, "2") == 0
    tables = [read_table(rendered / f"pairs{name}.parquet", PAIRS) for name in "12"]
    table = pd.concat(tables, ignore_index=True)
    assert_array_equal(table["id"], np.arange(30))
    assert_array_equal(table["group"], table["id"])
    assert (table["source"] == "galsim").all()
    assert_allclose(table["noise"], np.linspace(0.01, 0.09, 30))
    # Each object is a group of its own: the shares of 30 are exact over all shards.
    assert table["split"].value_counts().to_dict() == {"train": 24, "validation": 3, "test": 3}


def test_galsim_shards_have_one_record(rendered):
    run_galsim(rendered, "1")
    run_galsim(rendered, "2")
    first, second = (read_provenance(rendered / f"pairs{name}.parquet") for name in "12")
    assert first == second
    assert first.inputs["results/render"] == "code of render"
    assert str(rendered / "population.parquet") in first.inputs


def test_rendered_stranger_is_refused(rendered, capsys):
    cubes.write_cube(rendered / "1.fits", {"GT": images(2)}, np.array([3, 99]), record("render"))
    assert run_galsim(rendered, "1") == 2
    assert "object 99 is not in" in capsys.readouterr().err


def with_settings(folder, name, **settings):
    common = ["--settings", Degrade(**settings).model_dump_json(), *COMMON[2:]]
    files = [
        *("--rendered", folder / "1.fits", "--population", folder / "population.parquet"),
        *("--images", folder / f"{name}.fits", "--table", folder / f"{name}.parquet"),
    ]
    return main(["degrade", "galsim", *common, *map(str, files)])


def write_psf(path, scale=0.025, **cards):
    y, x = np.mgrid[:61, :55]
    psf = np.exp(-((y - 29.3) ** 2 + (x - 27.6) ** 2) / (2 * 1.6**2))
    hdu = fits.ImageHDU(psf.astype(np.float32), name="PSF")
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"} | cards)
    hdu.header["CDELT1"], hdu.header["CDELT2"] = -scale / 3600, scale / 3600
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return str(path)


def test_psf_image_in_place_of_the_gaussian(rendered):
    psf = write_psf(rendered / "psf.fits")
    assert with_settings(rendered, "image", psf_image={"path": psf, "hdu": "PSF"}) == 0
    # The same Gaussian: sigma 1.6 pixels of 0.025 arcsec is 0.8 of 0.05.
    width = 0.8 * 2 * np.sqrt(2 * np.log(2))
    assert with_settings(rendered, "gaussian", psf_fwhm=width) == 0
    tables = [read_table(rendered / f"{name}.parquet", PAIRS) for name in ("image", "gaussian")]
    low = [cubes.read_cube(rendered / f"{name}.fits", "LQ") for name in ("image", "gaussian")]
    # Quintic splines, see tests/synthesis/test_psf.py.
    assert_allclose(low[0], low[1], atol=2e-3)
    assert_allclose(tables[0]["kernel_fwhm"], width, rtol=0.01)
    assert (tables[0]["noise_lag1"] == 0).all()
    record_of = read_provenance(rendered / "image.parquet")
    assert psf in record_of.inputs
    assert psf in record_of.settings


@pytest.mark.parametrize(
    ("cards", "settings", "message"),
    [
        ({}, {"hdu": "SCI"}, "has no extension 'SCI'"),
        ({}, {"hdu": 0}, "extension 0 has 0 axes"),
        ({"CTYPE1": "", "CTYPE2": ""}, {}, "no celestial WCS; give degrade.psf_image.pixel_scale"),
        ({}, {"pixel_scale": 0.001}, "a kernel of 7 pixels needs rows"),
    ],
)
def test_psf_images_that_will_not_do(rendered, capsys, cards, settings, message):
    psf = {"path": write_psf(rendered / "psf.fits", **cards), "hdu": "PSF"} | settings
    assert with_settings(rendered, "image", psf_image=psf) == 2
    error = capsys.readouterr().err
    assert "psf.fits" in error
    assert message in error


def test_correlated_noise(rendered):
    assert with_settings(rendered, "cosmos", noise="cosmos") == 0
    table = read_table(rendered / "cosmos.parquet", PAIRS)
    assert_allclose(table["noise_lag1"], 0.193, atol=0.003)
    span = table["lq_max"] - table["lq_min"]
    assert_allclose(table["noise_sigma"] / span, table["noise"], rtol=1e-9)
    sky = np.random.default_rng(3).normal(size=(300, 301))
    fits.writeto(rendered / "sky.fits", (sky[:, 1:] + sky[:, :-1]).astype(np.float32))
    image = {"path": str(rendered / "sky.fits")}
    assert with_settings(rendered, "sky", noise="sky", noise_image=image, noise_lags=3) == 0
    # Sums of two neighbours along rows correlate by 1/2 along rows, not at all along columns.
    found = read_table(rendered / "sky.parquet", PAIRS)["noise_lag1"]
    assert_allclose(found, 0.25, atol=5 / np.sqrt(2 * 90000))


def test_noise_image_that_is_no_correlation(rendered, capsys):
    fits.writeto(rendered / "lags.fits", np.array([[0, 1, 0], [1, 1.0, 1], [0, 1, 0]]))
    image = {"path": str(rendered / "lags.fits")}
    assert with_settings(rendered, "a", noise="correlation", noise_image=image) == 2
    assert "lags.fits: extension 0: no noise has this correlation" in capsys.readouterr().err
