"""
Population of the simulated sky: galaxies and stars, drawn cell by cell.

The tangent plane is cut into cells of a fixed grid anchored at the reference point,
and each cell has its own random stream: a larger sky holds the objects of a smaller
one, and any window can be populated without the others.

Magnitudes are AB at 0.8 micron.  Colours come from a slope of each component: a bulge
is red, a disc bluer, its knots bluest.
"""

import numpy as np
import pandas as pd

from galrestore.rng import stream

__all__ = ["CELL", "first_id", "knots", "magnitude_at", "objects"]

CELL = 10.0  # side of a cell [arcsec]
_ARCMIN2 = 3600.0  # arcsec^2
_COUNTS_LIMIT = 25.0  # magnitude at which the density of galaxies is stated
# Indices are snapped to few values, since GalSim tabulates each one anew.
_DISC_INDICES = (0.7, 1.0, 1.3)
_BULGE_INDICES = (2.0, 3.0, 4.0)
_THICKNESS = 0.2  # axis ratio of an edge-on disc
_RADII = (0.03, 2.0)  # range of half-light radii [arcsec]
# Slope s of f_nu ~ lambda^s at 0.8-1.6 micron: mean and scatter.
_BULGE_SLOPE, _DISC_SLOPE = (1.2, 0.25), (0.5, 0.3)
_KNOT_SLOPE, _STAR_SLOPE = (-0.3, 0.2), (0.4, 0.4)
_PIVOT, _BEND = 0.8, 1.6  # wavelengths of the reference and of the turnover [micron]
_BLUE_FACTOR, _RED_FACTOR = 2.0, 0.3  # the slope counts so much bluewards and redwards
_STAR_RANGE, _STAR_COUNTS = (18.0, 26.0), 0.15  # magnitudes; dex per magnitude
_COMPANION_DISTANCE = (0.8, 3.0)  # in units of the galaxy's half-light radius
_COMPANION_FAINTER = (0.0, 2.5)  # magnitudes


def objects(seed, law, x_range, y_range):
    """
    Return the objects of a rectangle of the tangent plane.

    Parameters
    ----------
    seed : int
        Seed of the run.
    law : SimulatedPopulation
        Settings of the population.
    x_range, y_range : (float, float)
        Range of xi and eta [arcsec].

    Returns
    -------
    table : pandas.DataFrame
        Objects inside, sorted by id.  Columns ``id, kind, xi, eta, magnitude, r50, n,
        q, theta, b_over_t, disc_r50, disc_n, disc_q, bulge_r50, bulge_n, bulge_q,
        bulge_slope, disc_slope, knot_slope, knot_share, n_knots, companion_of``;
        radii along the major axis [arcsec], theta [rad] from the column axis (west)
        towards north, ``companion_of`` -1 for none.  ``r50, n, q`` are those of the
        component with more light.
    """
    # One ring of cells more, since companions may lie beyond their galaxy's cell.
    rows, columns = (
        range(int(np.floor(low / CELL)) - 1, int(np.floor(high / CELL)) + 2)
        for low, high in (y_range, x_range)
    )
    cells = [_cell(seed, law, row, column) for row in rows for column in columns]
    table = pd.DataFrame({name: np.concatenate([c[name] for c in cells]) for name in cells[0]})
    inside = table.xi.between(*x_range, inclusive="left")
    inside &= table.eta.between(*y_range, inclusive="left")
    return table[inside].sort_values("id", ignore_index=True)


def magnitude_at(table, wavelength):
    """
    Return magnitudes of components at a wavelength.

    Parameters
    ----------
    table : pandas.DataFrame
        As returned by `objects`.
    wavelength : float
        Wavelength [micron].

    Returns
    -------
    total, bulge, disc, knot : ndarray of float, shape (N,)
        AB magnitudes of the object, its bulge (or a star), its disc without knots and
        all its knots; infinite where a component is absent.
    """
    share = table.b_over_t.to_numpy()
    knot_share = (1 - share) * table.knot_share.to_numpy()
    shares = (share, 1 - share - knot_share, knot_share)
    slopes = (table.bulge_slope, table.disc_slope, table.knot_slope)
    reference = 10 ** (-0.4 * table.magnitude.to_numpy())
    parts = [
        reference * part * 10 ** (slope.to_numpy() * _lever(wavelength))
        for part, slope in zip(shares, slopes, strict=True)
    ]
    with np.errstate(divide="ignore"):
        return tuple(-2.5 * np.log10(np.clip(flux, 0, None)) for flux in (sum(parts), *parts))


def knots(seed, galaxy):
    """
    Place the star-forming knots of one galaxy.

    Half of the galaxies have them along logarithmic spiral arms, the others at random
    over the disc.

    Parameters
    ----------
    seed : int
        Seed of the run.
    galaxy : mapping
        Row of the table returned by `objects`.

    Returns
    -------
    dx, dy : ndarray of float, shape (K,)
        Offsets from the centre along columns and rows [arcsec].
    share : ndarray of float, shape (K,)
        Share of the knots' light, adding up to 1.
    sigma : ndarray of float, shape (K,)
        Gaussian widths [arcsec].
    """
    rng = stream(seed, "acquire.knots", galaxy["id"])
    count = int(galaxy["n_knots"])
    arms = int(rng.integers(2, 4))
    pitch = np.radians(rng.uniform(12, 35))
    radius = galaxy["disc_r50"] * rng.uniform(0.3, 2.2, count)
    phase = rng.uniform(0, 2 * np.pi) + np.log(radius / galaxy["disc_r50"]) / np.tan(pitch)
    phase += 2 * np.pi / arms * rng.integers(0, arms, count) + rng.normal(0, 0.15, count)
    scattered = rng.uniform(0, 2 * np.pi, count)
    angle = np.where(rng.uniform() < 0.5, phase, scattered)
    along, across = radius * np.cos(angle), galaxy["disc_q"] * radius * np.sin(angle)
    cos, sin = np.cos(galaxy["theta"]), np.sin(galaxy["theta"])
    # Outer knots are fainter, like the disc below them; the brightest outshine the rest.
    weight = rng.exponential(size=count) * np.exp(-radius / galaxy["disc_r50"])
    sigma = rng.uniform(0.02, 0.07, count)
    return along * cos - across * sin, along * sin + across * cos, weight / weight.sum(), sigma


def first_id(row, column):
    """
    Return the first of the 65536 ids that belong to a cell.

    Parameters
    ----------
    row, column : int
        Cell, in [-32768, 32767].

    Returns
    -------
    ident : int
        Below 2**48.
    """
    return (((row + 2**15) << 16) + column + 2**15) << 16


def _lever(wavelength):
    """Logarithm of wavelength that slopes multiply: steep in the blue, flat in the red."""
    if wavelength < _PIVOT:
        return _BLUE_FACTOR * np.log10(wavelength / _PIVOT)
    beyond = np.log10(max(wavelength, _BEND) / _BEND)
    return np.log10(min(wavelength, _BEND) / _PIVOT) + _RED_FACTOR * beyond


def _cell(seed, law, row, column):
    """Columns of one cell's objects: galaxies, their companions, stars."""
    rng = stream(seed, "acquire.sky", row, column)
    area = CELL**2 / _ARCMIN2
    deeper = 10 ** (law.count_slope * (law.faintest - _COUNTS_LIMIT))
    galaxies = _galaxies(rng, law, rng.poisson(law.galaxy_density * deeper * area))
    count = len(galaxies["magnitude"])
    paired = np.flatnonzero(rng.uniform(size=count) < law.companion_fraction)
    companions = _companions(rng, law, {name: galaxies[name][paired] for name in galaxies})
    stars = _stars(rng, rng.poisson(law.star_density * area))
    groups = (galaxies, companions, stars)
    cell = {name: np.concatenate([group[name] for group in groups]) for name in galaxies}
    first = first_id(row, column)
    cell["id"] = first + np.arange(len(cell["magnitude"]), dtype=np.int64)
    cell["companion_of"] = np.full(len(cell["id"]), -1, dtype=np.int64)
    cell["companion_of"][count : count + len(paired)] = first + paired
    cell["xi"] += column * CELL
    cell["eta"] += row * CELL
    return cell


def _galaxies(rng, law, count):
    span = 10 ** (law.count_slope * (law.brightest - law.faintest))
    magnitude = law.faintest + np.log10(rng.uniform(span, 1, count)) / law.count_slope
    return _shapes(rng, law, magnitude, *rng.uniform(0, CELL, (2, count)))


def _companions(rng, law, galaxies):
    count = len(galaxies["magnitude"])
    distance = rng.uniform(*_COMPANION_DISTANCE, count) * galaxies["r50"]
    angle = rng.uniform(0, 2 * np.pi, count)
    magnitude = galaxies["magnitude"] + rng.uniform(*_COMPANION_FAINTER, count)
    xi = galaxies["xi"] + distance * np.cos(angle)
    return _shapes(rng, law, magnitude, xi, galaxies["eta"] + distance * np.sin(angle))


def _shapes(rng, law, magnitude, xi, eta):
    count = len(magnitude)
    size = law.size * 10 ** (law.size_slope * (magnitude - _COUNTS_LIMIT))
    r50 = np.clip(size * 10 ** rng.normal(0, law.size_scatter, count), *_RADII)
    kind, share = rng.uniform(size=count), 0.6 * rng.beta(1.5, 3, count)
    b_over_t = np.where(kind < law.spheroid_fraction, 1.0, share)
    b_over_t[kind >= law.spheroid_fraction + law.composite_fraction] = 0.0
    inclined = rng.uniform(0, 1, count) ** 2
    disc_q = np.sqrt(inclined * (1 - _THICKNESS**2) + _THICKNESS**2)
    bulge_q = np.where(b_over_t == 1, rng.uniform(0.5, 1, count), 0.5 + 0.5 * disc_q)
    bulge_r50 = r50 * np.where(b_over_t == 1, 1.0, rng.uniform(0.2, 0.5, count))
    disc_n, bulge_n = rng.choice(_DISC_INDICES, count), rng.choice(_BULGE_INDICES, count)
    main = b_over_t > 0.5
    group = {"kind": np.full(count, "galaxy"), "xi": xi, "eta": eta, "magnitude": magnitude}
    group |= {"r50": np.where(main, bulge_r50, r50), "n": np.where(main, bulge_n, disc_n)}
    group |= {"q": np.where(main, bulge_q, disc_q), "theta": rng.uniform(0, np.pi, count)}
    group |= {"b_over_t": b_over_t, "disc_r50": r50, "disc_n": disc_n, "disc_q": disc_q}
    group |= {"bulge_r50": bulge_r50, "bulge_n": bulge_n, "bulge_q": bulge_q}
    return group | _light(rng, law, group)


def _light(rng, law, group):
    """Colours, and the knots of discs that are bright and large enough."""
    count = len(group["magnitude"])
    slopes = {"bulge": _BULGE_SLOPE, "disc": _DISC_SLOPE, "knot": _KNOT_SLOPE}
    light = {f"{name}_slope": rng.normal(*spread, count) for name, spread in slopes.items()}
    share, lucky = rng.uniform(0.1, 0.4, count), rng.uniform(size=count)
    number = np.round(6 * 10 ** (0.2 * (law.knot_limit - group["magnitude"]))).clip(4, 60)
    knotty = (lucky < law.knot_fraction) & (group["b_over_t"] < 1)
    knotty &= (group["magnitude"] < law.knot_limit) & (group["disc_r50"] > law.knot_radius)
    light["knot_share"] = np.where(knotty, share, 0.0)
    light["n_knots"] = np.where(knotty, number, 0).astype(np.int64)
    return light


def _stars(rng, count):
    """Stars: points, whose light counts as a bulge's."""
    low, high = _STAR_RANGE
    uniform = rng.uniform(10 ** (_STAR_COUNTS * (low - high)), 1, count)
    xi, eta = rng.uniform(0, CELL, (2, count))
    group = {"kind": np.full(count, "star"), "xi": xi, "eta": eta}
    group["magnitude"] = high + np.log10(uniform) / _STAR_COUNTS
    for name in ("r50", "n", "disc_r50", "bulge_r50", "disc_slope", "knot_slope", "theta"):
        group[name] = np.zeros(count)
    for name in ("q", "disc_q", "bulge_q", "b_over_t", "disc_n", "bulge_n"):
        group[name] = np.ones(count)
    group["bulge_slope"] = rng.normal(*_STAR_SLOPE, count)
    return group | {"knot_share": np.zeros(count), "n_knots": np.zeros(count, dtype=np.int64)}
