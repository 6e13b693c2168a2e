"""The drawn population: marginals, correlations, bounds and determinism."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp, kstest, spearmanr

from galrestore.errors import EmptyError
from galrestore.synthesis.population import DIMENSIONS, GALSIM_INDICES, draw_population

COUNT = 3000


@pytest.fixture(scope="module")
def fits():
    """Fits with correlated flux, size and noise, and with indices beyond GalSim's."""
    rng = np.random.default_rng(11)
    flux, size, shape = rng.normal(size=(3, COUNT))
    return {
        "q": 1 / (1 + np.exp(-(0.5 + 0.9 * rng.normal(size=COUNT)))),
        "n": np.clip(np.exp(0.5 + 0.6 * shape), 0.3, 8.0),
        "flux": np.exp(5 + 1.2 * flux),
        "r50": np.exp(1.0 + 0.3 * flux + 0.2 * size + 0.1 * shape),
        "noise": np.exp(-3 - 0.5 * flux + 0.3 * rng.normal(size=COUNT)),
    }


@pytest.fixture(scope="module")
def population(fits):
    return draw_population(fits, 5001, 42)


def test_rank_correlations_survive(fits, population):
    # Scott's factor for 3,000 points in five dimensions is h = 0.41: the kernel keeps every
    # correlation of the transformed space, for it has the sample's covariance.  Sampling
    # error of a rank correlation: 1 / sqrt(3000) of the fits, 1 / sqrt(5001) of the draws,
    # 0.023 together; four of them, and 0.02 for the cuts at the bounds.
    before = spearmanr(np.column_stack([fits[name] for name in DIMENSIONS]))[0]
    after = spearmanr(np.column_stack([population[name] for name in DIMENSIONS]))[0]
    assert np.abs(before).max(where=before < 0.999, initial=0) > 0.7
    assert_allclose(after, before, atol=0.112)


def test_spread_is_that_of_the_kernel(fits, population):
    # Variance of a kernel estimate: (1 + h^2) of the sample's, a width 8 % larger; rejection
    # cuts a few tails off.  Sampling error of a width: 1 / sqrt(2 x 3000) = 1.3 %.
    for name in ("flux", "noise"):
        ratio = np.log(population[name]).std() / np.log(fits[name]).std()
        assert 1.0 < ratio < np.sqrt(1 + 0.41**2) + 0.05


def test_narrow_kernels_reproduce_the_sample(fits):
    # Kernels a hundredth as wide as the sample draw the sample itself again.
    drawn = draw_population(fits, COUNT, 42, bandwidth=0.01)
    inside = fits["n"] <= GALSIM_INDICES[1]
    for name in DIMENSIONS:
        assert ks_2samp(drawn[name], fits[name][inside]).pvalue > 1e-4


def test_bounds(fits, population):
    for name in DIMENSIONS:
        assert population[name].min() >= fits[name].min()
        assert population[name].max() <= fits[name].max()
    assert population["n"].max() <= GALSIM_INDICES[1] < fits["n"].max()
    assert np.all((population["q"] > 0) & (population["q"] < 1))


@pytest.mark.parametrize(
    ("name", "low", "width"), [("theta", 0, np.pi), ("dx", -0.5, 1), ("dy", -0.5, 1)]
)
def test_orientation_and_centre_are_uniform(population, name, low, width):
    assert kstest(population[name], "uniform", args=(low, width)).pvalue > 1e-4


def test_draws_do_not_depend_on_their_number(fits, population):
    few = draw_population(fits, 137, 42)
    for name, values in few.items():
        assert_array_equal(values, population[name][:137])
    other = draw_population(fits, 137, 43)
    assert not np.any(other["flux"] == few["flux"])


def test_too_few_fits():
    fits = {name: np.array([0.1, 0.2, 0.3, 0.4, 0.5, np.nan, -1.0]) for name in DIMENSIONS}
    with pytest.raises(EmptyError, match=r"5 of 7 good fits have positive .* needs 6"):
        draw_population(fits, 10, 1)


def test_fits_in_a_line():
    fits = {name: np.linspace(0.1, 0.9, 50) for name in DIMENSIONS}
    with pytest.raises(EmptyError, match="50 good fits do not span the five dimensions"):
        draw_population(fits, 10, 1)


def test_round_galaxies_do_not_break_the_logit(fits):
    round_ones = fits | {"q": np.where(np.arange(COUNT) % 50 == 0, 1.0, fits["q"])}
    assert np.all(np.isfinite(draw_population(round_ones, 50, 1)["q"]))
