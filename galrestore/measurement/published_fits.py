"""
Fits of galaxies against published ones.

The published Sersic fits are those that come with the COSMOS galaxies of GalSim and the
GREAT3 challenge: eight numbers a galaxy, of which the radius lies along the major axis.

References
----------
Lackner & Gunn (2012), MNRAS 421, 2277; Mandelbaum et al. (2014), ApJS 212, 5;
Leauthaud et al. (2007), ApJS 172, 219 (the catalogue's radii).
"""

import numpy as np
import pandas as pd

from galrestore.sersic.profile import total_flux

__all__ = ["QUANTITIES", "UNFITTED", "differences", "published_values", "summarise"]

# Quantity: our column, the published one, logarithm or not, what it means.
QUANTITIES = {
    "ln_r50": ("r50", "published_r50", True, "ln half-light radius, circularised"),
    "ln_n": ("n", "published_n", True, "ln Sersic index"),
    "q": ("q", "published_q", False, "axis ratio"),
    "theta": ("theta", "published_theta", False, "position angle [rad]"),
    "ln_i50": ("i50", "published_i50", True, "ln brightness at the half-light radius"),
    "ln_flux": ("model_flux", "published_flux", True, "ln total flux"),
    "ln_apparent": (
        "apparent_r50",
        "published_flux_radius",
        True,
        "ln radius of a circle with half of the light: fit, seen through the PSF",
    ),
    "ln_aperture": (
        "aperture_r50",
        "published_flux_radius",
        True,
        "ln radius of a circle with half of the light: FLUX_RADIUS",
    ),
    "ln_unsubtracted": (
        "unsubtracted_r50",
        "published_flux_radius",
        True,
        "ln radius of a circle with half of the light: FLUX_RADIUS, no sky subtracted",
    ),
}
# FLUX_RADIUS is measured without a fit.
UNFITTED = ("ln_aperture", "ln_unsubtracted")
_OUTLYING = 3.0
_SHAPE = ("i50", "r50", "n", "q", "theta", "flux")
_NUMBERS = 8


def published_values(count, sersic=None, flux_radius=None):
    """
    Put published measurements into the table's columns.

    Parameters
    ----------
    count : int
        Number of galaxies N.
    sersic : ndarray, shape (N, 8), optional
        Brightness at the half-light radius, half-light radius along the major axis
        [pixel], index, axis ratio, boxiness, x, y, position angle [rad].
    flux_radius : ndarray, shape (N,), optional
        Radius of the circle that holds half of the light [pixel].

    Returns
    -------
    values : dict of str to ndarray of float64, shape (N,)
        The columns ``published_*`` of the contract; NaN where nothing is published.

    Raises
    ------
    ValueError
        If a shape differs; the message says how.
    """
    values = dict.fromkeys((f"published_{name}" for name in _SHAPE), np.full(count, np.nan))
    values["published_flux_radius"] = np.full(count, np.nan)
    if flux_radius is not None:
        _require_shape(flux_radius, (count,))
        values["published_flux_radius"] = np.where(flux_radius > 0, flux_radius, np.nan)
    if sersic is not None:
        _require_shape(sersic, (count, _NUMBERS))
        i50, major, n, q, _, _, _, theta = np.where(sersic[:, 1:2] > 0, sersic, np.nan).T
        r50 = major * np.sqrt(q)
        shape = (i50, r50, n, q, theta % np.pi, _flux(i50, r50, n))
        values |= {f"published_{name}": v for name, v in zip(_SHAPE, shape, strict=True)}
    return values


def differences(table):
    """
    Subtract published values from ours.

    Parameters
    ----------
    table : pandas.DataFrame
        Galaxies (contract `PUBLISHED_FITS`).

    Returns
    -------
    frame : pandas.DataFrame
        One column for each of `QUANTITIES`, ours minus published, or the logarithm of
        the ratio; angles in [-pi/2, pi/2).  NaN where a value is missing.  Failed fits
        are included.
    """
    columns = {}
    for name, (ours, published, logarithm, _) in QUANTITIES.items():
        a, b = table[ours].to_numpy(float), table[published].to_numpy(float)
        if logarithm:
            a, b = (np.log(np.where(values > 0, values, np.nan)) for values in (a, b))
        columns[name] = a - b
    columns["theta"] = (columns["theta"] + np.pi / 2) % np.pi - np.pi / 2
    return pd.DataFrame(columns, index=table.index)


def summarise(table):
    """
    Summarise the differences by file, PSF and quantity.

    Parameters
    ----------
    table : pandas.DataFrame
        Galaxies (contract `PUBLISHED_FITS`).

    Returns
    -------
    summary : pandas.DataFrame
        Contract `PUBLISHED_SUMMARY`; quantities that nothing is published of left out, and
        FLUX_RADIUS, which no fit changes, once for each file.
    """
    rows, seen = [], set()
    for (mosaic, psf), galaxies in table.groupby(["mosaic", "psf"], sort=False):
        change = differences(galaxies)
        for name, (_, published, _, meaning) in QUANTITIES.items():
            known = np.isfinite(galaxies[published].to_numpy(float))
            if not known.any() or (name in UNFITTED and mosaic in seen):
                continue
            row = _row(change[name].to_numpy(), known, galaxies, name not in UNFITTED)
            rows.append({"mosaic": mosaic, "psf": psf, "quantity": name, "meaning": meaning} | row)
        seen.add(mosaic)
    return pd.DataFrame(rows)


def _row(change, known, galaxies, fitted):
    failed = known & (galaxies["failure"].to_numpy() != "") & fitted
    missing = known & ~failed & ~np.isfinite(change)
    used = known & ~failed & ~missing
    row = {
        "published": int(known.sum()),
        "failed": int(failed.sum()),
        "missing": int(missing.sum()),
        "compared": int(used.sum()),
    }
    if not used.any():
        return row | {
            "outliers": "",
            **dict.fromkeys(("median", "median_error", "scatter"), np.nan),
        }
    values = change[used]
    median = np.median(values)
    scatter = 1.4826 * np.median(np.abs(values - median))
    far = galaxies["image"].to_numpy()[used][np.abs(values - median) > _OUTLYING * scatter]
    return row | {
        "median": median,
        "median_error": np.sqrt(np.pi / 2) * scatter / np.sqrt(len(values)),
        "scatter": scatter,
        "outliers": " ".join(map(str, far)),
    }


def _flux(i50, r50, n):
    """Flux of each published profile, where it is complete."""
    flux = np.full(len(n), np.nan)
    good = np.isfinite(i50) & (r50 > 0) & (n > 0)
    flux[good] = total_flux(i50[good], r50[good], n[good])
    return flux


def _require_shape(values, shape):
    if values.shape != shape:
        msg = f"has shape {values.shape}, {shape} is expected: one row for each cutout"
        raise ValueError(msg)
