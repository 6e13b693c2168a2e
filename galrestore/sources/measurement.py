"""
Photometry of detected sources.

Apertures follow SExtractor: FLUX_AUTO in an ellipse of max(2.5 Kron radii, 3.5)
semi-major axes, FLUX_RADIUS(0.5) by the growth curve up to six, neighbours left out.
"""

import numpy as np
import sep

__all__ = [
    "FWHM_PER_SIGMA",
    "auto_photometry",
    "largest_semi_major_axis",
    "measuring_reach",
    "stamp_width",
]

FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_KRON_FACTOR, _LEAST_RADIUS = 2.5, 3.5
# Extent of the Kron moment and of the growth curve, in semi-major axes.
_EXTENT = 6.0
# Larger Kron apertures, which noise can ask for, are cut here, so that measuring needs
# a bounded piece of the mosaic.
_LARGEST_RADIUS = 10.0
_SUBPIXELS = 5


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
        ``r50`` [pixel], ``snr``; NaN where the Kron flux is not positive.  The error
        is that of the noise map, without the photon noise of the source.
    """
    x, y = table["x"].to_numpy() - window.x0, table["y"].to_numpy() - window.y0
    shape = [table[name].to_numpy() for name in ("a", "b", "theta")]
    labels = table["label"].to_numpy()
    masks = {"mask": window.mask, "segmap": segments, "seg_id": labels}
    kron, _ = sep.kron_radius(window.data, x, y, *shape, _EXTENT, **masks)
    kron = np.nan_to_num(kron)
    radius = np.clip(_KRON_FACTOR * kron, _LEAST_RADIUS, _LARGEST_RADIUS)
    noise = np.where(window.mask, np.float32(0), window.noise)
    flux, error, _ = sep.sum_ellipse(
        window.data, x, y, *shape, radius, err=noise, subpix=_SUBPIXELS, **masks
    )
    positive = flux > 0
    r50, _ = sep.flux_radius(
        window.data,
        x,
        y,
        _EXTENT * shape[0],
        0.5,
        normflux=np.where(positive, flux, 1),
        subpix=_SUBPIXELS,
        **masks,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        snr = flux / error
    return {
        "kron_radius": kron,
        "flux_auto": flux,
        "fluxerr_auto": error,
        "r50": np.where(positive, r50, np.nan),
        "snr": np.where(error > 0, snr, np.nan),
    }
