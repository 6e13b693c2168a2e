"""Star locus in the size-magnitude diagram."""

from dataclasses import dataclass

import numpy as np

from galrestore.sources.measurement import FWHM_PER_SIGMA

__all__ = ["StarLocus", "fit_star_locus", "point_source_r50"]

# Half-light radii of real PSFs exceed those of Gaussians of their FWHM by up to a half.
_SMALLEST, _LARGEST = 0.7, 1.7
_FEWEST = 10
# Width of the locus in ln r50: the default of mosaics without enough stars, and limits.
_DEFAULT_WIDTH, _NARROWEST, _WIDEST = 0.05, 0.02, 0.10
_CORE, _CLIPS = 0.1, 5
# Stars must stand out this much in density against slightly larger sources.
_CONTRAST = 3.0


@dataclass(frozen=True)
class StarLocus:
    """
    Where stars lie in the size-magnitude diagram.

    Attributes
    ----------
    r50 : float
        Half-light radius of stars [pixel].
    width : float
        Robust standard deviation of ln r50.
    least_snr : float
        Confusion limit: fainter sources are not called stars.
    stars : int
        Sources behind the fit; 0 if the PSF's width was taken instead.
    faintest, brightest : float
        Fluxes of the stars used, up to saturation; NaN without.
    """

    r50: float
    width: float
    least_snr: float
    stars: int
    faintest: float
    brightest: float

    def contains(self, r50, snr, sigma):
        """
        Tell which sources lie on the locus.

        Parameters
        ----------
        r50, snr : ndarray of float, shape (N,)
            Half-light radius [pixel] and signal-to-noise ratio.
        sigma : float
            Half width of the locus in robust standard deviations.

        Returns
        -------
        star : ndarray of bool, shape (N,)
            True on the locus; False where a value is NaN.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(np.log(r50 / self.r50))
        return (distance < sigma * self.width) & (snr >= self.least_snr)


def fit_star_locus(flux, r50, snr, clean, psf_fwhm, least_snr=50.0):
    """
    Fit the star locus to the sources of a mosaic.

    Parameters
    ----------
    flux, r50, snr : ndarray of float, shape (N,)
        FLUX_AUTO, FLUX_RADIUS(0.5) [pixel] and S/N; NaN where not measured.
    clean : ndarray of bool, shape (N,)
        Sources without detection flags.
    psf_fwhm : float
        Width of the PSF as stated [pixel].
    least_snr : float, optional
        Confusion limit: r50 of fainter sources scatters too much.

    Returns
    -------
    locus : StarLocus
        Mode and robust width of ln r50 of compact sources.  The half-light radius of
        a Gaussian PSF and a width of 0.05 where fewer than ten sources, or no
        concentration of them, make a locus; so small mosaics lose no galaxies.
    """
    expected = point_source_r50(psf_fwhm)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(r50 / expected)
    bright = clean & (snr >= least_snr) & (flux > 0)
    compact = bright & (size > np.log(_SMALLEST)) & (size < np.log(_LARGEST))
    fallback = StarLocus(expected, _DEFAULT_WIDTH, least_snr, 0, np.nan, np.nan)
    if compact.sum() < _FEWEST:
        return fallback
    mode = _spike(size[bright & (size > np.log(_SMALLEST))])
    width = _robust_width(size[compact] - mode)
    members = bright & (np.abs(size - mode) < 3 * width)
    larger = bright & (size > mode + 3 * width) & (size < mode + 9 * width)
    if members.sum() < max(_FEWEST, _CONTRAST * larger.sum()):
        return fallback
    return StarLocus(
        expected * float(np.exp(mode)),
        width,
        least_snr,
        int(members.sum()),
        float(flux[members].min()),
        float(flux[members].max()),
    )


def _robust_width(deviation):
    """Robust standard deviation of the core of a sample, within the limits of a locus."""
    width = _CORE
    for _ in range(_CLIPS):
        core = np.abs(deviation) < 3 * width
        width = float(np.clip(1.4826 * np.median(np.abs(deviation[core])), _NARROWEST, _WIDEST))
    return width


def _spike(values):
    """
    Find the densest place of ln r50 that thins out towards larger values.

    Galaxies outnumber stars but spread in size; so the sample within a core is counted
    against that in as wide a range above it.
    """
    values = np.sort(values)
    candidates = values[values < np.log(_LARGEST)]

    def below(limit):
        return np.searchsorted(values, limit)

    inside = below(candidates + _CORE) - below(candidates - _CORE)
    above = below(candidates + 3 * _CORE) - below(candidates + _CORE)
    best = candidates[np.argmax(inside - above)]
    return float(np.median(values[np.abs(values - best) <= _CORE]))


def point_source_r50(fwhm):
    """
    Return the half-light radius of a point source.

    Parameters
    ----------
    fwhm : float
        Width of a Gaussian PSF [pixel].

    Returns
    -------
    r50 : float
        sqrt(2 ln 2 (sigma^2 + 1/12)), the pixel counted as its variance [pixel].
    """
    variance = (fwhm / FWHM_PER_SIGMA) ** 2 + 1 / 12
    return float(np.sqrt(2 * np.log(2) * variance))
