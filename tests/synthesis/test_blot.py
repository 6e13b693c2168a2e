"""Blotting and drizzling through full distortion: closed forms, round trips, Debian's data."""

from pathlib import Path

import numpy as np
import pytest
import sep
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.archive.simulated_detector import NOMINAL_SCALE, Pointing, chip_wcs
from galrestore.archive.simulated_frame import Frame
from galrestore.files.exposures import read_exposure
from galrestore.synthesis.blot import (
    blot,
    overlap,
    pixel_jacobians,
    pixel_map,
    pixel_map_and_areas,
)
from galrestore.synthesis.combination import layer_of
from galrestore.synthesis.drizzling import Layer, drizzle_exposures

SHAPE = (200, 260)
ALL = (0, SHAPE[0], 0, SHAPE[1])
FRAME = Frame(53.16, -27.79, 0.05, 400, 400)
MOSAIC = FRAME.wcs()
DEBIAN = Path("/usr/share/python-drizzle/test_data")


def chip(roll=20.0):
    return chip_wcs(SHAPE, 0.0, 1, 1, Pointing(53.16, -27.79, roll))


def gaussians(sigma, positions, flux=1000.0, shape=(400, 400)):
    """Sampled Gaussians of the same flux in a mosaic."""
    y, x = np.indices(shape)
    return sum(
        flux / (2 * np.pi * sigma**2) * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * sigma**2))
        for a, b in positions
    )


def layer(rate, wcs, **changes):
    values = {"variance": 1.0, "good": np.ones(rate.shape, bool), "exposure_time": 100.0}
    values |= {"nominal_scale": NOMINAL_SCALE} | changes
    return Layer(rate=rate.astype(np.float32), wcs=wcs, **values)


def test_areas_are_determinants_of_the_header():
    _, areas = pixel_map_and_areas(chip(), MOSAIC, ALL)
    cd = np.linalg.det(chip().wcs.cd * 3600) / 0.05**2
    # At the reference pixel quadratic terms have no slope.  The tables have: 0.05 and 0.02
    # pixel times 2 pi / 260 or pi / 200 for each, 0.07 x 0.04 together.
    assert_allclose(areas[99:101, 129:131], abs(cd), atol=0.003)
    # Quadratic terms change the area by 2 x 8.6e-6 x 130 and so on, some 0.4 per cent.
    assert 0.002 < np.ptp(areas) < 0.02


def test_jacobian_is_that_of_the_header():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [359.9999, 60.0], [11.0, 21.0]
    wcs.wcs.cd = np.array([[-1.3, 0.4], [0.5, 1.1]]) * 1e-5
    # Differences over one pixel of 0.05 arcsec; curvature of the sphere is 1e-7 of that.
    assert_allclose(pixel_jacobians(wcs, 10.0, 20.0)[0], wcs.wcs.cd * 3600, rtol=1e-6, atol=1e-8)


def test_map_is_the_inverse_of_the_distortion():
    positions = pixel_map(chip(), MOSAIC, (10, 30, 40, 70))
    sky = MOSAIC.wcs_pix2world(*positions.reshape(-1, 2).T, 0)
    x, y = chip().all_world2pix(*sky, 0, tolerance=1e-9)
    rows, columns = np.mgrid[10:30, 40:70]
    assert_allclose(x, columns.ravel(), atol=1e-6)
    assert_allclose(y, rows.ravel(), atol=1e-6)


def test_overlap_holds_every_pixel_of_the_window():
    window = (170, 230, 150, 190)
    y0, y1, x0, x1 = overlap(chip(), SHAPE, MOSAIC, window, margin=0)
    x, y = np.moveaxis(pixel_map(chip(), MOSAIC, ALL), -1, 0)
    inside = (y > 169.5) & (y < 229.5) & (x > 149.5) & (x < 189.5)
    rows, columns = np.nonzero(inside)
    assert y0 <= rows.min() < rows.max() < y1 <= SHAPE[0]
    assert x0 <= columns.min() < columns.max() < x1 <= SHAPE[1]
    assert overlap(chip(), SHAPE, MOSAIC, (5000, 5100, 0, 100)) is None


def test_blotted_gaussian_is_the_gaussian_in_the_frame_of_the_detector():
    sigma, centre = 1.5, (198.3, 201.8)
    image = gaussians(sigma, [centre])
    blotted = blot(image, MOSAIC, chip(), ALL)
    x, y = np.moveaxis(pixel_map(chip(), MOSAIC, ALL), -1, 0)
    _, areas = pixel_map_and_areas(chip(), MOSAIC, ALL)
    peak = 1000 / (2 * np.pi * sigma**2)
    r2 = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    expected = areas * peak * np.exp(-r2 / (2 * sigma**2))
    # Half way between six points a quintic errs by f^(6) / 6! (1/2 3/2 5/2)^2; for a
    # Gaussian f^(6) is 15 / sigma^6 of its peak: 0.64 per cent along each axis.
    assert_allclose(blotted, expected, atol=2 * 0.0064 * peak)
    # The integral of a sampled Gaussian of this width is exact to exp(-2 pi^2 1.5^2).
    assert_allclose(blotted.sum(), 1000, rtol=1e-3)


def test_flat_sky_is_flat_in_a_flat_fielded_exposure():
    image = np.full((400, 400), 2.0)
    scaled = blot(image, MOSAIC, chip(), ALL, nominal_scale=0.1)
    # 0.1 arcsec squared over 0.05 arcsec squared; the gnomonic plane's own scale changes
    # by 1e-9 over the field.
    assert_allclose(scaled, 8.0, rtol=1e-5)
    _, areas = pixel_map_and_areas(chip(), MOSAIC, ALL)
    assert_allclose(blot(image, MOSAIC, chip(), ALL), 2 * areas, rtol=1e-5)


def test_cutout_blots_as_the_whole_mosaic_does():
    image = gaussians(1.5, [(198.3, 201.8), (170, 220)])
    window = (80, 120, 100, 150)
    y0, y1, x0, x1 = 140, 260, 145, 255
    part = blot(image[y0:y1, x0:x1], MOSAIC, chip(), window, origin=(y0, x0))
    whole = blot(image, MOSAIC, chip(), ALL)
    # The interpolation's weights are single precision numbers, of positions up to 300.
    assert_allclose(part, whole[80:120, 100:150], atol=1e-4 * whole.max())


def test_pixels_without_data_are_nan():
    image = np.ones((400, 400))
    image[200:, :] = np.nan
    blotted = blot(image, MOSAIC, chip(), ALL)
    positions, areas = pixel_map_and_areas(chip(), MOSAIC, ALL)
    y = positions[..., 1]
    assert np.isnan(blotted[y > 199]).all()
    assert np.allclose(blotted[y < 199], areas[y < 199], rtol=1e-5)
    far = blot(np.ones((20, 20)), MOSAIC, chip(), ALL, origin=(1000, 1000))
    assert np.isnan(far).all()


def test_unknown_interpolation_is_refused():
    with pytest.raises(ValueError, match="kernel must be one of nearest"):
        blot(np.ones((9, 9)), MOSAIC, chip(), ALL, kernel="magic")


@pytest.mark.parametrize(("kernel", "pixfrac"), [("square", 1.0), ("square", 0.8), ("lanczos3", 1)])
def test_drizzled_stars_keep_flux_and_place(kernel, pixfrac):
    stars = np.array([(198.3, 201.8), (170.4, 215.1), (225.2, 190.7)])
    truth = gaussians(1.5, stars)
    layers = [
        layer(blot(truth, MOSAIC, chip(roll), ALL, nominal_scale=NOMINAL_SCALE), chip(roll))
        for roll in (20.0, 110.0, 65.0)
    ]
    science, weight = drizzle_exposures(layers, MOSAIC, (0, 400, 0, 400), kernel, pixfrac)
    assert (weight[150:250, 150:250] > 0).all()
    flux, _, _ = sep.sum_circle(science.astype(float), *stars.T, 12.0)
    assert_allclose(flux, 1000, rtol=0.003)
    x, y, _ = sep.winpos(science.astype(float), *np.round(stars).T, 1.5)
    # Drops of one pixel's width sample the star three times at random: the mean of three
    # shifts is small compared with the asked 0.05.
    assert_allclose(np.stack([x, y], axis=1), stars, atol=0.02)


def test_windows_of_a_mosaic_agree_to_the_last_bit():
    wcs = chip()
    rate = blot(gaussians(1.5, [(198.3, 201.8)]), MOSAIC, wcs, ALL)
    whole = drizzle_exposures([layer(rate, wcs)], MOSAIC, (0, 400, 0, 400))
    part = drizzle_exposures([layer(rate, wcs)], MOSAIC, (180, 240, 161, 221))
    for image, other in zip(whole, part, strict=True):
        # Positions are relative to the window: doubles of different sizes.
        assert_allclose(other, image[180:240, 161:221], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("weighting", ["inverse_variance", "exposure_time"])
def test_weight_is_the_inverse_variance_of_large_sums(weighting):
    rng = np.random.default_rng(3)
    sums, expected = [], []
    for _ in range(4):
        layers = [
            layer(rng.normal(0, sigma, SHAPE), chip(roll), variance=sigma**2, exposure_time=time)
            for roll, sigma, time in ((20.0, 1.0, 100.0), (110.0, 3.0, 50.0))
        ]
        science, weight = drizzle_exposures(
            layers, MOSAIC, (140, 260, 140, 260), weighting=weighting
        )
        boxes = (6, 20, 6, 20)
        sums.append(science.reshape(boxes).sum(axis=(1, 3)))
        expected.append((1 / weight).reshape(boxes).sum(axis=(1, 3)))
    # Drops cross the edge of a box of 20 pixels: the noise there counts less, by about the
    # perimeter over the area times a sixth of a pixel, 3 per cent.  Five sigma of the 144
    # boxes: 5 / sqrt(2 x 144) = 29 per cent.
    assert_allclose(np.std(sums), np.sqrt(np.mean(expected)), rtol=0.32)
    if weighting == "inverse_variance":
        # Area of a pixel of the mosaic over a nominal one is 1, so are layers' weights
        # summed, but for pixels' areas: 1 + 1/9 within 1 per cent.
        assert_allclose(weight.mean(), (1 + 1 / 9) / 0.993, rtol=0.01)


def test_bad_pixels_leave_holes_that_others_fill():
    ones = np.ones(SHAPE)
    good = np.ones(SHAPE, bool)
    good[90:110, 120:140] = False
    spoilt = layer(np.where(good, 1, np.nan), chip(), good=good)
    window = (150, 250, 150, 250)
    science, weight = drizzle_exposures([spoilt], MOSAIC, window)
    assert (weight == 0).any()
    assert_array_equal(science[weight == 0], 0)
    science, weight = drizzle_exposures([spoilt, layer(ones, chip(110.0))], MOSAIC, window)
    assert (weight > 0).all()
    assert_allclose(science, 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("kernel", "pixfrac"), [("square", 0.0), ("square", 1.5), ("lanczos3", 0.8)]
)
def test_impossible_drops_are_refused(kernel, pixfrac):
    with pytest.raises(ValueError, match="pixfrac must be in"):
        drizzle_exposures([], MOSAIC, (0, 9, 0, 9), kernel, pixfrac)


@pytest.fixture(scope="module")
def debian(need):
    """Test data of STScI's drizzle, as Debian packages it."""
    if not (DEBIAN / "j8bt06nyq_flt.fits").is_file():
        need("the Debian package python-drizzle-testdata is not installed")
    return DEBIAN


def bright_stars(image, border):
    """Columns, rows and radii of isolated bright stars, measured by windowed centroids."""
    image = np.ascontiguousarray(image, dtype=float)
    background = sep.Background(image)
    image = image - background.back()
    found = sep.extract(image, 30, err=background.globalrms, minarea=9)
    height, width = image.shape
    inside = (found["x"] > border) & (found["x"] < width - border)
    inside &= (found["y"] > border) & (found["y"] < height - border) & (found["flag"] == 0)
    found = found[inside]
    apart = np.hypot(found["x"][:, None] - found["x"], found["y"][:, None] - found["y"])
    np.fill_diagonal(apart, np.inf)
    found = found[apart.min(axis=1) > 15]
    x, y, flag = sep.winpos(image, found["x"], found["y"], 1.5)
    return x[flag == 0], y[flag == 0], image


def test_debian_exposure_drizzles_as_the_reference(debian):
    exposure = read_exposure(debian / "j8bt06nyq_flt.fits")
    chip = exposure.chips[0]
    with fits.open(debian / "reference_square_image.fits") as hdus:
        reference, mosaic = hdus["SCI"].data.astype(float), WCS(hdus["SCI"].header)
    # The reference was made from the linear WCS, in electrons, of unit weight, and took the
    # length of a pixel along its rows for the side of the nominal square.
    assert chip.wcs.sip is None
    side = np.hypot(*chip.wcs.wcs.cd[:, 0]) * 3600
    plain = Layer(chip.data, 1.0, np.ones(chip.shape, bool), chip.wcs, 1.0, side)
    window = (0, reference.shape[0], 0, reference.shape[1])
    science, weight = drizzle_exposures([plain], mosaic, window)
    x, y, image = bright_stars(reference, 40)
    assert len(x) > 30
    ours = science.astype(float)
    ours -= sep.Background(ours).back()
    x2, y2, _ = sep.winpos(ours, x, y, 1.5)
    # Half the stars to the accuracy asked for; blends pull the centroids of a few.
    assert np.median(np.hypot(x2 - x, y2 - y)) < 0.05
    flux, _, _ = sep.sum_circle(image, x, y, 5.0)
    other, _, _ = sep.sum_circle(ours, x, y, 5.0)
    assert_allclose(other, flux, rtol=0.005)
    # The whole image, away from the edge.
    inside = (weight > 0.5 * weight.max()) & (reference != 0)
    assert inside.mean() > 0.5
    assert_allclose(science[inside].sum(), reference[inside].sum(), rtol=1e-4)


def test_debian_exposure_with_distortion_returns_from_the_mosaic(debian):
    chip = read_exposure(debian / "input1.fits").chips[0]
    assert chip.wcs.sip is not None
    with fits.open(debian / "reference_square_image.fits") as hdus:
        mosaic, shape = WCS(hdus["SCI"].header), hdus["SCI"].data.shape
    sky = np.float32(np.median(chip.data))
    flat = Layer(chip.data - sky, 1.0, ~chip.bad, chip.wcs, 60.0, chip.nominal_scale)
    science, weight = drizzle_exposures([flat], mosaic, (0, shape[0], 0, shape[1]))
    window = (0, *chip.shape[:1], 0, chip.shape[1])
    image = np.where(weight > 0, science, np.nan)
    back = blot(image, mosaic, chip.wcs, window, nominal_scale=chip.nominal_scale)
    x, y, _ = bright_stars(chip.data - sky, 60)
    assert len(x) > 30
    known = np.where(np.isfinite(back), back, 0).astype(float)
    x2, y2, _ = sep.winpos(known, x, y, 1.5)
    assert np.median(np.hypot(x2 - x, y2 - y)) < 0.05
    before, _, _ = sep.sum_circle((chip.data - sky).astype(float), x, y, 8.0)
    after, _, _ = sep.sum_circle(known, x, y, 8.0)
    assert_allclose(np.median(after / before), 1, atol=0.005)
    # Positions on the mosaic against those of the detector, through the full WCS.
    mx, my = mosaic.wcs_world2pix(*chip.wcs.all_pix2world(x, y, 0), 0)
    mx2, my2, _ = sep.winpos(science.astype(float), mx, my, 1.5)
    assert np.median(np.hypot(mx2 - mx, my2 - my)) < 0.05


# Stars of the drizzled product, from bright to faint, far from the lens in the middle.
STARS = np.array(
    [(386.22, 220.07), (376.24, 419.98), (144.67, 79.47), (472.05, 184.51), (334.03, 407.93)]
)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "shift"), [("iebc17enq", (0.0, 0.0)), ("iebc16ubq", (2.83, 1.75))]
)
def test_real_stars_of_exposures_and_drizzled_product_agree(real_data, name, shift):
    folder = real_data / "hst_flc_uvis"
    with fits.open(folder / "iebc17030_drz.fits") as hdus:
        product = np.nan_to_num(hdus[1].data).astype(float)
        mosaic = WCS(hdus[1].header)
    chip = read_exposure(folder / f"{name}_flc.fits").chips[0]
    science, _ = drizzle_exposures(
        [layer_of(chip, ~chip.hit)], mosaic, (0, product.shape[0], 0, product.shape[1])
    )
    x, y = STARS.T
    there = np.stack(sep.winpos(product, *sep.winpos(product, x, y, 1.2)[:2], 1.2)[:2])
    guess = np.stack([x + shift[0], y + shift[1]])
    image = science.astype(float)
    here = np.stack(sep.winpos(image, *sep.winpos(image, *guess, 1.2)[:2], 1.2)[:2])
    offsets = here - there - np.array(shift)[:, None]
    if name == "iebc17enq":  # one of the product's own three exposures
        assert np.hypot(*offsets).mean() < 0.1
        assert np.sqrt(np.mean((offsets - np.median(offsets, axis=1)[:, None]) ** 2)) < 0.1
        # And straight from pixels of the detector, without resampling.
        pixels = chip.wcs.all_world2pix(*mosaic.all_pix2world(*there, 0), 0)
        data = (chip.data - chip.sky).astype(float)
        x2, y2, _ = sep.winpos(data, *pixels, 1.2)
        back = np.stack(mosaic.wcs_world2pix(*chip.wcs.all_pix2world(x2, y2, 0), 0))
        assert np.hypot(*(back - there)).mean() < 0.1
    else:
        # A visit 11 months before, whose guide stars put it 0.13 arcsec away: after this one
        # shift four stars agree, and the fifth is 0.3 pixels, 13 milliarcseconds, away.
        assert np.hypot(*(offsets - offsets[:, :4].mean(axis=1)[:, None]))[:4].max() < 0.1
        assert 0.2 < np.hypot(*offsets)[4] < 0.4
    # Counts of the same stars: aperture of 8 pixels, Poisson noise of 6,000 electrons and
    # more 1.3 per cent, sky of 200 pixels 80 electrons likewise; stars may vary.
    flux, other = (sep.sum_circle(i, *p, 8.0)[0] for i, p in ((image, here), (product, there)))
    assert_allclose(np.median(flux / other), 1, atol=0.05)
