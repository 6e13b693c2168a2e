"""Star locus in the size-magnitude diagram."""

from dataclasses import dataclass

import numpy as np

from galrestore.sources.measurement import FWHM_PER_SIGMA

__all__ = ["RADIUS_NOISE", "StarLimits", "StarLocus", "fit_star_locus", "point_source_r50"]

# Half-light radii of real PSFs exceed those of Gaussians of their FWHM by up to a half.
_SMALLEST, _LARGEST = 0.7, 1.7
_FEWEST = 10
# Width of the locus in ln r50: the default of mosaics without enough stars, and limits.  Where
# a star lies within its pixel moves its radius by up to 0.08 if it is undersampled.
_DEFAULT_WIDTH, _NARROWEST, _WIDEST = 0.05, 0.03, 0.10
_CORE, _CLIPS = 0.1, 5
# Stars must stand out this much in density against slightly larger sources.
_CONTRAST = 3.0
# They do so best where they are bright: such multiples of the confusion limit are tried.
_BRIGHTER = (25.0, 10.0, 5.0, 2.5, 1.0)
RADIUS_NOISE = 0.7  # error of ln r50 times S/N, as on the simulated sky (0.5 to 0.7)


@dataclass(frozen=True)
class StarLimits:
    """
    Range of brightness in which stars can be told from galaxies by their size.

    Attributes
    ----------
    least_snr : float
        Confusion: the radii of sources of lower S/N scatter too much.
    least_flux, largest_flux : float
        Confusion and saturation, FLUX_AUTO [unit of the mosaic].
    """

    least_snr: float = 20.0
    least_flux: float = 0.0
    largest_flux: float = np.inf

    @classmethod
    def of_magnitudes(cls, brightest, faintest):
        """
        Return the limits that a range of instrumental magnitudes sets.

        Parameters
        ----------
        brightest, faintest : float
            Saturation and confusion, -2.5 log10 FLUX_AUTO [mag].

        Returns
        -------
        limits : StarLimits
            Without a limit in S/N.
        """
        return cls(0.0, 10 ** (-0.4 * faintest), 10 ** (-0.4 * brightest))

    def contain(self, flux, snr):
        """
        Tell which sources lie within the limits.

        Parameters
        ----------
        flux, snr : ndarray of float, shape (N,)
            FLUX_AUTO and signal-to-noise ratio.

        Returns
        -------
        inside : ndarray of bool, shape (N,)
            False where a value is NaN.
        """
        with np.errstate(invalid="ignore"):
            inside = (snr >= self.least_snr) & (flux > 0)
            return inside & (flux >= self.least_flux) & (flux <= self.largest_flux)


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
    limits : StarLimits
        Range of brightness within which sources are called stars.
    stars : int
        Sources behind the fit; 0 if the PSF's width was taken instead.
    faintest, brightest : float
        Fluxes of the stars used; NaN without.
    """

    r50: float
    width: float
    limits: StarLimits
    stars: int
    faintest: float
    brightest: float

    def contains(self, flux, r50, snr, sigma):
        """
        Tell which sources lie on the locus.

        Parameters
        ----------
        flux, r50, snr : ndarray of float, shape (N,)
            FLUX_AUTO, half-light radius [pixel] and signal-to-noise ratio.
        sigma : float
            Half width of the locus in standard deviations, noise of r50 included.

        Returns
        -------
        star : ndarray of bool, shape (N,)
            True on the locus; False where a value is NaN.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.abs(np.log(r50 / self.r50))
            # Noise adds to the scatter of faint stars.
            width = np.hypot(self.width, RADIUS_NOISE / snr)
        return (distance < sigma * width) & self.limits.contain(flux, snr)


def fit_star_locus(flux, r50, snr, clean, psf_fwhm, limits=None):
    """
    Fit the star locus to the sources of a mosaic.

    Parameters
    ----------
    flux, r50, snr : ndarray of float, shape (N,)
        FLUX_AUTO, FLUX_RADIUS(0.5) [pixel] and S/N; NaN where not measured.
    clean : ndarray of bool, shape (N,)
        Sources without detection flags.
    psf_fwhm : float
        Width of the Gaussian PSF that is expected, without the pixel [pixel].
    limits : StarLimits, optional
        Where to look; by default S/N of 20 and more.

    Returns
    -------
    locus : StarLocus
        Mode and robust width of ln r50 of compact sources, from the brightest sample in
        which they stand out.  The half-light radius of
        a Gaussian PSF and a width of 0.05 where fewer than ten sources, or no
        concentration of them, make a locus; so small mosaics lose no galaxies.
    """
    expected, limits = point_source_r50(psf_fwhm), limits or StarLimits()
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.log(r50 / expected)
    sound = clean & (size > np.log(_SMALLEST))
    for factor in _BRIGHTER:
        brighter = StarLimits(
            factor * limits.least_snr, factor * limits.least_flux, limits.largest_flux
        )
        found = _concentration(size[sound & brighter.contain(flux, snr)])
        if found is not None:
            mode, width = found
            break
    else:
        return StarLocus(expected, _DEFAULT_WIDTH, limits, 0, np.nan, np.nan)
    members = sound & limits.contain(flux, snr) & (np.abs(size - mode) < 3 * width)
    return StarLocus(
        expected * float(np.exp(mode)),
        width,
        limits,
        int(members.sum()),
        float(flux[members].min()),
        float(flux[members].max()),
    )


def _concentration(size):
    """Mode and width of stars among bright sources, by their ln r50; None if unconvincing."""
    compact = size[size < np.log(_LARGEST)]
    if len(compact) < _FEWEST:
        return None
    mode = _spike(size)
    width = _robust_width(compact - mode)
    members = np.sum(np.abs(size - mode) < 3 * width)
    larger = np.sum((size > mode + 3 * width) & (size < mode + 9 * width))
    return (mode, width) if members >= max(_FEWEST, _CONTRAST * larger) else None


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
        Width of a Gaussian PSF, without the pixel [pixel].

    Returns
    -------
    r50 : float
        sqrt(2 ln 2 (sigma^2 + 1/12)), the pixel counted as its variance [pixel].
    """
    variance = (fwhm / FWHM_PER_SIGMA) ** 2 + 1 / 12
    return float(np.sqrt(2 * np.log(2) * variance))
