"""Simulated exposures against the truth: positions, fluxes, noise, flags, cosmic rays."""

import numpy as np
import pytest
import sep
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import binary_dilation, find_objects, label

from galrestore.archive.deep_mosaic import MASK, read_hits, write_deep_mosaic
from galrestore.archive.simulated import truth
from galrestore.archive.simulated_cosmic_rays import cosmic_rays
from galrestore.archive.simulated_exposures import HITS, SimulatedExposureSet, write_exposures
from galrestore.config.acquire import (
    SimulatedExposures,
    SimulatedMosaic,
    SimulatedPopulation,
    SimulatedSky,
)
from galrestore.errors import InputError
from galrestore.files.exposures import DataQuality, read_exposure
from galrestore.provenance import Provenance
from galrestore.sources.cosmic_rays import clean_stamp, find_cosmic_rays
from galrestore.synthesis.blot import blot, pixel_map_and_areas
from galrestore.synthesis.drizzling import Layer, drizzle_exposures
from tests.archive.test_simulated import ACS

SEED = 11
RECORD = Provenance("expose", "0123", "{}", SEED)
STARS = {"galaxy_density": 0, "star_density": 400}
TIMES = [500.0, 800.0, 800.0, 800.0]


def exposures(population=STARS, /, **changes):
    settings = {
        "mosaic": "acs",
        "exposure_times": TIMES,
        "rows": 160,
        "columns": 320,
        "gap": 20.0,
        "dither": 0.7,
    }
    sky = SimulatedSky(
        width=24.0,
        height=24.0,
        population=SimulatedPopulation(**population),
        mosaics={"acs": SimulatedMosaic(**ACS)},
        exposures={"epochs": SimulatedExposures(**settings | changes)},
    )
    return SimulatedExposureSet("epochs", sky, SEED), sky


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A set of stars on disk, its rows, and its mosaic with the pixels rejected."""
    folder = tmp_path_factory.mktemp("exposures")
    simulated, sky = exposures()
    paths = [folder / f"epochs_{i:02d}_flc.fits" for i in range(len(TIMES))]
    rows = write_exposures("epochs", sky, SEED, paths, RECORD)
    files = tuple(folder / f"epochs_{end}.fits" for end in ("sci", "wht", "hits"))
    frame, cards = simulated.mosaic_frame(), simulated.mosaic_cards()
    hits = write_deep_mosaic(paths, frame, files, cards, RECORD, pixfrac=0.8)
    return simulated, sky, paths, rows, files, hits


def bright_stars(sky, limit):
    """Sky coordinates and magnitudes of isolated stars."""
    table = truth(sky, SEED)
    x, y = -table.ra * np.cos(np.radians(sky.dec)) * 3600, table.dec * 3600
    apart = np.hypot(x.to_numpy()[:, None] - x.to_numpy(), y.to_numpy()[:, None] - y.to_numpy())
    np.fill_diagonal(apart, np.inf)
    chosen = (table.kind == "star") & (apart.min(axis=1) > 1.2) & (table.magnitude_acs < limit)
    return table[chosen]


def on_chip(chip, table, border=15):
    """Positions of the objects that lie on a chip, and their rows."""
    x, y = chip.wcs.all_world2pix(table.ra, table.dec, 0, quiet=True)
    height, width = chip.shape
    inside = (x > border) & (x < width - border) & (y > border) & (y < height - border)
    return x[inside], y[inside], table[inside]


def test_reader_takes_the_files(written):
    simulated, _, paths, rows, _, _ = written
    for number, path in enumerate(paths):
        exposure = read_exposure(path)
        assert [chip.name for chip in exposure.chips] == ["WFC2", "WFC1"]
        assert (exposure.instrument, exposure.band) == ("ACS/WFC", "F606W")
        assert_allclose(exposure.zeropoint, rows[number]["zeropoint"], atol=1e-3)
        assert not exposure.cosmic_rays_flagged
        for version, chip in enumerate(exposure.chips, start=1):
            assert (chip.exposure_time, chip.read_noise) == (TIMES[number], 4.0)
            x, y = np.meshgrid(np.arange(0, 320, 40.0), np.arange(0, 160, 40.0))
            expected = simulated.wcs(number, version).all_pix2world(x, y, 0)
            # Header cards hold 12 digits of degrees: 4e-9 arcsec at 53 degrees and more.
            assert_allclose(chip.wcs.all_pix2world(x, y, 0), expected, atol=1e-9)
            assert chip.wcs.sip is not None
            assert None not in (chip.wcs.cpdis1, chip.wcs.det2im2)


def test_chips_do_not_depend_on_each_other(written):
    simulated, _, paths, _, _, _ = written
    planes = simulated.planes(2, 2)
    with fits.open(paths[2]) as hdus:
        for name, plane in planes.items():
            assert_array_equal(hdus[name, 2].data, plane)
    with fits.open(paths[1]) as hdus:
        assert np.any(hdus["SCI", 2].data != planes["SCI"])


def test_stars_lie_where_the_truth_says():
    deep, sky = exposures(cosmic_ray_rate=0, hot_fraction=0, exposure_times=[9000.0, 9000.0])
    stars = bright_stars(sky, 23.0)
    found = 0
    for version in (1, 2):
        planes, areas = deep.planes(0, version), deep.light(0, version)[1]
        chip = type("Chip", (), {"wcs": deep.wcs(0, version), "shape": deep.shape})
        x, y, table = on_chip(chip, stars)
        image = planes["SCI"].astype(float) - deep.settings.sky * 9000
        x2, y2, _ = sep.winpos(image, x, y, 1.2)
        # A star of magnitude 23 gives 220,000 electrons: its centroid errs by 0.01 pixel.
        assert_allclose(np.hypot(x2 - x, y2 - y), 0, atol=0.05)
        flux, _, _ = sep.sum_circle(image * areas, x, y, 10.0)
        expected = deep.image.flux(table.magnitude_acs.to_numpy()) * 9000
        # Wings of diffraction beyond 0.5 arcsec, see tests of the simulated mosaics.
        optics = deep.image.optics()
        wings = 2 / np.pi**2 * optics.diffraction / 0.5 / (1 - optics.obscuration)
        noise = 5 * np.sqrt(np.pi * 100 * (0.131 * 9000 + 16)) / expected
        assert (np.abs(flux / expected / (1 - wings) - 1) < 0.01 + noise).all()
        found += len(x)
    assert found >= 4


def test_noise_is_that_of_the_settings():
    dark, _ = exposures({"galaxy_density": 0, "star_density": 0}, cosmic_ray_rate=0, sky=0.2)
    planes, areas = dark.planes(1, 1), dark.light(1, 1)[1]
    normal = planes["DQ"] == 0
    electrons = (planes["SCI"] * areas)[normal]
    variance = (0.2 * areas[normal].mean() + 0.011) * 800 + 16
    # 5 sigma of 50,000 pixels; the sky over areas that vary by 1 per cent adds little.
    assert_allclose(electrons.var(), variance, rtol=5 * np.sqrt(2 / electrons.size) + 0.01)
    flat = planes["SCI"][normal]
    assert_allclose(flat.mean(), 0.2 * 800, atol=5 * np.sqrt(variance / flat.size))
    assert_allclose(np.median(planes["ERR"] * areas), np.sqrt(variance), rtol=0.01)


def test_hot_pixels_stay_on_the_detector(written):
    _, _, paths, _, _, _ = written
    flags = [read_exposure(path).chips[0].dq for path in paths]
    hot = flags[0] & (DataQuality.HOT | DataQuality.WARM)
    for other in flags[1:]:
        assert_array_equal(other & (DataQuality.HOT | DataQuality.WARM), hot)
    # 1 per cent of 51,200 pixels, 5 sigma of a binomial.
    assert_allclose((hot != 0).mean(), 0.01, atol=5 * np.sqrt(0.01 / hot.size))


def test_cosmic_rays_cover_as_much_as_on_orbit():
    charge = cosmic_rays(np.random.default_rng(5), (512, 512), 1000.0, 1.1)
    # ACS Instrument Handbook: 1.5 to 3 per cent of the pixels in 1,000 s; a pixel counts
    # from about three times the read noise.
    assert 0.015 < np.mean(charge > 12) < 0.03
    assert_array_equal(charge, np.round(charge))
    assert not cosmic_rays(np.random.default_rng(5), (64, 64), 1000.0, 0.0).any()


def test_tracks_have_the_lengths_of_straight_paths():
    # Some 3,000 particles on a chip so large that few meet.
    charge = cosmic_rays(np.random.default_rng(9), (1500, 1500), 600.0, 1.0)
    marks, count = label(charge, np.ones((3, 3)))
    extents = [
        np.hypot(rows.stop - rows.start - 1, columns.stop - columns.start - 1)
        for rows, columns in find_objects(marks)
    ]
    # 1.0 cm^-2 s^-1 on 5.06 cm^2; one in 80 lies so close to another that they are one.
    assert_allclose(count, 3037, rtol=1 / 80 + 5 / np.sqrt(3037))
    # Diffusion adds 1 to 1.5 pixels at both ends: an extent of 8 is a track of 5 to 6, and
    # P(> l) = 1 / (1 + (l / 0.9)^2) is 3.1 to 2.2 per cent; 5 sigma of a binomial.
    share = np.mean(np.array(extents) > 8)
    assert 0.022 - 5 * np.sqrt(0.022 / count) < share
    assert share < 0.031 + 5 * np.sqrt(0.031 / count) + 1 / 80


def test_hits_can_be_flagged_as_astrodrizzle_does(written):
    _, _, paths, _, files, hits = written
    masks = read_hits(files[2], 3, 2)
    for chip, mask, expected in zip(read_exposure(paths[3]).chips, masks, hits[3], strict=True):
        assert_array_equal(mask, expected)
        flagged = chip.flagged(mask)
        assert_array_equal(flagged.hit, mask)
        assert_array_equal(flagged.dq & ~4096, chip.dq)
    with pytest.raises(InputError, match="has no extension HIT,9"):
        read_hits(files[2], 4, 2)


def test_comparison_finds_the_cosmic_rays(written):
    _, _, paths, rows, files, hits = written
    recall, precision, flagged, struck = [], [], 0, 0
    for number, path in enumerate(paths):
        with fits.open(path) as hdus, fits.open(files[2]) as masks:
            for version in (1, 2):
                charge, error = hdus[HITS, version].data, hdus["ERR", version].data
                mask = hits[number][version - 1]
                assert_array_equal(masks[MASK, 2 * number + version].data, mask)
                good = (hdus["DQ", version].data & DataQuality.HOT) == 0
                strong = (charge > 5 * error) & good
                recall.append(mask[strong].sum())
                struck += strong.sum()
                precision.append(np.sum(mask & (charge > 0)))
                flagged += mask.sum()
        assert 0.001 < rows[number]["hit_share"] < 0.05
    assert struck > 1000
    # 1 to 2 per cent of the pixels are hit in each exposure: of four, the lower median is
    # hit where two others are, 0.1 per cent.  Above 5 sigma a hit stays below the
    # threshold of 3.5 sigma in 7 per cent at most, beside another below 3 in 2 per cent.
    assert sum(recall) / struck > 0.93
    # One in 4,300 normal pixels lies above 3.5 sigma: 12 of a chip's 51,200, and as many
    # beside hits; some 300 are hit.  The median of four errs itself by half a sigma.
    assert sum(precision) / flagged > 0.85


def kept_charge(paths, hits, stars, reach=4):
    """Charge of cosmic rays that stayed in each star, over the star's own."""
    kept = np.zeros(len(stars))
    for path, masks in zip(paths, hits, strict=True):
        for version, chip in enumerate(read_exposure(path).chips, start=1):
            left = np.where(masks[version - 1], 0, fits.getdata(path, HITS, version))
            x, y = chip.wcs.all_world2pix(stars.ra, stars.dec, 0, quiet=True)
            kept += sep.sum_circle(left.astype(float), x, y, float(reach))[0]
    light = 10 ** (-0.4 * (stars.magnitude_acs.to_numpy() - 26.5)) * sum(TIMES)
    return kept / light


def test_mosaic_has_the_fluxes_and_places_of_the_truth(written):
    simulated, sky, paths, _, files, hits = written
    with fits.open(files[0]) as hdus, fits.open(files[1]) as other:
        science, weight = hdus[0].data.astype(float), other[0].data.astype(float)
        assert hdus[0].header["EXPTIME"] == sum(TIMES)
    # Brighter ones are saturated: their cores are missing.
    stars = bright_stars(sky, 23.5)
    stars = stars[stars.magnitude_acs > 20]
    x, y = simulated.mosaic_frame().wcs().wcs_world2pix(stars.ra, stars.dec, 0)
    covered = np.array(
        [
            (weight[max(0, int(b) - 12) : int(b) + 13, max(0, int(a) - 12) : int(a) + 13] > 0).all()
            and 12 < a < weight.shape[1] - 13
            and 12 < b < weight.shape[0] - 13
            for a, b in zip(x, y, strict=True)
        ]
    )
    # In the core of a star, where the image is steep, a hit of a few thousand electrons
    # stays in.  About one particle in 500 pixels in each of 4 exposures: two stars in five
    # are hit within 4 pixels, and not all of it is found.
    spoilt = kept_charge(paths, hits, stars) > 0.005
    assert np.mean(spoilt[covered]) <= 0.4
    whole = covered & ~spoilt
    x, y, stars = x[whole], y[whole], stars[whole]
    assert len(stars) >= 4
    x2, y2, _ = sep.winpos(science, x, y, 1.3)
    assert_allclose(np.hypot(x2 - x, y2 - y), 0, atol=0.05)
    flux, _, _ = sep.sum_circle(science, x, y, 10.0)
    expected = simulated.image.flux(stars.magnitude_acs.to_numpy())
    optics = simulated.image.optics()
    wings = 2 / np.pi**2 * optics.diffraction / 0.5 / (1 - optics.obscuration)
    noise = 5 * np.sqrt(np.pi * 100 / np.median(weight[weight > 0])) / expected
    assert (np.abs(flux / expected / (1 - wings) - 1) < 0.01 + noise).all()


def test_weight_is_the_inverse_variance(written):
    _, _, _, _, files, _ = written
    science, weight = fits.getdata(files[0]).astype(float), fits.getdata(files[1]).astype(float)
    full = weight > 0.7 * weight.max()
    height, width = (n // 8 * 8 for n in science.shape)
    boxes = (height // 8, 8, width // 8, 8)
    inside = full[:height, :width].reshape(boxes).all(axis=(1, 3))
    sums = science[:height, :width].reshape(boxes).sum(axis=(1, 3))[inside]
    expected = np.sqrt((1 / weight[:height, :width].clip(1e-9)).reshape(boxes).sum(axis=(1, 3)))
    pulls = sums / expected[inside]
    # Most boxes hold sky.  Drops that cross the edge lose 8 per cent of the scatter of a
    # box of 8 pixels, faint stars add some.
    centre = np.median(pulls)
    scatter = 1.4826 * np.median(np.abs(pulls - centre))
    assert inside.sum() > 100
    assert_allclose(scatter, 1.0, atol=0.08 + 5 * 1.17 / np.sqrt(2 * inside.sum()))


def test_lacosmic_finds_cosmic_rays_and_spares_stars(written):
    _, sky, paths, _, _, _ = written
    stars = bright_stars(sky, 24.0)
    recall, struck, right, flagged, cores = 0, 0, 0, 0, 0
    for path in paths[:2]:
        with fits.open(path) as hdus:
            for version, chip in enumerate(read_exposure(path).chips, start=1):
                charge = hdus[HITS, version].data
                mask = find_cosmic_rays(chip.data, chip.read_noise, chip.bad)
                strong = (charge > 5 * chip.error) & ~chip.bad
                recall += np.sum(mask & strong)
                struck += strong.sum()
                right += np.sum(mask & binary_dilation(charge > 0, np.ones((3, 3))))
                flagged += mask.sum()
                x, y, _ = on_chip(chip, stars)
                middle = np.round(y).astype(int), np.round(x).astype(int)
                cores += np.sum(mask[middle] & (charge[middle] == 0))
    # van Dokkum (2001), section 5: of simulated hits on HST images 90 to 99 per cent are
    # found, depending on their brightness.
    assert recall / struck > 0.9
    assert right / flagged > 0.9
    assert cores == 0


def test_clean_stamp_replaces_what_was_hit_and_nothing_else(written):
    _, _, paths, _, _, _ = written
    chip = read_exposure(paths[1]).chips[0]
    charge = fits.getdata(paths[1], extname=HITS, extver=1)
    window = (slice(40, 104), slice(100, 164))
    clean = clean_stamp(chip.data[window], chip.read_noise, chip.bad[window])
    changed = clean.cosmic_rays | clean.bad
    assert_array_equal(clean.image[~changed], chip.data[window][~changed])
    assert clean.replaced == changed.sum()
    assert clean.hits == clean.cosmic_rays.sum() > 0
    struck = (charge[window] > 10 * chip.error[window]) & clean.cosmic_rays
    before = np.abs(chip.data[window] - np.median(chip.data[window]))[struck]
    after = np.abs(clean.image - np.median(clean.image))[struck]
    # Sky around the hole has a scatter of one sigma, hits have ten and more.
    assert np.median(after) < 0.2 * np.median(before)
    known = clean_stamp(
        chip.data[window], chip.read_noise, chip.bad[window], cosmic_rays=charge[window] > 20
    )
    assert_array_equal(known.cosmic_rays, charge[window] > 20)


# Stars are 1.9 pixels wide.  Drops of square pixels are averaged where they fall: the light of a
# star on two or three exposures errs by a per cent, with a sign that depends on its place within
# a pixel.  Lanczos3 interpolates on the way back as blot does on the way there.
@pytest.mark.parametrize(("kernel", "worst"), [("square", 0.02), ("lanczos3", 0.01)])
def test_round_trip_from_mosaic_to_detector_and_back(kernel, worst):
    simulated, _ = exposures({"galaxy_density": 100, "star_density": 150})
    frame = simulated.mosaic_frame()
    wcs, whole = frame.wcs(), (0, frame.height, 0, frame.width)
    # Without noise: the mosaic as its pixels see the sky.
    mosaic = simulated.image.scene_on(frame, simulated.rms()).light(0, frame.height)
    layers = []
    for number in range(len(TIMES)):
        for version in (1, 2):
            detector = simulated.wcs(number, version)
            window = (0, simulated.shape[0], 0, simulated.shape[1])
            rate = blot(mosaic, wcs, detector, window, nominal_scale=0.05)
            good = np.isfinite(rate)
            layers.append(Layer(np.where(good, rate, 0), 1.0, good, detector, 1.0, 0.05))
    _, weight = drizzle_exposures(layers, wcs, whole)
    back, _ = drizzle_exposures(layers, wcs, whole, kernel)
    found = sep.extract(mosaic, 20 * simulated.rms(), minarea=5, mask=weight <= 0)
    found = found[found["flag"] == 0]
    edge = sep.sum_circle((weight <= 0).astype(float), found["x"], found["y"], 12.0)[0]
    found = found[edge == 0]
    x, y = found["x"], found["y"]
    assert len(x) >= 10
    before = sep.sum_circle(mosaic, x, y, 10.0)[0]
    after = sep.sum_circle(back.astype(float), x, y, 10.0)[0]
    assert np.sqrt(np.mean((after / before - 1) ** 2)) < 0.01
    assert_allclose(after, before, rtol=worst)
    first, second = sep.winpos(mosaic, x, y, 1.5), sep.winpos(back.astype(float), x, y, 1.5)
    assert_allclose(np.hypot(second[0] - first[0], second[1] - first[1]), 0, atol=0.05)


def test_detector_sees_the_light_that_the_mosaic_has():
    simulated, _ = exposures({"galaxy_density": 100, "star_density": 150})
    light, areas = simulated.light(0, 1)
    detector, frame = simulated.wcs(0, 1), simulated.mosaic_frame()
    mosaic = simulated.image.scene_on(frame, simulated.rms()).light(0, frame.height)
    window = (0, simulated.shape[0], 0, simulated.shape[1])
    blotted = blot(mosaic, frame.wcs(), detector, window)
    known = np.isfinite(blotted)
    # Pixels of another shape and angle see the same light to the accuracy of stamps, which
    # are drawn out to 5 per cent of the noise.
    assert_allclose(blotted[known].sum(), light[known].sum(), rtol=0.01)
    _, other = pixel_map_and_areas(detector, frame.wcs(), window)
    assert_allclose(areas, other, rtol=1e-9)


def test_exposures_beside_the_sky_see_what_is_there():
    # Truth is listed within the sky's extent: one of twice the size holds the offset field.
    simulated, sky = exposures(offset=(0.0, 40.0))
    wide = sky.model_copy(update={"width": 120.0, "height": 120.0})
    table = truth(wide, SEED)
    wcs, (light, areas) = simulated.wcs(0, 1), simulated.light(0, 1)
    x, y = wcs.wcs_world2pix(table.ra, table.dec, 0)
    near = (np.abs(x - 160) < 200) & (np.abs(y - 80) < 120)
    x[near], y[near] = wcs.all_world2pix(table.ra[near], table.dec[near], 0)
    inside = near & (x > 10) & (x < 309) & (y > 10) & (y < 149)
    brightest = table.magnitude_acs[inside].idxmin()
    row, column = np.unravel_index(np.argmax(light / areas), light.shape)
    # The brightest pixel holds the brightest star, or is beside one on an edge.
    assert abs(x[brightest] - column) < 1
    assert abs(y[brightest] - row) < 1
    assert abs(table.dec[brightest] - sky.dec) * 3600 > 25  # not of the sky itself
    frame = simulated.mosaic_frame()
    assert (frame.dec - sky.dec) * 3600 == pytest.approx(40.0, abs=1e-3)
