"""Figure 8: columns, one zero point and scale, caption with numbers and caveats."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from galrestore.figures import fig08_hst
from galrestore.figures.fig05_examples import stretched


def galaxies():
    y, x = np.indices((31, 37))
    return np.stack([np.exp(-((x - 18) ** 2 + (y - 15) ** 2) / (2 * s**2)) for s in (3, 5)])


def drawn(after):
    truth = galaxies()
    images = {"HST F606W": 0.5 * truth + 0.2, "RS": 3 * truth - 1, "JWST F115W": truth}
    scores = {"JWST F115W": (np.array([10.0, 20.0, 30.0])[: len(after)], after)}
    noise = np.array([0.02, 0.07])
    return fig08_hst.draw(images, noise, scores, "me", "Images.", fig08_hst.MULTI_EPOCH)


def test_images_that_differ_by_scale_and_zero_point_look_alike():
    figure, _ = drawn(np.array([30.0, 31.0, 32.0]))
    axes = np.array(figure.axes).reshape(2, 3)
    assert [axis.get_title() for axis in axes[0]] == ["HST F606W", "RS", "JWST F115W"]
    for row in axes:
        shown = [axis.get_images()[0].get_array() for axis in row]
        # Affine matches are exact but for rounding; asinh(x / 0.05) at most multiplies by 6.
        assert_allclose(shown[0], shown[2], atol=1e-6)
        assert_allclose(shown[1], shown[2], atol=1e-6)
    assert axes[1, 0].get_ylabel() == "noise rms 0.070"


def test_caption_states_means_error_and_caveats():
    _, caption = drawn(np.array([30.0, 31.0, 32.0]))
    # Gains of 20, 11, 2: their standard deviation is 9, over sqrt(3) 5.20.
    assert "against JWST F115W 20.00 dB (LQ) and 31.00 dB (RS), +11.00 +- 5.20 dB" in caption
    assert "2 equally populated classes of noise of the 3 images" in caption
    assert "no truth: F606W and F115W show other stars and dust" in caption
    assert "+20.00 +- nan dB" in drawn(np.array([30.0]))[1]


@pytest.mark.parametrize(("value", "shown"), [(1.0, 0.0), (3.0, 1.0), (0.0, 0.0), (9.0, 1.0)])
def test_stretch_maps_its_ends(value, shown):
    assert stretched(np.array(value), 1.0, 3.0) == pytest.approx(shown, abs=1e-12)
