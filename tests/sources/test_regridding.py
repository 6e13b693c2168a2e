"""Light carried to other pixels: flux, position, blanks."""

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose

from galrestore.sources.regridding import covering_window, regrid, rescaled
from galrestore.synthesis.blot import pixel_map

SIZE = 40
FRAME = (0, SIZE, 0, SIZE)


def tangent_plane(scale, centre, angle=0.0):
    """WCS of square pixels [arcsec], turned by an angle [deg], about pixel (centre, centre)."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.16, -27.79]
    wcs.wcs.crpix = [centre + 1, centre + 1]
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[-c, s], [s, c]]) * scale / 3600
    wcs.wcs.set()
    return wcs


def gaussian(side, centre, sigma):
    y, x = np.mgrid[:side, :side]
    return np.exp(-0.5 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / sigma**2)


def carried(pixels, wcs, target, blank=None):
    window = covering_window(wcs, pixels.shape, target, FRAME)
    y0, y1, x0, x1 = window
    blank = np.zeros(pixels.shape, dtype=bool) if blank is None else blank
    here = slice(y0, y1), slice(x0, x1)
    return regrid(pixels[here], blank[here], pixel_map(wcs, target, window), SIZE)


@pytest.mark.parametrize(("scale", "angle"), [(0.03, 0.0), (0.03, 37.0), (0.063, 12.0), (0.05, 90)])
def test_constant_surface_brightness_stays(scale, angle):
    wcs = tangent_plane(scale, 100.3, angle)
    image = carried(np.full((200, 200), 3.5), wcs, tangent_plane(0.05, 20.0))
    # Areas are summed in single precision.
    assert_allclose(image, 3.5, rtol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 37.0])
def test_flux_and_position_of_a_source_stay(angle):
    # A Gaussian of sigma 0.12 arcsec, 2.4 pixels of the output: within 6 sigma of the edge
    # of 1 arcsec lies all but 1e-15 of it, and sums over pixels are integrals to 1e-9.
    wcs, target = tangent_plane(0.03, 100.3, angle), tangent_plane(0.05, 20.0)
    sky = target.all_pix2world([[21.37, 18.92]], 0)
    image = carried(gaussian(200, wcs.all_world2pix(sky, 0)[0], 4.0), wcs, target)
    flux = image.astype(float).sum() * 0.05**2
    assert_allclose(flux, 2 * np.pi * 0.12**2, rtol=1e-6)
    y, x = np.mgrid[:SIZE, :SIZE]
    place = np.array([np.sum(x * image), np.sum(y * image)]) / image.sum()
    # The centroid of squares is exact but for single precision.
    assert_allclose(place, [21.37, 18.92], atol=1e-4)


def test_a_blank_pixel_blanks_what_it_falls_on():
    wcs, target = tangent_plane(0.03, 100.0), tangent_plane(0.05, 20.0)
    blank = np.zeros((200, 200), dtype=bool)
    blank[100, 100] = True  # of 0.03 arcsec: inside the output's middle pixel of 0.05 arcsec
    image = carried(np.ones((200, 200)), wcs, target, blank)
    assert np.argwhere(np.isnan(image)).tolist() == [[20, 20]]
    assert_allclose(image[~np.isnan(image)], 1.0, rtol=1e-6)


def test_an_image_that_ends_has_no_window():
    wcs, target = tangent_plane(0.03, 100.0), tangent_plane(0.05, 20.0)
    # 40 pixels of 0.05 arcsec are 67 of 0.03 arcsec: the window about pixel 100 begins at 66
    # less a margin.
    assert covering_window(wcs, (200, 200), target, FRAME) is not None
    assert covering_window(tangent_plane(0.03, 30.0), (200, 200), target, FRAME) is None
    far = tangent_plane(0.05, 20.0)
    far.wcs.crval = [233.16, 27.79]  # the other side of the sky
    assert covering_window(wcs, (200, 200), far, FRAME) is None


def test_a_stamp_keeps_flux_and_its_central_pixel_on_larger_pixels():
    # A Gaussian of 4 pixels, 0.25 off the central pixel; within 6 sigma of the edge of the
    # result, 20 pixels of 5/3, lies all but 1e-15 of it.
    image = rescaled(gaussian(128, (64.25, 63.5), 4.0), 5 / 3, SIZE)
    assert_allclose(image.astype(float).sum() * (5 / 3) ** 2, 2 * np.pi * 16, rtol=1e-6)
    y, x = np.mgrid[:SIZE, :SIZE]
    place = np.array([np.sum(x * image), np.sum(y * image)]) / image.sum()
    assert_allclose(place, [20 + 0.25 * 0.6, 20 - 0.5 * 0.6], atol=1e-4)


def test_nothing_is_invented_beyond_a_stamp():
    image = rescaled(np.ones((30, 30)), 1.0, SIZE)
    assert np.isfinite(image).sum() == 30 * 30
