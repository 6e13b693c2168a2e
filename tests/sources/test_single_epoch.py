"""Stamps in the detector's frame: places, hits, and the mosaic brought to them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from galrestore.archive.simulated_detector import NOMINAL_SCALE, Pointing, chip_wcs
from galrestore.archive.simulated_frame import Frame
from galrestore.files.exposures import Chip, DataQuality
from galrestore.sources.single_epoch import blotted, cleaned, detector_windows
from galrestore.synthesis.blot import pixel_map_and_areas

SHAPE = (200, 260)
WCS = chip_wcs(SHAPE, 0.0, 1, 1, Pointing(53.16, -27.79, 20.0))
FRAME = Frame(53.16, -27.79, 0.05, 400, 400)
TIME = 500.0


def chip(data=None, dq=None):
    data = np.full(SHAPE, 60.0) if data is None else data
    dq = np.zeros(SHAPE, np.int32) if dq is None else dq
    error = np.sqrt(np.maximum(data, 0) + 16)
    planes = data.astype(np.float32), error.astype(np.float32), dq
    return Chip("WFC1", 1, *planes, WCS, TIME, NOMINAL_SCALE, 4.0, np.nan)


class Mosaic:
    """A mosaic in memory; it has no data where it is NaN."""

    def __init__(self, image):
        self._image, self.shape, self.wcs = image, image.shape, FRAME.wcs()

    def window(self, y0, y1, x0, x1):
        pixels = self._image[y0:y1, x0:x1].astype(np.float32)
        return pixels, None, np.isnan(pixels)


def test_windows_put_the_source_on_its_index():
    places = np.array([[100.3, 80.0], [230.6, 165.5], [20.0, 100.0], [130.0, 195.0]])
    ra, dec = WCS.all_pix2world(*places.T, 0)
    far = np.append(ra, 53.3), np.append(dec, -27.9)  # minutes of arc beside the chip
    sources, windows = detector_windows(WCS, SHAPE, *far, 64)
    # Stamps of 64 pixels about column 231 reach column 262, those about 20 and row 195 end
    # outside too.
    assert sources.tolist() == [0]
    assert windows == [(48, 112, 68, 132)]
    sources, windows = detector_windows(WCS, SHAPE, *far, 40)
    assert sources.tolist() == [0, 1, 2]
    for (y0, _, x0, _), (x, y) in zip(windows, places[:3], strict=True):
        # The pixel that holds the source is the one 20 after the first.
        assert abs(x - (x0 + 20)) <= 0.5 + 1e-6
        assert abs(y - (y0 + 20)) <= 0.5 + 1e-6


def test_a_stamp_without_hits_stays_as_it_is():
    noise = np.random.default_rng(4).normal(0, 9, SHAPE)
    exposure = chip(60.0 + noise)
    window = (50, 114, 80, 144)
    clean = cleaned(exposure, 4.0, window, flagged=True)
    assert_array_equal(clean.image, exposure.data[50:114, 80:144])
    assert clean.replaced == 0


def test_hits_and_hot_pixels_are_filled_and_nothing_else():
    data, dq = np.full(SHAPE, 60.0), np.zeros(SHAPE, np.int32)
    data[80, 100:104] += 5000.0  # a track
    data[50, 120:122] += 5000.0  # on the stamp's edge
    data[60, 90] += 300.0
    dq[60, 90] = DataQuality.HOT
    clean = cleaned(chip(data, dq), 4.0, (50, 114, 80, 144), flagged=False)
    assert clean.cosmic_rays[30, 20:24].all()
    assert clean.cosmic_rays[0, 40:42].all()
    assert clean.bad.sum() == 1
    assert clean.bad[10, 10]
    # All else is flat, so what is filled in is too.
    assert_allclose(clean.image, 60.0, rtol=1e-5)
    # Flags decide where there are any.
    dq[80, 100] = DataQuality.COSMIC_RAY_ASTRODRIZZLE
    kept = cleaned(chip(data, dq), 4.0, (50, 114, 80, 144), flagged=True).image
    assert kept[30, 20] < 5000 < kept[30, 21]


def test_the_mosaic_shows_what_the_exposure_does():
    # A Gaussian of sigma 3 mosaic pixels, flux 10 electron/s: its surface brightness at the
    # place of each detector pixel, times the area of a nominal pixel, times 500 s.
    y, x = np.indices((400, 400))
    image = 10 / (2 * np.pi * 9) * np.exp(-((x - 203.4) ** 2 + (y - 195.2) ** 2) / 18)
    window = (70, 134, 100, 164)
    stamp = blotted(Mosaic(image), chip(), window)
    place, _ = pixel_map_and_areas(WCS, FRAME.wcs(), window)
    expected = np.exp(-np.sum((place - [203.4, 195.2]) ** 2, axis=-1) / 18)
    expected *= TIME * 10 / (2 * np.pi * 9)  # nominal and mosaic pixels have one area
    # Quintic interpolation of a Gaussian of 3 pixels errs by some 1e-5 of the peak.
    assert_allclose(stamp, expected, atol=2e-4 * expected.max())


@pytest.mark.parametrize("place", [(195, 203), (199, 199)])
def test_a_mosaic_with_a_hole_or_an_end_refuses(place):
    image = np.ones((400, 400))
    image[place] = np.nan
    assert blotted(Mosaic(image), chip(), (70, 134, 100, 164)) is None
    assert blotted(Mosaic(image[:220]), chip(), (70, 134, 100, 164)) is None
