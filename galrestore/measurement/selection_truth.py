"""
What the selection did, told by the truth of a simulated sky.

Truth and catalogue are matched by position: every simulated object belongs to the nearest
source within 0.3 arcsec (half its half-light radius, if that is more), and a source is what
the brightest of its objects is.  What a good galaxy is, `GOOD` says.
"""

import json

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import gamma, gammaincinv

__all__ = ["GOOD", "good_galaxies", "identify", "judge_selection", "simulated_mosaics"]

_RADIUS = 0.3  # arcsec
_SAFETY = 2.0  # of the predicted S/N over the least one
_FAINTER = 2.5  # magnitudes down to which companions count
_APERTURE = 0.15  # radius of the aperture in which depths are stated [arcsec]
_KRON = 2.5  # predicted radius of the Kron aperture in half-light radii
_AXIS = 1.2  # predicted semi-major axis A_IMAGE in half-light semi-major axes
_RING = 2  # width of the ring that the test of truncation looks at [pixel]
_INNER = 5.0  # half side of the square that rejection 5 looks at [pixel]
GOOD = """\
A good galaxy is one that the paper wants, by its truth alone: on the image with the
largest stamp; so bright that its predicted S/N is twice the least one (HST), or that the mean
surface brightness within its half-light radius is more than 1 / (largest rms after min-max)
times the noise (JWST); resolved, its half-light semi-minor axis no less than the width that
rejection 2 compares with; small enough for the widest stamp, with a = 1.2 half-light
semi-major axes, and, on JWST stamps, so faint at their edge that the light of the outermost
two pixels stays below the limit of truncation; and alone, with no hit and no other object
down to 2.5 magnitudes fainter within its stamp's half diagonal.
"""

_KINDS = {
    "galaxy": "accepted sources that are galaxies",
    "star": "accepted sources that are stars",
    "hit": "accepted sources that are cosmic-ray hits or hot pixels",
    "unmatched": "accepted sources farther than 0.3 arcsec from any object: knots, blends",
    "struck": "accepted galaxies and stars with a hit in the central 10 x 10 pixels",
}


def simulated_mosaics(settings):
    """
    Read what a truth table's record says about its mosaics.

    Parameters
    ----------
    settings : str
        Settings of stage acquire as JSON, as the truth's provenance holds them.

    Returns
    -------
    mosaics : dict of str to dict
        ``depth`` [mag(AB)], ``correlation`` of the noise, ``pixel_scale`` [arcsec], extent
        ``width``, ``height`` and ``border`` of the sky [arcsec] and its centre ``ra``,
        ``dec`` [deg], by mosaic.
    """
    sky = json.loads(settings)["simulated"]
    frame = {name: sky[name] for name in ("width", "height", "ra", "dec")}
    return {
        name: frame
        | {
            "depth": mosaic["depth"],
            "correlation": mosaic["noise_correlation"],
            "pixel_scale": mosaic["pixel_scale"],
            "border": mosaic["unexposed_border"],
        }
        for name, mosaic in sky["mosaics"].items()
    }


def judge_selection(catalogues, truth, mosaics, limits, criteria):
    """
    Count what was accepted wrongly, and which good galaxies were lost to what.

    Parameters
    ----------
    catalogues : dict of str to pandas.DataFrame
        Catalogue of each simulated mosaic (contract `CATALOGUE`).
    truth : pandas.DataFrame
        Truth of the sky (contract `truth_columns`).
    mosaics : dict of str to dict
        As `simulated_mosaics` returns.
    limits : dict
        Settings of stage select.
    criteria : dict of str to str
        Rejections in the order in which they are tried, with their meaning.

    Returns
    -------
    table : pandas.DataFrame
        Rows of each mosaic, then of all HST and all JWST mosaics (contract
        `SELECTION_TRUTH`).
    """
    rows, telescopes = [], {}
    for name, catalogue in catalogues.items():
        source, of_source = identify(catalogue, truth, name)
        good = good_galaxies(catalogue, truth, name, mosaics[name], limits)
        rows += _accepted(name, catalogue, truth, of_source)
        rows += _fates(name, catalogue, criteria, np.flatnonzero(good), source, of_source)
        if len(catalogue):
            telescopes[name] = f"all {catalogue['telescope'].iloc[0]}"
    table = pd.DataFrame(rows)
    sums = table.assign(mosaic=table["mosaic"].map(telescopes)).dropna(subset="mosaic")
    keys = ["mosaic", "group", "item", "meaning"]
    sums = sums.groupby(keys, sort=False, as_index=False).sum()
    table = pd.concat([table, sums.sort_values("mosaic", kind="stable")], ignore_index=True)
    return table.assign(fraction=table["count"] / table["total"].where(table["total"] > 0))


def identify(catalogue, truth, mosaic):
    """
    Match simulated objects with sources.

    Parameters
    ----------
    catalogue : pandas.DataFrame
        Sources: ``ra``, ``dec`` [deg].
    truth : pandas.DataFrame
        Objects.
    mosaic : str
        Name of the mosaic; hits of others are left out.

    Returns
    -------
    source : ndarray of int, shape (T,)
        Row of the source that each object belongs to, -1 for none.
    of_source : ndarray of int, shape (N,)
        Row of the brightest object that belongs to each source, -1 for none.
    """
    source = np.full(len(truth), -1)
    of_source = np.full(len(catalogue), -1)
    there = ((truth["kind"] != "hit") | (truth["mosaic"] == mosaic)).to_numpy()
    if not len(catalogue) or not there.any():
        return source, of_source
    origin = truth["ra"].iloc[0], truth["dec"].iloc[0]
    radius = np.fmax(_RADIUS, 0.5 * np.nan_to_num(truth["r50"].to_numpy(float)))
    distance, nearest = cKDTree(_plane(catalogue, *origin)).query(_plane(truth, *origin))
    near = there & (distance <= radius)
    source[near] = nearest[near]
    magnitude = truth[f"magnitude_{mosaic}"].to_numpy(float)
    rows = np.flatnonzero(near)
    # The brightest object is written last.
    for row in rows[np.argsort(-magnitude[rows], kind="stable")]:
        of_source[source[row]] = row
    return source, of_source


def good_galaxies(catalogue, truth, name, mosaic, limits):
    """
    Tell which simulated galaxies the paper wants, whatever the selection does.

    Parameters
    ----------
    catalogue : pandas.DataFrame
        Of the mosaic; tells the telescope and ``star_fwhm``, nothing else.
    truth : pandas.DataFrame
        Objects.
    name : str
        Mosaic.
    mosaic : dict
        Its entry of `simulated_mosaics`.
    limits : dict
        Settings of stage select: ``minimum_snr``, ``jwst_maximum_rms``, ``size_factor``,
        ``maximum_width``.

    Returns
    -------
    good : ndarray of bool, shape (T,)
        See `GOOD`.
    """
    if not len(catalogue):
        return np.zeros(len(truth), dtype=bool)
    hst, fwhm = catalogue["telescope"].iloc[0] == "hst", catalogue["star_fwhm"].iloc[0]
    scale = mosaic["pixel_scale"]
    magnitude = truth[f"magnitude_{name}"].to_numpy(float)
    r50, n, q = (truth[key].to_numpy(float) for key in ("r50", "n", "q"))
    r50 = r50 / scale
    snr, pixel_snr = _brightness(magnitude, r50, q, fwhm, mosaic)
    small = 4 * _AXIS * r50 + 5 <= limits["maximum_width"] / 2
    if hst:
        bright = snr >= _SAFETY * limits["minimum_snr"]
    else:
        area = np.pi * (q * r50**2 + fwhm**2 / 4)
        bright = pixel_snr / 2 / area >= 1 / limits["jwst_maximum_rms"]
        small &= _edge(pixel_snr, r50, n, q, limits["stamp_size"]) < limits["truncation_sigma"]
    resolved = r50 * q >= limits["size_factor"] * fwhm
    x, y = _plane(truth, mosaic["ra"], mosaic["dec"]).T
    margin = limits["maximum_width"] / 2 * scale + mosaic["border"]
    inside = np.abs(x) <= mosaic["width"] / 2 - margin
    inside &= np.abs(y) <= mosaic["height"] / 2 - margin
    good = (truth["kind"] == "galaxy").to_numpy() & bright & resolved & small & inside
    good[good] = _alone(truth, name, np.flatnonzero(good), magnitude, scale)
    return good


def _brightness(magnitude, r50, q, fwhm, mosaic):
    """S/N in a Kron aperture, and the whole flux in units of a pixel's noise."""
    point = 5 * 10 ** (0.4 * (mosaic["depth"] - magnitude))
    aperture = _APERTURE / mosaic["pixel_scale"]
    seen = np.sqrt(q * r50**2 + fwhm**2 / 4)
    # The noise in an aperture is that of its pixels, which are correlated.
    pixel = point * np.sqrt(np.pi) * aperture * _noise_gain(mosaic["correlation"])
    return point * aperture / (_KRON * seen), pixel


def _edge(pixel_snr, r50, n, q, size):
    """Significance of a Sersic profile's light in the outermost ring of a stamp, at most."""
    with np.errstate(divide="ignore", invalid="ignore"):
        b = gammaincinv(2 * n, 0.5)
        unit = 2 * np.pi * n * q * r50**2 * np.exp(b) * b ** (-2 * n) * gamma(2 * n)
        radius = size // 2 - _RING
        value = pixel_snr / unit * np.exp(-b * ((radius / r50) ** (1 / n) - 1))
    count = size**2 - (size - 2 * _RING) ** 2
    return np.where(r50 > 0, value, 0) * np.sqrt(count)


def _noise_gain(correlation):
    """Rms of an aperture over that of white pixels, for the correlation of neighbours."""
    side = (1 - np.sqrt(1 - 2 * correlation**2)) / (2 * correlation) if correlation > 0 else 0.0
    return (1 + 2 * side) ** 2 / (1 + 2 * side**2)


def _alone(truth, name, rows, magnitude, scale):
    """Tell whether nothing but fainter objects lies in the stamps of some galaxies."""
    relevant = np.isfinite(magnitude)
    others = np.flatnonzero(relevant)
    plane = _plane(truth, truth["ra"].iloc[0], truth["dec"].iloc[0])
    half = 4 * truth["r50"].to_numpy()[rows] + 5 * scale
    near = cKDTree(plane[others]).query_ball_point(plane[rows], np.sqrt(2) * half)
    hit = (truth["kind"] == "hit").to_numpy()
    alone = np.ones(len(rows), dtype=bool)
    for k, (row, found) in enumerate(zip(rows, near, strict=True)):
        found = others[found]
        found = found[found != row]
        alone[k] = not np.any(hit[found] | (magnitude[found] < magnitude[row] + _FAINTER))
    return alone


def _accepted(name, catalogue, truth, of_source):
    """Rows about the kinds of the accepted sources of a mosaic."""
    accepted = (catalogue["rejected_by"] == "").to_numpy()
    kinds = np.array(["unmatched", *truth["kind"]], dtype=object)[of_source + 1][accepted]
    struck = np.zeros(len(catalogue), dtype=bool)
    hits = truth[(truth["kind"] == "hit") & (truth["mosaic"] == name)]
    if len(hits) and len(catalogue):
        origin = hits["ra"].iloc[0], hits["dec"].iloc[0]
        reach = _INNER * catalogue["pixel_scale"].iloc[0]
        tree = cKDTree(_plane(hits, *origin))
        near = tree.query(_plane(catalogue, *origin), p=np.inf)[0] <= reach
        struck = near & accepted
        struck[accepted] &= kinds != "hit"
    counts = {kind: int(np.sum(kinds == kind)) for kind in _KINDS} | {"struck": int(struck.sum())}
    for kind, meaning in _KINDS.items():
        yield _row(name, "accepted", kind, meaning, counts[kind], 0, int(accepted.sum()))


def _fates(name, catalogue, criteria, good, source, of_source):
    """Rows about the good galaxies of a mosaic."""
    own = source[good]
    found = (own >= 0) & (of_source[own] == good)
    first = catalogue["rejected_by"].to_numpy(dtype=object)[own[found]]
    total, lost = len(good), int(np.sum(~found))
    yield _row(name, "good", "undetected", "no source of their own", lost, lost, total)
    for criterion, meaning in criteria.items():
        failing = catalogue[f"reject_{criterion}"].to_numpy(bool)[own[found]]
        count = int(np.sum(first == criterion))
        yield _row(name, "good", criterion, meaning, count, int(failing.sum()), total)
    yield _row(name, "good", "accepted", "stamps cut", int(np.sum(first == "")), 0, total)


def _row(mosaic, group, item, meaning, count, failing, total):
    names = ("mosaic", "group", "item", "meaning", "count", "failing", "total")
    return dict(zip(names, (mosaic, group, item, meaning, count, failing, total), strict=True))


def _plane(table, ra, dec):
    """Offsets from a place on the sky [arcsec], gnomonic, shape (N, 2)."""
    alpha, delta = np.radians(table["ra"].to_numpy(float)), np.radians(table["dec"].to_numpy(float))
    alpha0, delta0 = np.radians(ra), np.radians(dec)
    cosine = np.cos(alpha - alpha0)
    depth = np.sin(delta0) * np.sin(delta) + np.cos(delta0) * np.cos(delta) * cosine
    east = np.cos(delta) * np.sin(alpha - alpha0) / depth
    north = (np.cos(delta0) * np.sin(delta) - np.sin(delta0) * np.cos(delta) * cosine) / depth
    return np.degrees(np.column_stack([east, north])) * 3600
