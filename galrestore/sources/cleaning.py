"""SExtractor's CLEAN: bumps in the wings of brighter sources become part of them."""

import numpy as np
from scipy.spatial import cKDTree

from galrestore.sources.compiling import compiled

__all__ = ["eaters"]

# Sources meet within this many semi-major axes, of both added in quadrature.
_ZONE = 10.0
_X, _Y, _CXX, _CYY, _CXY, _AREA, _ABCOR, _THRESH, _MTHRESH, _FLUX, _NPIX = range(11)
_NEEDED = ("x", "y", "cxx", "cyy", "cxy", "area", "abcor", "thresh", "mthresh", "cflux", "npix")


def eaters(table, clean_parameter=1.0):
    """
    Find the sources that are bumps in the wings of others.

    Parameters
    ----------
    table : pandas.DataFrame
        All sources of a mosaic in the order of their completion (see
        `galrestore.sources.deblending`): ``x, y, a, b, cxx, cyy, cxy, abcor, thresh,
        mthresh, cflux, npix``.
    clean_parameter : float, optional
        Exponent of the wings, CLEAN_PARAM.

    Returns
    -------
    eaters : ndarray of int64, shape (N,)
        For each source the row of the one that it is part of: its own row, unless it
        is spurious.

    Notes
    -----
    Each source has a Moffat wing (1 + alpha r^2)^-beta through its peak and isophote, r
    being elliptical.  One by one, sources meet those before them: of two, the fainter
    is spurious if the wing of the brighter one lies higher there than ``mthresh``, its
    `minimum_area`-th brightest pixel above the threshold.  The brighter then has the
    light and the pixels of both.
    """
    column = {name: table[name].to_numpy(float) for name in table.columns if name in _USED}
    column["area"] = np.pi * column["a"] * column["b"]
    sources = np.column_stack([column[name] for name in _NEEDED])
    parent = np.arange(len(table))
    if len(table):
        _meet(sources, *_pairs(sources, column["a"]), clean_parameter, parent)
    return parent


_USED = {*_NEEDED, "a", "b"}


def _pairs(sources, a):
    """Pairs that meet, earlier and later source, in the order of meeting."""
    points = sources[:, :2]
    near = cKDTree(points).query_ball_point(points, 2 * _ZONE * a)
    larger = np.repeat(np.arange(len(a)), [len(list_) for list_ in near])
    smaller = np.concatenate([np.asarray(list_, dtype=np.int64) for list_ in near])
    own = (a[smaller] < a[larger]) | ((a[smaller] == a[larger]) & (smaller < larger))
    larger, smaller = larger[own], smaller[own]
    distance = ((points[larger] - points[smaller]) ** 2).sum(axis=1)
    met = distance <= _ZONE**2 * (a[larger] + a[smaller]) ** 2
    pair = np.sort(np.column_stack([larger[met], smaller[met]]), axis=1)
    order = np.lexsort((pair[:, 0], pair[:, 1]))
    return pair[order, 0], pair[order, 1]


@compiled
def _wing(source, dx, dy, beta):
    """Height of a source's wing."""
    amplitude = source[_FLUX] / (2 * source[_AREA] * source[_ABCOR])
    ratio = max(amplitude / source[_THRESH], 0.0)
    alpha = (ratio ** (1 / beta) - 1) * source[_AREA] / source[_NPIX]
    radius = source[_CXX] * dx * dx + source[_CYY] * dy * dy + source[_CXY] * dx * dy
    value = 1 + alpha * radius
    return amplitude * value**-beta if 1 < value < 1e10 else 0.0


@compiled
def _meet(sources, earlier, later, beta, parent):
    """Let every source meet those before it."""
    pair = 0
    while pair < len(later):
        new, begin = later[pair], pair
        victims = 0
        while pair < len(later) and later[pair] == new:
            old = earlier[pair]
            pair += 1
            if parent[old] != old or parent[new] != new:
                continue
            dx, dy = sources[new, _X] - sources[old, _X], sources[new, _Y] - sources[old, _Y]
            if sources[old, _FLUX] < sources[new, _FLUX]:
                if _wing(sources[new], dx, dy, beta) > sources[old, _MTHRESH]:
                    # Pairs that are over keep the victims.
                    earlier[begin + victims] = old
                    victims += 1
            elif _wing(sources[old], dx, dy, beta) > sources[new, _MTHRESH]:
                parent[new] = old
                sources[old, _FLUX] += sources[new, _FLUX]
                sources[old, _NPIX] += sources[new, _NPIX]
        if parent[new] == new:
            for old in earlier[begin : begin + victims]:
                parent[old] = new
                sources[new, _FLUX] += sources[old, _FLUX]
                sources[new, _NPIX] += sources[old, _NPIX]
    for source in range(len(parent)):
        while parent[parent[source]] != parent[source]:
            parent[source] = parent[parent[source]]
