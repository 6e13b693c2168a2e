"""Deep images as one exposure: the noise added, against drawn exposures."""

import numpy as np
from numpy.testing import assert_allclose

from galrestore.synthesis.shallow import added_noise


def test_mean_plus_added_noise_has_the_variance_of_an_exposure():
    # Four exposures of 500 s of a source on a sky of known rate, in electron/s.
    random = np.random.default_rng(11)
    exposures, time, sky, draws = 4, 500.0, 0.08, 4000
    source = np.array([[0.0, 0.05], [0.4, 2.0]])
    counts = random.poisson((source + sky) * time, (draws, exposures, 2, 2)) / time
    single, mean = counts[:, 0], counts.mean(axis=1)
    rms = np.sqrt(sky / (exposures * time))
    sigma = added_noise(source + sky, sky, rms, exposures * time, exposures)
    imitated = mean + sigma * random.standard_normal(mean.shape)
    # A variance of 4,000 draws is known to sqrt(2 / 4000) = 2.2%; the difference of two
    # to 3.2%, four of them: 3 sigma.
    assert_allclose(imitated.var(axis=0), single.var(axis=0), rtol=0.1)


def test_below_the_sky_there_are_no_photons_of_the_source():
    sigma = added_noise(np.array([-5.0, 0.0]), 0.0, 0.1, 100.0, 5)
    assert_allclose(sigma, 0.2, rtol=1e-12)
