"""From mosaic to catalogue and stamps: the same bits for all tiles, and the right sources."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import CATALOGUE, REJECTIONS
from galrestore.sources.cutting import cut_stamps, stamp_side
from galrestore.sources.selection import object_ids, select

SHAPE = (563, 1141)


@pytest.fixture(scope="module")
def crowded(make):
    return make.crowded(SHAPE, 420)


def selected(images, settings, tile=4096):
    """Catalogue, cube and ids, as stage select writes them."""
    selection = select(images, settings, tile)
    ids = selection.table["id"][selection.table["rejected_by"] == ""].to_numpy()
    side = stamp_side(selection, settings)
    cube = np.full((len(ids), side, side), np.inf, np.float32)
    for planes, stamps in cut_stamps(images, selection, settings, 1, tile):
        cube[planes] = stamps
    return SimpleNamespace(table=selection.table, cube=cube, ids=ids)


def chosen(mosaic, tile=4096, **settings):
    return selected([mosaic], Select(**settings), tile)


@pytest.mark.parametrize("telescope", ["hst", "jwst"])
def test_any_tile_gives_the_same_bits(make, crowded, telescope):
    def run(tile):
        mosaic = make.mosaic(crowded, telescope=telescope)
        return mosaic, chosen(mosaic, tile, minimum_coverage=0.9, jwst_maximum_rms=0.1)

    _, whole = run(4096)
    assert len(whole.ids) > 25
    for tile, tiles in ((256, 2 * 5), (300, 2 * 4)):
        mosaic, parts = run(tile)
        # Nine strips for the background, a window for each tile, and some tiles again:
        # the large disc is wider than the margin.
        assert len(mosaic.windows) > 9 + tiles
        for name in whole.table:
            assert_array_equal(parts.table[name], whole.table[name], err_msg=name)
        assert_array_equal(parts.cube, whole.cube)
        assert_array_equal(parts.ids, whole.ids)


def test_catalogue_keeps_its_contract(make, crowded):
    table = chosen(make.mosaic(crowded)).table
    assert set(table.columns) == {column.name for column in CATALOGUE}
    assert (np.diff(table["y"]) >= 0).all()
    accepted = ~table[[f"reject_{name}" for name in REJECTIONS]].any(axis=1)
    assert_array_equal(accepted, table["rejected_by"] == "")


def test_relative_weights_are_scaled_to_the_noise(make, crowded):
    # A power of two only moves exponents, so the scale drops out to the last bit.
    noise = np.random.default_rng(3).uniform(0.9, 1.1, SHAPE).astype(np.float32)
    one, four = (
        chosen(make.mosaic(crowded, noise * factor, weight_kind="inverse_variance")).table
        for factor in (1, 4)
    )
    assert_array_equal(one["snr"], four["snr"])
    # The noise of the sky is 1, and the map is 1 in the mean; crowding adds some.
    assert_allclose(np.median(one["rms"]), 1.0, atol=0.1)
    absolute = chosen(make.mosaic(crowded, noise * 4, weight_kind="rms")).table
    assert_allclose(np.median(absolute["rms"]), 4.0, atol=0.1)
    assert len(absolute) < len(four)


@pytest.fixture(scope="module")
def known(make):
    """Nine galaxies on a grid, a hot pixel, a bright pair, a galaxy at the edge, 30 stars."""
    rng = np.random.default_rng(11)
    image = rng.normal(100, 1, (457, 611))
    places = [(100 + 80 * i, 90 + 90 * j) for i in range(3) for j in range(3)]
    for y, x in places:
        make.gaussian(image, x + 0.3, y - 0.2, 4e4, 4.0)
    image[60, 420] += 5000
    for x in (420, 432):
        make.gaussian(image, x, 150, 4e4, 4.0)
    make.gaussian(image, 607, 250, 4e4, 4.0)
    for x, y in zip(rng.uniform(400, 590, 30), np.linspace(300, 440, 30), strict=True):
        make.gaussian(image, x, y, 3e4, 1.1)
    return make.mosaic(image.astype(np.float32), psf_fwhm=0.13), places


def at(table, x, y):
    return table.iloc[int(np.argmin((table["x"] - x) ** 2 + (table["y"] - y) ** 2))]


def test_galaxies_are_accepted_with_their_photometry(known):
    mosaic, places = known
    selection = chosen(mosaic)
    accepted = selection.table[selection.table["rejected_by"] == ""]
    assert len(accepted) == len(places)
    for y, x in places:
        row = at(accepted, x + 0.3, y - 0.2)
        # 5-sigma error of a centroid: sigma^2 sqrt(8 pi) / flux x noise = 0.002, 0.01.
        assert_allclose([row["x"], row["y"]], [x + 0.3, y - 0.2], atol=0.02)
        assert_allclose(row["a"], np.sqrt(4.0**2 + 0.5), rtol=0.05)
        # SExtractor's Kron fluxes miss up to some per cent.
        assert_allclose(row["flux_auto"], 4e4, rtol=0.03)
        assert_allclose(row["flux_stamp"], 4e4, rtol=0.03)
        assert_allclose(row["r50"], np.sqrt(2 * np.log(2)) * 4, rtol=0.03)
        assert_allclose(row["background"], 100, atol=1)
        assert 0 < row["background_error"] < 1
        assert row["stamp_width"] == 2 * int(4 * row["a"] + 5)
        # Peak of the Gaussian 398, plus noise; sky of N > 1000 pixels, 5 sigma = 18%.
        assert_allclose(row["noise"], 1 / 402, rtol=0.2)


def test_stamps_are_cut_about_their_pixel(known):
    mosaic, _ = known
    selection = chosen(mosaic)
    accepted = selection.table.set_index("id").loc[selection.ids]
    side = selection.cube.shape[1]
    assert side == accepted["stamp_width"].max()
    for stamp, (_, row) in zip(selection.cube, accepted.iterrows(), strict=True):
        x, y = round(row["x"]), round(row["y"])
        assert stamp[side // 2, side // 2] == mosaic.science[y, x]
        assert np.isfinite(stamp).sum() == row["stamp_width"] ** 2


def test_each_flaw_is_named(known):
    mosaic, _ = known
    table = chosen(mosaic, size_factor=0.3).table
    assert at(table, 420, 60)["rejected_by"] in {"small", "gradient"}
    assert at(table, 420, 60)["reject_gradient"]
    assert at(table, 420, 150)["rejected_by"] == "neighbour"
    assert at(table, 607, 250)["rejected_by"] == "edge"
    stars = table[(table["y"] > 290) & (table["snr"] > 100)]
    assert len(stars) >= 25
    assert stars["reject_star"].mean() > 0.8  # some are blends
    assert not table[table["y"] < 270]["reject_star"].any()


def stamp_at_the_edge(mosaic, **settings):
    selection = chosen(mosaic, minimum_coverage=0.5, **settings)
    row = at(selection.table, 607, 250)
    assert row["rejected_by"] == ""
    return row, selection.cube[list(selection.ids).index(row["id"])]


def test_hst_stamps_stay_blank_beyond_the_data(known):
    # Noise in place of galaxy light would be fitted as data.
    mosaic, _ = known
    row, stamp = stamp_at_the_edge(mosaic)
    assert row["coverage"] < 1
    assert np.isfinite(stamp).sum() == round(row["coverage"] * row["stamp_width"] ** 2)


@pytest.mark.parametrize("padding", ["white", "correlated"])
def test_jwst_stamps_are_filled_beyond_the_data(make, known, padding):
    image = known[0].window(0, 457, 0, 611)[0]
    mosaic = make.mosaic(image, telescope="jwst")
    row, stamp = stamp_at_the_edge(mosaic, padding=padding, jwst_maximum_rms=0.1)
    # The part beyond the image is sky: level 100, noise 1, some 1,800 pixels.
    beyond = stamp[:, 32 + 611 - int(row["x"] + 0.5) :]
    assert_allclose(beyond.mean(), 100, atol=5 / np.sqrt(beyond.size))


def test_jwst_stamps_are_padded_and_trimmed_to_one_size(make):
    image = np.random.default_rng(4).normal(10, 1, (301, 411))
    make.gaussian(image, 100, 100, 5e4, 3.0)
    make.gaussian(image, 200, 200, 2e6, 7.6)  # w = 2 floor(4 x 7.6 + 5) = 70; the ring is dark
    make.disc(image, 320, 120, 2e6, 5.2)
    mosaic = make.mosaic(image.astype(np.float32), telescope="jwst")
    selection = chosen(mosaic)
    small, gaussian, disc = (
        at(selection.table, x, y) for x, y in ((100, 100), (200, 200), (320, 120))
    )
    assert small["rejected_by"] == ""
    assert selection.cube.shape[1:] == (64, 64)
    assert np.isfinite(selection.cube).all()
    padded = selection.cube[list(selection.ids).index(small["id"])]
    assert padded[32, 32] == mosaic.science[100, 100]
    # The frame is noise around the sky that was measured, within 5 sigma.
    assert_allclose(padded[:8].mean(), 10, atol=5 * np.sqrt(1 / 512 + 1.6 / 500))
    assert_allclose(padded[:8].std(), 1, rtol=5 / np.sqrt(2 * 512) + 0.15)
    assert gaussian["stamp_width"] > 64
    assert disc["stamp_width"] > 64
    assert disc["rejected_by"] == "truncated"


def test_cutouts_keep_the_source_at_the_centre(make):
    images = []
    for seed in range(3):
        image = np.random.default_rng(seed).normal(0, 1, (101, 121))
        make.gaussian(image, 60, 50, 4e4, 3.0)
        make.gaussian(image, 15, 80, 4e4, 3.0)
        images.append(make.mosaic(image.astype(np.float32), n_images=3))
    selection = selected(images, Select())
    table = selection.table
    accepted = table[table["rejected_by"] == ""]
    assert accepted["image"].tolist() == [0, 1, 2]
    assert_allclose(accepted["x"], 60, atol=0.1)
    assert (table[table["rejected_by"] == "offcentre"]["x"] < 90).all()


@pytest.mark.parametrize("images", [1, 2])
def test_empty_sky_gives_an_empty_catalogue(make, images):
    mosaic = make.mosaic(np.full((73, 91), 3, np.float32), n_images=images)
    selection = selected([mosaic] * images, Select())
    assert len(selection.table) == 0
    assert set(selection.table.columns) == {column.name for column in CATALOGUE}
    assert selection.cube.shape == (0, 2, 2)


def test_ids_are_positive_and_tell_mosaics_apart():
    first, second = object_ids("goods_n", 5), object_ids("goods_s", 5)
    assert (first > 0).all()
    assert not np.isin(first, second).any()
    assert_array_equal(np.diff(first), 1)
