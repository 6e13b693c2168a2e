"""
Training, validation and test sets that share no piece of sky.

The same galaxy appears in several bands, and neighbours share light; so sources are
grouped first, and groups go whole into one set.
"""

import hashlib

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

__all__ = ["friends", "sky_groups", "sky_points", "split"]

_ARCSEC_PER_RADIAN = 648_000 / np.pi
# Planes of fields without coordinates are kept this far from each other and the sky.
_PLANE = 1e7


def sky_groups(table, radius, cell):
    """
    Group sources by their place on the sky.

    Parameters
    ----------
    table : pandas.DataFrame
        Sources: ``field, image, x, y, pixel_scale, ra, dec``; positions of fields
        without ``ra`` and ``dec`` are x and y times the pixel scale.
    radius : float
        Sources this close, in any band, belong together, and so do chains of them
        [arcsec].
    cell : float
        Chains whose mean lies in the same cell belong together [arcsec].

    Returns
    -------
    groups : ndarray of int64, shape (N,)
        Group of each source; depends on positions and names alone.
    """
    chain = friends(sky_points(table), radius)
    cells = _cells(table, chain, cell)
    keys, inverse = np.unique(np.asarray(cells, dtype=str), return_inverse=True)
    digests = np.array([_digest(key) for key in keys], dtype=np.int64)
    return digests[inverse] if len(cells) else np.zeros(0, dtype=np.int64)


def sky_points(table):
    """
    Place sources in space so that straight distances are angular ones.

    Parameters
    ----------
    table : pandas.DataFrame
        As in `sky_groups`.

    Returns
    -------
    points : ndarray of float64, shape (N, 3)
        On the sphere of radius 206,265 for sources with ``ra`` and ``dec``; in a far
        plane of its own for each image without [arcsec].
    """
    ra, dec = np.radians(table["ra"].to_numpy()), np.radians(table["dec"].to_numpy())
    sphere = np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    x, y = _flat(table)
    number = np.unique(_image_names(table), return_inverse=True)[1]
    plane = np.column_stack([x, y, _PLANE * (1 + number)])
    return np.where(np.isfinite(sphere), sphere * _ARCSEC_PER_RADIAN, plane)


def friends(points, radius):
    """
    Find friends of friends.

    Parameters
    ----------
    points : ndarray of float64, shape (N, D)
        Positions.
    radius : float
        Largest distance of friends, in the unit of the positions.

    Returns
    -------
    chain : ndarray of int, shape (N,)
        Number of the chain of each point, from 0.
    """
    count = len(points)
    if not count:
        return np.zeros(0, dtype=int)
    pairs = cKDTree(points).query_pairs(radius, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=bool), pairs.T), shape=(count, count))
    return connected_components(links, directed=False)[1]


def split(groups, fractions, seed):
    """
    Deal groups out to sets.

    Parameters
    ----------
    groups : ndarray of int64, shape (N,)
        Group of each member.
    fractions : sequence of float
        Share of each set; they add up to 1.
    seed : int
        Seed of the run.

    Returns
    -------
    sets : ndarray of int, shape (N,)
        Number of the set of each member.  In the order of a hash of seed and group,
        each group goes to the set that lacks most members; so shares are met to
        within the largest group.  With at least as many groups as sets, none of them
        with a positive share is empty.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.lexsort((names, _hashes(names, seed)))
    missing = [fraction * len(groups) for fraction in fractions]
    chosen = np.zeros(len(names), dtype=int)
    for group, size in zip(order.tolist(), sizes[order].tolist(), strict=True):
        best = missing.index(max(missing))
        chosen[group] = best
        missing[best] -= size
    _fill_empty(chosen, sizes, order, fractions)
    return chosen[inverse]


def _flat(table):
    """Pixel positions in arcseconds, from the edge of the image so that scales agree."""
    scale = table["pixel_scale"].to_numpy()
    return (table["x"].to_numpy() + 0.5) * scale, (table["y"].to_numpy() + 0.5) * scale


def _image_names(table):
    """Name of the image each source is on: field and number, as text."""
    pairs = zip(table["field"], table["image"], strict=True)
    return np.array([f"{field}/{image:09d}" for field, image in pairs], dtype=str)


def _cells(table, chain, cell):
    """Name of the cell in which the chain of each source has its mean."""
    points = sky_points(table)
    count = np.bincount(chain)
    mean = np.column_stack([np.bincount(chain, axis) / count for axis in points.T])[chain]
    with_sky = np.isfinite(table["ra"].to_numpy())
    radius = np.linalg.norm(mean, axis=1)
    dec = np.arcsin(np.clip(mean[:, 2] / radius, -1, 1)) * _ARCSEC_PER_RADIAN
    ra = np.arctan2(mean[:, 1], mean[:, 0]) % (2 * np.pi) * _ARCSEC_PER_RADIAN
    row = np.floor(np.where(with_sky, dec, mean[:, 1]) / cell).astype(np.int64)
    # Cells of one row share the cosine of the row's middle.
    shrink = np.cos((row + 0.5) * cell / _ARCSEC_PER_RADIAN)
    column = np.floor(np.where(with_sky, ra * shrink, mean[:, 0]) / cell).astype(np.int64)
    place = np.where(with_sky, "sky", _image_names(table))
    return [f"{p} {r} {c}" for p, r, c in zip(place, row.tolist(), column.tolist(), strict=True)]


def _digest(key):
    """Positive 63-bit integer of a text."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def _hashes(names, seed):
    """Well-mixed 64-bit integers of groups and seed (splitmix64)."""
    mixed = names.astype(np.uint64) + np.uint64(_digest(f"split {seed}"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _fill_empty(chosen, sizes, order, fractions):
    """Give each empty set the smallest group of the set that has most groups."""
    if len(order) < len(fractions):
        return
    for number, fraction in enumerate(fractions):
        counts = np.bincount(chosen, minlength=len(fractions))
        if fraction > 0 and not counts[number]:
            donors = order[chosen[order] == counts.argmax()]
            chosen[donors[np.argmin(sizes[donors])]] = number
