"""The ring test recovers known biases, and knows what a shear does to a Sersic galaxy."""

import galsim
import numpy as np
import pandas as pd
import pytest

from galrestore.measurement.shear import adaptive_ellipticities, calibrate, fitted_ellipticities
from galrestore.rng import stream
from galrestore.sersic.profile import ellipticity_components
from galrestore.synthesis.rendering import render
from galrestore.synthesis.shearing import ring, ring_keys, sheared_ellipse

GALAXIES = pd.DataFrame(
    {
        "id": [3, 5, 9],
        "q": [0.4, 0.7, 0.9],
        "theta": [0.3, 1.4, 2.6],
        "n": [1.0, 1.5, 0.8],
        "r50": [5.0, 4.0, 4.5],
        "flux": 100.0,
        "dx": [0.2, -0.3, 0.0],
        "dy": [0.1, 0.4, -0.2],
    }
)


@pytest.mark.parametrize(("g1", "g2"), [(0.02, 0.0), (0.0, -0.3), (0.2, 0.4)])
def test_sheared_ellipses_are_galsims(g1, g2):
    intrinsic = galsim.Shear(q=0.4, beta=0.3 * galsim.radians)
    expected = galsim.Shear(g1=g1, g2=g2) + intrinsic
    q, theta = sheared_ellipse(0.4, 0.3, g1, g2)
    assert float(q) == pytest.approx(expected.q, rel=1e-12)
    assert float(theta) == pytest.approx(expected.beta.rad % np.pi, rel=1e-12)


def test_the_ring_averages_to_the_shear():
    table = ring(GALAXIES, 0.02)
    e1, e2 = ellipticity_components(table["q"], table["theta"])
    biases = calibrate(table.assign(e1=e1, e2=e2)).set_index("component")
    # What is left is 0.02^3 times e^4, of e up to 0.43, over 0.02: 1.4e-5.
    assert biases["m"].abs().max() < 2e-5
    assert biases["c"].abs().max() < 1e-12
    assert biases["n"].tolist() == [3, 3]
    assert len(table) == 16 * 3


def test_shears_of_one_orientation_share_their_noise():
    table = ring(GALAXIES, 0.02)
    groups = table.assign(key=ring_keys(table)).groupby("key")
    assert groups.size().tolist() == [4] * 12
    assert (groups[["galaxy", "orientation"]].nunique() == 1).all(axis=None)


def test_known_biases_are_recovered():
    table = ring(GALAXIES, 0.02)
    e1, e2 = ellipticity_components(table["q"], table["theta"])
    # The same noise for both signs, as from one field of noise: it cancels in m.
    noise = stream(1, "test.shear").normal(0, 0.05, 12)
    noise = np.tile(noise, 4)
    biased = table.assign(e1=0.9 * e1 + 0.003 + noise, e2=1.05 * e2 - 0.001)
    biases = calibrate(biased).set_index("component")
    assert biases["m"].tolist() == pytest.approx([-0.1, 0.05], abs=3e-5)
    assert biases.loc[2, "c"] == pytest.approx(-0.001, abs=1e-12)
    assert biases.loc[1, "c"] == pytest.approx(0.003 + noise[:12].mean(), abs=1e-9)


def test_an_open_ring_does_not_count():
    table = ring(GALAXIES, 0.02)
    e1, e2 = ellipticity_components(table["q"], table["theta"])
    table = table.assign(e1=e1, e2=e2)
    table.loc[table.index[(table["galaxy"] == 5) & (table["g1"] > 0)][1], "e1"] = np.nan
    biases = calibrate(table).set_index("component")
    assert biases["n"].tolist() == [2, 3]
    assert biases["lost"].tolist() == [1, 0]
    assert abs(biases.loc[1, "m"]) < 2e-5


def test_estimators_see_the_shear_of_rendered_galaxies():
    table = ring(GALAXIES, 0.02)
    names = ["flux", "r50", "n", "q", "theta", "dx", "dy"]
    images = np.stack([render(*row, size=48) for row in table[names].to_numpy()])
    images /= images.max(axis=(1, 2), keepdims=True)
    for estimate, m in ((fitted_ellipticities, 0.01), (adaptive_ellipticities, 0.02)):
        e1, e2 = estimate(images)
        biases = calibrate(table.assign(e1=e1, e2=e2))
        # Fits know the pixel; adaptive moments see it as a PSF of variance 1/12 against some
        # 8 pixels^2, which rounds galaxies by a per cent.
        assert biases["m"].abs().max() < m
        assert biases["c"].abs().max() < 1e-3
