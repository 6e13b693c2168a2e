"""Geometry and flux units of simulated mosaics."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galrestore.archive.simulated_frame import Frame, ab_flux, deproject


@pytest.mark.parametrize(("ra", "dec"), [(53.16, -27.79), (0.001, 0.0), (150.1, 78.0)])
def test_closed_form_projection_agrees_with_the_wcs(ra, dec):
    frame = Frame.covering(ra, dec, 130.3, 97.1, 0.03)
    xi, eta = np.random.default_rng(3).uniform(-70, 70, (2, 50))
    x, y = frame.wcs().all_world2pix(*deproject(xi, eta, ra, dec), 0)
    # wcslib works in degrees; 1e-13 of 360 deg is 4e-6 pixels of 0.03 arcsec.
    assert_allclose([x, y], frame.pixels(xi, eta), atol=1e-5)


def test_reference_point_lies_at_the_centre_of_odd_and_even_frames():
    for extent, middle in ((5.0, 49.5), (5.05, 50.0)):
        frame = Frame.covering(10.0, 20.0, extent, 3.0, 0.05)
        assert frame.pixels(0.0, 0.0) == (29.5, middle)


def test_north_is_up_and_east_is_left():
    frame = Frame.covering(10.0, 20.0, 6.0, 6.0, 0.05)
    assert_allclose(frame.pixels(1.0, 0.5), (59.5 - 20, 59.5 + 10), rtol=1e-13)


def test_surface_brightness_of_a_known_flux():
    # Magnitude 23.9 is 1 microjansky, up to 3631 Jy against 10**(23.9 / 2.5) microjansky.
    area = (0.06 * np.pi / 648000) ** 2  # sr
    flux = ab_flux(23.9, "MJy/sr", 0.06)
    assert_allclose(flux * area * 1e6, 3631 * 10 ** (-0.4 * 23.9), rtol=1e-12)
    assert_allclose(flux * area * 1e6, 1e-6, rtol=2e-4)


def test_zeropoint_is_one_electron_per_second():
    assert ab_flux(26.5, "electron/s", 0.05, 26.5) == 1.0
    assert_allclose(ab_flux(24.0, "electron/s", 0.05, 26.5), 10.0, rtol=1e-14)


def test_unknown_units_are_refused():
    with pytest.raises(ValueError, match="no flux scale for unit 'DN'"):
        ab_flux(25.0, "DN", 0.05)
    with pytest.raises(ValueError, match="zeropoint None"):
        ab_flux(25.0, "electron/s", 0.05)
