"""The drawn population: marginals, correlations, bounds and determinism."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp, kstest, spearmanr

from galrestore.errors import EmptyError
from galrestore.synthesis import population as population_module
from galrestore.synthesis.population import (
    DIMENSIONS,
    GALSIM_INDICES,
    compare_population,
    draw_population,
)

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


@pytest.mark.parametrize("space", ["logarithms", "normal_scores"])
def test_fits_in_a_line(space):
    fits = {name: np.linspace(0.1, 0.9, 50) for name in DIMENSIONS}
    with pytest.raises(EmptyError, match="50 good fits do not span the five dimensions"):
        draw_population(fits, 10, 1, space=space)


@pytest.mark.parametrize(("space", "shrink"), [("normal_scores", True), ("logarithms", False)])
def test_comparison_with_the_papers_number_of_fits(space, shrink):
    """The paper's 66,092 fits, with the sharp cuts that selection makes."""
    rng = np.random.default_rng(12)
    flux, size, shape, other = rng.normal(size=(4, 200_000))
    noise = -3 - 0.5 * flux + 0.3 * other
    radius = 0.8 + 0.3 * flux + 0.3 * size + 0.1 * shape
    steep = rng.random(200_000) < 0.2
    kept = np.flatnonzero((flux > -0.8) & (radius > 0.3) & (noise < -2.3))[:66_092]
    sample = {
        "q": 1 / (1 + np.exp(-(0.5 + 0.9 * rng.normal(size=200_000)))),
        "n": np.exp(np.where(steep, 1.2, 0.1) + 0.25 * shape),
        "flux": np.exp(5 + 1.2 * flux),
        "r50": np.exp(radius),
        "noise": np.exp(noise),
    }
    sample = {name: values[kept] for name, values in sample.items()}
    assert len(sample["q"]) == 66_092
    rows = compare_population(sample, 1, None, space, shrink)
    changes = [abs(r["drawn"] - r["fits"]) for r in rows if r["statistic"] == "rank_correlation"]
    distances = [row["drawn"] for row in rows if row["statistic"] == "ks_distance"]
    assert len(changes) == 10
    assert len(distances) == 5
    if space == "normal_scores":
        # Required: 0.03 and 0.02; 100,000 draws alone make 0.006 of a distance (p = 1e-3).
        assert max(changes) < 0.03
        assert max(distances) < 0.02
    else:
        # scipy's gaussian_kde smooths the cuts away, over a width of h = 0.29.
        assert 0.02 < max(distances) < 0.1


def test_comparison_is_of_what_is_drawn(fits):
    rows = compare_population(fits, 42, shrink=True)
    drawn = draw_population(fits, 20_000, 42, shrink=True)
    for row in rows:
        if row["statistic"] == "median":
            assert row["fits"] == np.median(fits[row["first"]])
            # Another sample of the same estimate: 20,000 draws settle a median to 1 % of a
            # width of at most 1.3 in the logarithm.
            assert row["bounded"] == pytest.approx(np.median(drawn[row["first"]]), rel=0.05)
        elif row["statistic"] == "rank_correlation":
            found = spearmanr(drawn[row["first"]], drawn[row["second"]]).statistic
            assert row["bounded"] == pytest.approx(found, abs=4 / np.sqrt(20_000))


def test_shrunk_draws_have_the_covariance_of_the_fits(fits):
    # Before bounds: 100,000 draws settle a width to 0.2 %; the wider estimate has h = 0.41.
    for shrink, factor in ((True, 1.0), (False, np.sqrt(1 + COUNT ** (-2 / 9)))):
        estimate = population_module._estimate(
            population_module._usable(fits), None, "logarithms", shrink
        )
        drawn = np.log(estimate.draw(100_000, np.random.default_rng(1))[2:])
        for name, values in zip(DIMENSIONS[2:], drawn, strict=True):
            assert values.std() == pytest.approx(factor * np.log(fits[name]).std(), rel=0.01)


def test_normal_scores_keep_each_distribution(fits):
    drawn = draw_population(fits, 20_000, 42, space="normal_scores", shrink=True)
    inside = fits["n"] < GALSIM_INDICES[1]
    for name in DIMENSIONS:
        # Rejecting n > 6.2, 4 % of the fits, moves what hangs together with it.
        sample = fits[name][inside] if name != "n" else fits["n"][inside]
        assert ks_2samp(drawn[name], sample).pvalue > 1e-3
        assert drawn[name].min() > fits[name].min()
        assert drawn[name].max() < fits[name].max()


@pytest.fixture(scope="module")
def bent():
    """Fits whose quantities hang together in ways that no normal distribution knows."""
    rng = np.random.default_rng(14)
    a, b, c, d, e = rng.normal(size=(5, 266))
    # A plume on one side of a core, a bend, and a spread that grows.
    flux = np.where(a > 0.5, a + 3 * np.abs(b), a)
    return {
        "q": 1 / (1 + np.exp(-(0.3 * c + 0.5 * (a > 0.7)))),
        "n": np.exp(0.4 * np.where(a > 0.5, a, 0.3 * c)),
        "flux": np.exp(flux),
        "r50": np.exp(0.3 * np.maximum(flux, -0.2) + 0.1 * d),
        "noise": np.exp(-3 - 0.5 * flux + 0.2 * e * np.exp(0.5 * a)),
    }


@pytest.mark.parametrize("bandwidth", [0.01, 20.0])
def test_rank_correlations_at_both_ends(bent, bandwidth):
    # Of narrow kernels the fits' own, of wide ones those of a normal distribution made to
    # have them: equal but for 100,000 draws, 4 / sqrt(100,000), and the 1 / h^2 that is left.
    rows = compare_population(bent, 3, bandwidth, "normal_scores", shrink=True)
    for row in rows:
        if row["statistic"] == "rank_correlation":
            assert row["drawn"] == pytest.approx(row["fits"], abs=4 / np.sqrt(100_000) + 2e-3)


def test_rank_correlations_of_few_fits(bent):
    # Required: 0.03; Scott's kernels for 266 fits are half as wide as the sample.  With the
    # covariance of the scores they change one of these by 0.037.
    rows = compare_population(bent, 3, None, "normal_scores", shrink=True)
    changes = [abs(r["drawn"] - r["fits"]) for r in rows if r["statistic"] == "rank_correlation"]
    distances = [row["drawn"] for row in rows if row["statistic"] == "ks_distance"]
    assert max(changes) < 0.03
    assert max(distances) < 0.02


def test_rank_correlations_that_no_distribution_has():
    # Of seven fits the normal correlations often are no matrix of correlations: the nearest
    # one is drawn from, without a warning.
    for seed in range(20):
        rng = np.random.default_rng(seed)
        fits = {name: np.exp(rng.normal(size=7)) for name in DIMENSIONS}
        fits["q"] = 0.9 * rng.random(7)
        drawn = compare_population(fits, 1, None, "normal_scores", shrink=True)
        assert all(np.isfinite(row["drawn"]) for row in drawn)


def test_spaces_that_are_none(fits):
    with pytest.raises(ValueError, match="must be logarithms or normal_scores, got 'linear'"):
        draw_population(fits, 10, 1, space="linear")


def test_round_galaxies_do_not_break_the_logit(fits):
    round_ones = fits | {"q": np.where(np.arange(COUNT) % 50 == 0, 1.0, fits["q"])}
    assert np.all(np.isfinite(draw_population(round_ones, 50, 1)["q"]))
