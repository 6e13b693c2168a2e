"""Pairs are whole, normalised, split by sky, and as noisy as HST images."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import KDTree
from scipy.stats import ks_2samp

from galrestore.files.contracts.pairs import PAIRS, SPLITS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.contracts.sersic import FLUX, SERSIC
from galrestore.files.cubes import read_cube, read_ids
from galrestore.synthesis.population import DIMENSIONS, GALSIM_INDICES

_BLOCK = 4096
_PROXIES = ("single_epoch", "shallow_epoch", "multi_epoch")
# Distributions of fewer values are not compared.
_ENOUGH = 50
# Chance that two samples of one distribution are refused, and a difference of their
# cumulative distributions that is allowed however many values show it.
_PROBABILITY = 1e-3
_DIFFERENCE = 0.05
# rms over median absolute deviation of a Gaussian.
_MAD = 1.4826


def test_images_belong_to_the_table(artefacts, pair_set):
    """Images and rows are of the same objects in the same order, each once."""
    ids = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)["id"]
    assert ids.is_unique, f"pairs/{pair_set}: ids occur twice"
    assert np.array_equal(read_ids(artefacts.path(f"pairs/{pair_set}.fits")), ids), (
        f"pairs/{pair_set}: images and table are of different objects"
    )


def test_every_object_became_a_pair(artefacts, pair_set):
    """JWST pairs are the accepted JWST stamps, GalSim pairs the population."""
    if pair_set == "jwst":
        expected = artefacts.accepted("jwst")["id"]
    elif pair_set == "galsim":
        expected = artefacts.table("population.parquet", POPULATION)["id"]
    else:
        pytest.skip("ready pairs, and stamps beside better images, are not all objects")
    found = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)["id"]
    assert np.array_equal(np.sort(found), np.sort(expected)), (
        f"pairs/{pair_set}: {len(found)} pairs for {len(expected)} objects, or other ids"
    )


@pytest.mark.parametrize("name", ["GT", "LQ"])
def test_images_are_normalised(artefacts, pair_set, name):
    """All pixels are finite, the smallest of each image 0 and the largest 1."""
    for ids, block in _blocks(artefacts, pair_set, name):
        bad = ids[~np.isfinite(block).all(axis=(1, 2))].tolist()
        assert not bad, f"pairs/{pair_set}: {name} of ids {bad[:5]} is not finite"
        low, high = block.min(axis=(1, 2)), block.max(axis=(1, 2))
        # Single precision leaves 6e-8 of a range of 1.
        off = ids[(abs(low) > 1e-6) | (abs(high - 1) > 1e-6)].tolist()
        assert not off, f"pairs/{pair_set}: {name} of ids {off[:5]} does not span 0 to 1"


def test_splits_are_disjoint(artefacts, pair_set):
    """Splits have known names, and no group of pairs is in two of them."""
    pairs = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)
    assert set(pairs["split"]) <= set(SPLITS), f"pairs/{pair_set}: {set(pairs['split'])}"
    splits = pairs.groupby("group")["split"].nunique()
    shared = splits.index[splits > 1].tolist()
    assert not shared, f"pairs/{pair_set}: groups {shared[:5]} are in several splits"


def test_splits_are_apart_on_the_sky(artefacts):
    """No two JWST pairs closer than the radius of friends are in different splits."""
    if "jwst" not in artefacts.below("pairs", ".parquet"):
        pytest.skip("no JWST pairs")
    pairs = artefacts.table("pairs/jwst.parquet", PAIRS)
    radius = json.loads(artefacts.provenance("pairs/jwst.parquet").settings)["group_radius"]
    sources = pairs[["id", "split"]].merge(artefacts.accepted("jwst"), on="id", validate="1:1")
    assert len(sources) == len(pairs), "JWST pairs are missing in the catalogues"
    for positions, members in _sky(sources):
        # Positions are arcsec; a thousandth of one allows for rounding at the radius.
        close = KDTree(positions).query_pairs(radius - 1e-3, output_type="ndarray")
        split = members["split"].to_numpy()
        torn = close[split[close[:, 0]] != split[close[:, 1]]]
        ids = members["id"].to_numpy()[torn].tolist()
        assert not ids, f"{len(ids)} pairs within {radius} arcsec in different splits: {ids[:3]}"


def test_images_of_a_pair_are_equally_large(artefacts, pair_set):
    """GT and LQ of a set have one shape, and a row of the table each."""
    shapes = {
        name: read_cube(artefacts.path(f"pairs/{pair_set}.fits"), name, slice(0, 1)).shape
        for name in ("GT", "LQ")
    }
    assert shapes["GT"] == shapes["LQ"], f"pairs/{pair_set}: shapes are {shapes}"


def test_proxies_are_apart_from_the_training_on_the_sky(artefacts, pair_set):
    """No test stamp beside a better image lies where a network was trained or validated."""
    if pair_set not in _PROXIES:
        pytest.skip("not a set of stamps beside better images")
    proxies = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)
    tested = proxies.loc[proxies["split"] == "test", ["id"]]
    pairs = artefacts.table("pairs/jwst.parquet", PAIRS)
    radius = json.loads(artefacts.provenance("pairs/jwst.parquet").settings)["group_radius"]
    seen = pairs.loc[pairs["split"] != "test", ["id"]]
    sources = artefacts.catalogues()
    if not tested["id"].isin(sources["id"]).any():
        pytest.skip("stamps of mosaics that are held out, or of exposures, are in no catalogue")
    for frame, what in ((tested, pair_set), (seen, "jwst")):
        lost = frame["id"][~frame["id"].isin(sources["id"])].tolist()
        assert not lost, f"pairs/{what}: ids {lost[:3]} are missing in the catalogues"
    members = sources.merge(
        pd.concat([tested.assign(seen=False), seen.assign(seen=True)]), on="id", validate="1:1"
    )
    members = members[members["ra"].notna() & members["dec"].notna()]
    for positions, own in _sky(members):
        close = KDTree(positions).query_pairs(radius - 1e-3, output_type="ndarray")
        known = own["seen"].to_numpy()
        torn = close[known[close[:, 0]] != known[close[:, 1]]]
        ids = np.unique(own["id"].to_numpy()[torn][~known[torn]]).tolist()
        assert not ids, (
            f"pairs/{pair_set}: {len(ids)} test stamps within {radius} arcsec of a training or "
            f"validation pair: {ids[:3]}"
        )


def test_noise_is_distributed_as_it_should(artefacts, pair_set):
    """Noise in LQ follows the HST stamps, that of GalSim pairs the population too."""
    if pair_set not in ("jwst", "galsim"):
        pytest.skip("ready pairs have the noise they have")
    found = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)["noise"]
    expected = {"HST stamps": artefacts.accepted("hst")["noise"]}
    if pair_set == "galsim":
        expected["population"] = artefacts.table("population.parquet", POPULATION)["noise"]
    if min(len(found), *map(len, expected.values())) < _ENOUGH:
        pytest.skip(f"{len(found)} pairs: too few to compare")
    for name, noise in expected.items():
        _same_distribution(f"pairs/{pair_set}: noise", found, noise, name)


def test_population_follows_the_fits(artefacts):
    """Each quantity of the population is distributed as among the good fits within its range."""
    if "population" not in artefacts.below("", ".parquet"):
        pytest.skip("no population")
    population = artefacts.table("population.parquet", POPULATION)
    fits = artefacts.table("sersic/hst.parquet", SERSIC)
    good = fits[(fits["failure"] == "") & fits["n"].between(*GALSIM_INDICES)]
    if min(len(population), len(good)) < _ENOUGH:
        pytest.skip(f"{len(population)} galaxies, {len(good)} good fits: too few to compare")
    flux = FLUX[json.loads(artefacts.provenance("population.parquet").settings)["flux"]]
    for name in DIMENSIONS:
        expected = good[flux if name == "flux" else name]
        _same_distribution(f"population: {name}", population[name], expected, "fits")


def _same_distribution(what, found, expected, name):
    test = ks_2samp(found, expected)
    assert test.pvalue > _PROBABILITY or test.statistic < _DIFFERENCE, (
        f"{what} is distributed otherwise than among the {name} "
        f"(Kolmogorov-Smirnov D = {test.statistic:.3f}, p = {test.pvalue:.1e})"
    )


def test_noise_is_as_stated(artefacts, pair_set):
    """The noise measured in LQ is the table's."""
    pairs = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)
    stated = pairs["noise"].to_numpy()
    if pairs["noise_lag1"].isna().all():
        pytest.skip("nobody knows how noise in images of others is correlated")
    if np.isfinite(stated).sum() < _ENOUGH:
        pytest.skip(f"{len(stated)} pairs: too few to compare")
    blocks = _blocks(artefacts, pair_set, "LQ")
    measured = np.concatenate([_white_noise(images) for _, images in blocks])
    ratio = np.nanmedian(measured / stated)
    # The estimator errs by 2 per cent on one image, more where a galaxy fills the frame;
    # noise that GT had before the blur is in the table and not in the estimate.
    assert 0.8 < ratio < 1.25, (
        f"pairs/{pair_set}: noise in the images is {ratio:.2f} of what the table says"
    )


def _blocks(artefacts, pair_set, name):
    path = artefacts.path(f"pairs/{pair_set}.fits")
    ids = read_ids(path)
    for start in range(0, len(ids), _BLOCK):
        rows = slice(start, start + _BLOCK)
        yield ids[rows], read_cube(path, name, rows)


def _white_noise(images):
    """Noise from differences of four neighbours, which smooth light does not reach."""
    rows = np.diff(images, axis=1)
    crossed = np.diff(rows, axis=2)
    return _MAD * np.median(np.abs(crossed), axis=(1, 2)) / 2


def _sky(sources):
    """
    Positions in arcsec, and the sources they are of, by patch where they compare.

    Sources with celestial coordinates are one patch, as points in space; the others
    compare within an image of a field, whose mosaics share their first pixel's corner.
    """
    has_wcs = sources["ra"].notna() & sources["dec"].notna()
    celestial = sources[has_wcs]
    if len(celestial):
        ra, dec = np.deg2rad(celestial["ra"]), np.deg2rad(celestial["dec"])
        points = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
        yield np.rad2deg(points) * 3600, celestial
    for _, members in sources[~has_wcs].groupby(["field", "image"]):
        corners = members[["x", "y"]].to_numpy() + 0.5
        yield corners * members[["pixel_scale"]].to_numpy(), members
