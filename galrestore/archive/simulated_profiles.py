"""
Light of one simulated object through one telescope: PSF, profile and stamp.

The PSF is the diffraction pattern of an obscured aperture, blurred by a Gaussian up to
the width asked for.  An object's stamp depends on the object and the mosaic only,
never on the window in which it is used.
"""

from dataclasses import dataclass, replace

import galsim
import numpy as np
from scipy.optimize import brentq
from scipy.special import gamma, gammaincinv, j0

__all__ = ["Optics", "half_widths", "peaks", "stamp"]

# Diameter [m] and linear obscuration of each aperture.
_APERTURES = {"hst": (2.4, 0.33), "jwst": (6.5, 0.17)}
# Looser than GalSim's defaults, which serve weak lensing; the tests bound the error.
_ACCURACY = galsim.GSParams(
    folding_threshold=1.5e-2, kvalue_accuracy=1e-4, maxk_threshold=3e-3, maximum_fft_size=8192
)
_FAINTEST_LIGHT = 0.05  # surface brightness at the edge of a stamp, in units of the noise
# Total flux over peak brightness, in units of q r50^2: 2.2 for an exponential disc, with
# a margin for steeper ones; bulges have a cusp.
_PEAK_AREAS = {"disc": 1.5, "bulge": 0.3}
_HALF_WIDTHS = (6, 400)  # least and largest half width of a stamp [pixel]


@dataclass(frozen=True)
class Optics:
    """
    PSF of a mosaic.

    Attributes
    ----------
    telescope : {"hst", "jwst"}
        Whose aperture.
    wavelength : float
        Wavelength [micron].
    pixel_scale : float
        Side of a pixel [arcsec].
    sigma : float
        Width of the Gaussian [arcsec].
    """

    telescope: str
    wavelength: float
    pixel_scale: float
    sigma: float

    @classmethod
    def of_width(cls, telescope, wavelength, pixel_scale, fwhm):
        """
        Return the optics whose stars have a given width in the mosaic, pixels included.

        Parameters
        ----------
        telescope : {"hst", "jwst"}
            Whose aperture.
        wavelength : float
            Wavelength [micron].
        pixel_scale : float
            Side of a pixel [arcsec].
        fwhm : float
            Full width at half maximum of diffraction, Gaussian and pixel [arcsec].

        Returns
        -------
        optics : Optics
            With the Gaussian that fills up to ``fwhm``.

        Raises
        ------
        ValueError
            If diffraction and pixel alone are wider.
        """

        def excess(sigma):
            return cls(telescope, wavelength, pixel_scale, sigma).fwhm() - fwhm

        if excess(0.0) > 0:
            narrowest = excess(0.0) + fwhm
            msg = f"diffraction and pixel alone are {narrowest:.4f} arcsec wide"
            raise ValueError(msg)
        return cls(telescope, wavelength, pixel_scale, brentq(excess, 0.0, fwhm))

    @property
    def diffraction(self):
        """Angle lambda / D [arcsec]."""
        return np.degrees(self.wavelength * 1e-6 / _APERTURES[self.telescope][0]) * 3600

    @property
    def obscuration(self):
        """Diameter of the central obscuration over the aperture's."""
        return _APERTURES[self.telescope][1]

    def psf(self):
        """Return diffraction and Gaussian, without the pixel, a `galsim.GSObject`."""
        airy = galsim.Airy(
            lam_over_diam=self.diffraction, obscuration=self.obscuration, gsparams=_ACCURACY
        )
        if self.sigma == 0:
            return airy
        return galsim.Convolve(airy, galsim.Gaussian(sigma=self.sigma, gsparams=_ACCURACY))

    def fwhm(self):
        """Return the width of the azimuthal mean of PSF and pixel [arcsec]."""
        k, weight = self._transfer()

        def below_half(r):
            return weight @ j0(k * r) - 0.5 * weight.sum()

        # The first zero of the Airy pattern lies within 1.3 lambda/D.
        widest = 1.3 * self.diffraction + 3 * self.sigma + self.pixel_scale
        return 2 * brentq(below_half, 0.0, widest)

    def _transfer(self):
        """Spatial frequencies [rad/arcsec] and k MTF(k), pixel averaged over angles."""
        airy = galsim.Airy(lam_over_diam=self.diffraction, obscuration=self.obscuration)
        k = (np.arange(1024) + 0.5) / 1024 * 2 * np.pi / self.diffraction  # 0 beyond
        optics = np.array([airy.kValue(value, 0.0).real for value in k])
        angle = (np.arange(32) + 0.5) / 32 * np.pi / 2
        half = self.pixel_scale / (2 * np.pi) * k[:, None]
        pixel = np.mean(np.sinc(half * np.cos(angle)) * np.sinc(half * np.sin(angle)), axis=1)
        return k, k * optics * pixel * np.exp(-0.5 * (k * self.sigma) ** 2)


def half_widths(table, fluxes, optics, rms):
    """
    Return how far each object's light must be drawn.

    Parameters
    ----------
    table : pandas.DataFrame
        Objects, see `simulated_population.objects`.
    fluxes : tuple of ndarray of float, shape (N,)
        Flux of the whole object, bulge (or star), disc and knots.
    optics : Optics
        PSF.
    rms : float
        Noise of a pixel, in the unit of the fluxes.

    Returns
    -------
    half : ndarray of int64, shape (N,)
        Half widths of square stamps [pixel], out to 5 per cent of the noise.

    Notes
    -----
    The wing of an obscured Airy pattern falls as
    F (lambda/D) / (pi^3 theta^3 (1 - obscuration)) in the mean over its rings.
    """
    total, bulge, disc, knot = fluxes
    faintest = _FAINTEST_LIGHT * rms / optics.pixel_scale**2
    wing = optics.diffraction / (np.pi**3 * (1 - optics.obscuration) * faintest)
    radius = np.cbrt(total * wing)
    for flux, name in ((bulge, "bulge"), (disc + knot, "disc")):
        extent = _isophote(
            flux, *(table[f"{name}_{key}"].to_numpy() for key in ("r50", "n", "q")), faintest
        )
        radius = np.maximum(radius, extent + 2 * optics.diffraction)
    reach = np.where(table.n_knots > 0, 2.4 * table.disc_r50, 0) + 0.2
    radius = np.maximum(radius, reach)
    return np.clip(np.ceil(radius / optics.pixel_scale), *_HALF_WIDTHS).astype(np.int64)


def peaks(table, fluxes, optics):
    """
    Estimate the brightest pixel of each object, not below the truth.

    Parameters
    ----------
    table, fluxes, optics
        As in `half_widths`.

    Returns
    -------
    peak : ndarray of float, shape (N,)
        Upper bound in the unit of the fluxes.
    """
    total, bulge, disc, knot = fluxes
    point = optics.pixel_scale**2 / (optics.pixel_scale**2 + optics.diffraction**2)
    smooth = 0
    for flux, name in ((bulge, "bulge"), (disc, "disc")):
        area = table[f"{name}_q"] * table[f"{name}_r50"] ** 2 / optics.pixel_scale**2
        smooth = smooth + flux / (1 / point + _PEAK_AREAS[name] * area.to_numpy())
    return np.minimum(smooth + knot * point, total * point)


def stamp(galaxy, fluxes, knots, optics, x, y, half, jacobian=None):
    """
    Draw one object.

    Parameters
    ----------
    galaxy : mapping
        Row of the table of objects.
    fluxes : tuple of float
        Flux of the whole object, bulge (or star), disc and knots.
    knots : tuple of ndarray or None
        As returned by `simulated_population.knots`; None for none.
    optics : Optics
        PSF.
    x, y : float
        Position in the mosaic [pixel], 0-based.
    half : int
        Half width of the stamp [pixel].
    jacobian : ndarray of float, shape (2, 2), optional
        How west (first row) and north change with column (first column) and row
        [arcsec/pixel]; by default pixels are squares along both.

    Returns
    -------
    x0, y0 : int
        Column and row of the stamp's first pixel in the mosaic.
    pixels : ndarray of float32, shape (2 half + 1, 2 half + 1)
        Its light.
    """
    column, row = round(x), round(y)
    parts = _parts(galaxy, fluxes, knots)
    image = galsim.ImageF(2 * half + 1, 2 * half + 1, scale=optics.pixel_scale)
    if jacobian is not None:
        image.wcs = galsim.JacobianWCS(*np.ravel(jacobian))
    # GalSim's obscured Airy is NaN at single frequencies, and finite beside them.
    for optics_used in (optics, replace(optics, wavelength=optics.wavelength * (1 + 1e-6))):
        psf = optics_used.psf()
        profile = galsim.Convolve(galsim.Sum(parts), psf) if parts else psf.withFlux(fluxes[0])
        # An odd image has its true centre at a pixel's centre.
        profile.drawImage(image, offset=(x - column, y - row))
        if np.isfinite(image.array).all():
            break
    return column - half, row - half, image.array


def _parts(galaxy, fluxes, knots):
    """GalSim profiles of an extended object; none for a star."""
    if galaxy["kind"] == "star":
        return []
    _, bulge, disc, knot = fluxes
    beta = galaxy["theta"] * galsim.radians
    parts = []
    for flux, name in ((bulge, "bulge"), (disc, "disc")):
        if flux > 0:
            r50, n, q = (galaxy[f"{name}_{key}"] for key in ("r50", "n", "q"))
            profile = _sersic(n, r50 * np.sqrt(q), flux)
            parts.append(profile.shear(q=q, beta=beta))
    if knots is not None:
        parts += [
            galsim.Gaussian(flux=knot * share, sigma=sigma, gsparams=_ACCURACY).shift(dx, dy)
            for dx, dy, share, sigma in zip(*knots, strict=True)
        ]
    return parts


def _sersic(n, r50, flux):
    if n == 1:  # closed form, much faster than the table
        return galsim.Exponential(half_light_radius=r50, flux=flux, gsparams=_ACCURACY)
    return galsim.Sersic(n, half_light_radius=r50, flux=flux, gsparams=_ACCURACY)


def _isophote(flux, r50, n, q, brightness):
    """Semi-major axis at a surface brightness, 0 where all light is fainter [arcsec]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        b = gammaincinv(2 * n, 0.5)
        at_r50 = flux / (2 * np.pi * n * r50**2 * q * np.exp(b) * b ** (-2 * n) * gamma(2 * n))
        reach = 1 + np.log(at_r50 / brightness) / b
    visible = (flux > 0) & (r50 > 0) & (reach > 0)
    return np.where(visible, r50 * np.where(visible, reach, 0) ** n, 0.0)
