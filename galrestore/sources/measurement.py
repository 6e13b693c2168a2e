"""
Photometry of detected sources.

Apertures follow SExtractor (see `auto_photometry`).
"""

import numpy as np

from galrestore.sources.apertures import auto_fluxes, half_light_radii

__all__ = [
    "FWHM_PER_SIGMA",
    "auto_photometry",
    "largest_semi_major_axis",
    "measuring_reach",
    "stamp_width",
]

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_KRON_FACTOR, _LEAST_RADIUS = 2.5, 3.5
# Larger Kron apertures, which noise can ask for, are cut here, so that measuring needs
# a bounded piece of the mosaic.
_LARGEST_RADIUS = 10.0


def stamp_width(a):
    """
    Return the width of the stamp of a source.

    Parameters
    ----------
    a : ndarray of float, shape (N,)
        Semi-major axis A_IMAGE [pixel].

    Returns
    -------
    width : ndarray of int64, shape (N,)
        2 floor(4 a + 5) [pixel], Park et al. 2024, section 3.1.
    """
    return 2 * np.floor(4 * np.asarray(a, dtype=float) + 5).astype(np.int64)


def largest_semi_major_axis(maximum_width):
    """
    Return the semi-major axis at which stamps become too wide.

    Parameters
    ----------
    maximum_width : int
        Widest stamp [pixel].

    Returns
    -------
    a : float
        Stamps of all smaller axes are at most that wide [pixel].
    """
    return (maximum_width // 2 + 1 - 5) / 4


def measuring_reach(maximum_width):
    """
    Return how far measurements of a source reach.

    Parameters
    ----------
    maximum_width : int
        Widest stamp of the sources that are measured [pixel].

    Returns
    -------
    reach : int
        Pixels from a source's barycentre beyond which nothing matters.
    """
    widest = _LARGEST_RADIUS * largest_semi_major_axis(maximum_width)
    return int(max(widest, maximum_width)) + 2


def auto_photometry(window, segments, table):
    """
    Measure Kron fluxes and half-light radii.

    Parameters
    ----------
    window : galrestore.sources.detection.Window
        The pixels.
    segments : ndarray of int32, shape (H, W)
        Label of the source of each pixel.
    table : pandas.DataFrame
        Sources, columns ``label, x, y, a, b, theta``; pixels of the mosaic.

    Returns
    -------
    columns : dict of str to ndarray, shape (N,)
        ``kron_radius`` [a], ``flux_auto`` and ``fluxerr_auto`` [unit of the data],
        ``r50`` [pixel], ``snr``; r50 is NaN where the Kron flux is not positive.  The
        error is that of the noise map, without the photon noise of the source.

    Notes
    -----
    As SExtractor: the Kron radius is the first moment within 6 semi-axes of the ellipse
    of second moments; FLUX_AUTO sums the pixels whose centres lie within max(2.5 Kron
    radii, 3.5) semi-axes; FLUX_RADIUS(0.5) interpolates in 64 annuli of 5 x 5 sub-pixels
    out to six semi-major axes.  Pixels above the threshold that belong to another source
    or to none, and pixels without data, take no part in the moment; in the sums each is
    replaced by the pixel opposite it about the barycentre, or by 0.

    Pixels of a bump that was cleaned away count as sky (see
    `galrestore.sources.detection.merged`).  Unlike SExtractor's, apertures end at ten
    semi-major axes.
    """
    columns = [table["label"], table["x"] - window.x0, table["y"] - window.y0]
    columns += [table[name] for name in ("a", "b", "theta")]
    sources = np.column_stack([np.asarray(values, dtype=float) for values in columns])
    roles = np.zeros(segments.shape, np.uint8) if window.roles is None else window.roles
    roles = np.where(window.mask, np.uint8(1), roles)
    images = (window.data, window.noise, roles, segments)
    measures = np.empty((len(sources), 3))
    limits = (_KRON_FACTOR, _LEAST_RADIUS, _LARGEST_RADIUS)
    auto_fluxes(images, window.noise_is_mapped, sources, *limits, measures)
    kron, flux, variance = measures.T
    error = np.sqrt(variance)
    r50 = np.empty(len(sources))
    half_light_radii(images, sources, flux / 2, r50)
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = flux / error
    return {
        "kron_radius": kron,
        "flux_auto": flux,
        "fluxerr_auto": error,
        "r50": r50,
        "snr": np.where(error > 0, snr, np.nan),
    }
