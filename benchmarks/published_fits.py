"""
Why fits of real galaxies differ from published ones: one experiment for each reason.

``python benchmarks/published_fits.py DATA`` prints the tables of docs/published_fits.md;
DATA holds the COSMOS galaxies of GalSim and their catalogues (``hst_cosmos_f814w``).
Differences are ours minus published, as median / robust scatter.
"""

import sys
import time
from pathlib import Path

import galsim
import numpy as np
import sep
from astropy.io import fits
from scipy.optimize import least_squares

from galrestore.measurement.published_fits import published_values
from galrestore.rng import stream
from galrestore.sersic.apparent import apparent_radius
from galrestore.sersic.fitting import fit_sersic, model_images
from galrestore.sersic.psf import Psf, fit_psf
from galrestore.synthesis.noise import cosmos_correlation

FWHM = 0.101 / 0.03  # of the PSF image, pixel
SCALE, ZEROPOINT, EXPOSURE = 0.03, 25.94, 2028.0  # arcsec, mag(AB) of 1 electron/s, s
BRIGHT = ("real_galaxy_images_23.5_n1", "real_galaxy_catalog_23.5")
FAINT = ("real_galaxy_images_extension", "real_galaxy_catalog_26_extension_example")
# Of the COSMOS catalogue (Leauthaud et al. 2007, table 1): faint sources, filter of 4 pixels.
THRESHOLD, AREA = 1.0, 18
REALISATIONS = 30
SKY_ERROR = 1e-4  # of the mosaic's sky around 0: 68 % of the catalogues' NOISE_MEAN, electron/s


def main(folder):
    """Print all tables."""
    begin = time.process_time()
    images = [
        fits.getdata(folder / name).astype(float) for name in ("psf.fits", "scene_147246_psf.fits")
    ]
    psf, other = (fit_psf(image, 4) for image in images)
    for name, found in (("psf.fits", psf), ("scene_147246_psf.fits", other)):
        print(f"{name}: {found}")
    encircled(images[0], psf)
    sersic_fits(load(folder, BRIGHT), psf, other)
    simulated(load(folder, BRIGHT), psf)
    for name, files in (("ten", BRIGHT), ("hundred", FAINT)):
        radii(name, load(folder, files), psf)
    print(f"{time.process_time() - begin:.0f} s of CPU")


def load(folder, files):
    """Cutouts, published values, and what the catalogue says of each."""
    with fits.open(folder / f"{files[0]}.fits") as hdus:
        cutouts = [np.ascontiguousarray(hdu.data, dtype=float) for hdu in hdus]
    catalogue = fits.getdata(folder / f"{files[1]}.fits")
    table = fits.getdata(folder / f"{files[1]}_fits.fits")
    sersic = table["sersicfit"].astype(float) if "sersicfit" in table.names else None
    published = published_values(len(cutouts), sersic, table["flux_radius"].astype(float))
    given = {"mag": catalogue["MAG"], "sky": catalogue["NOISE_MEAN"]}
    given["rms"] = np.sqrt(catalogue["NOISE_VARIANCE"])
    given = {name: values.astype(float) for name, values in given.items()}
    centre = {"sersic": sersic}
    return cutouts, {name[10:]: v for name, v in published.items()} | given | centre


def encircled(image, psf):
    """Light of the PSF in circles: its image, the Gaussians fitted to it, and its FWHM alone."""
    rows, columns = np.indices(image.shape)
    row, column = np.unravel_index(image.argmax(), image.shape)
    distance = np.hypot(rows - row, columns - column)
    print("\nradius [pixel]   image  4 Gaussians  Gaussian of the FWHM")
    for radius in (1, 2, 3, 5, 10, 20, 40):
        shares = [image[distance <= radius].sum() / image.sum()]
        for which in (psf, Psf(sigmas=(FWHM / 2.3548,))):
            variance = np.square(which.sigmas) + 1 / 12
            shares.append(np.dot(which.fractions, 1 - np.exp(-(radius**2) / (2 * variance))))
        print(f"{radius:10d} {shares[0]:11.3f} {shares[1]:12.3f} {shares[2]:12.3f}")


def sersic_fits(galaxies, psf, other):
    """Fit the ten galaxies in several ways."""
    cutouts, known = galaxies
    print("\nten galaxies                    ", *HEADINGS, sep="")
    first = [free(cutout, psf) for cutout in cutouts]
    noise = [
        np.sqrt(fit["rms"] ** 2 + np.maximum(draw(fit, cutout.shape, psf), 0) / EXPOSURE)
        for fit, cutout in zip(first, cutouts, strict=True)
    ]
    wide = 5.2  # Gaussian with the half-light radius of the PSF image
    for name, fitted in {
        "Gaussian of the PSF's FWHM": [free(c, FWHM) for c in cutouts],
        "no PSF": [free(c, 0.0) for c in cutouts],
        "Gaussian of the PSF's R50": [free(c, wide) for c in cutouts],
        "PSF image": first,
        "another PSF image": [free(c, other) for c in cutouts],
        "PSF image, photon noise": [free(c, psf, n) for c, n in zip(cutouts, noise, strict=True)],
        "Gaussian, sky known": fixed(cutouts, known["sky"], FWHM, first, [1.0] * len(cutouts)),
        "PSF image, sky a prior": [free(c, psf, sky=(0.0, SKY_ERROR)) for c in cutouts],
        "PSF image, sky known": fixed(cutouts, known["sky"], psf, first, [1.0] * len(cutouts)),
        "PSF image, sky 0": fixed(cutouts, 0 * known["sky"], psf, first, [1.0] * len(cutouts)),
        "PSF image, sky, photon noise": fixed(cutouts, known["sky"], psf, first, noise),
    }.items():
        report(name, fitted, known)
    per_galaxy(first, known)


HEADINGS = [f"{name:>15}" for name in ("ln R50", "ln n", "q", "ln I50", "ln flux", "angle")]


def report(name, fitted, known):
    """Print one line of medians and scatters."""
    ours = {
        key: np.array([fit[key] for fit in fitted]) for key in ("r50", "n", "q", "i50", "theta")
    }
    ours["flux"] = np.array([fit["model_flux"] for fit in fitted])
    change = [np.log(ours["r50"] / known["r50"]), np.log(ours["n"] / known["n"])]
    change += [ours["q"] - known["q"], np.log(ours["i50"] / known["i50"])]
    change.append(np.log(ours["flux"] / known["flux"]))
    change.append((ours["theta"] - known["theta"] + np.pi / 2) % np.pi - np.pi / 2)
    print(f"{name:32s}", *(f"{m:+8.3f}/{s:.3f} " for m, s in map(median, change)), sep="")


def per_galaxy(fitted, known):
    """Differences of each galaxy, with standard errors and chi-square."""
    print("\ngalaxy  ln R50   error    ln n   error   background   chi2   published x, y - ours")
    for k, fit in enumerate(fitted):
        size, shape = np.log(fit["r50"] / known["r50"][k]), np.log(fit["n"] / known["n"][k])
        shift = known["sersic"][k, 5:7] - [fit["x"], fit["y"]]
        print(
            f"{k:6d} {size:+7.3f} {fit['r50_error'] / fit['r50']:7.3f} {shape:+7.3f} "
            f"{fit['n_error'] / fit['n']:7.3f} {fit['background']:+12.5f} {fit['chi2']:6.2f} "
            f"{shift[0]:10.2f} {shift[1]:8.2f}"
        )


def median(values):
    """Median and robust scatter of what is finite."""
    values = values[np.isfinite(values)]
    centre = np.median(values)
    return centre, 1.4826 * np.median(np.abs(values - centre))


def free(cutout, psf, noise=None, sky=None):
    """Fit as the pipeline does, to the whole cutout; the sky is free unless given."""
    noise = None if noise is None else noise[None]
    fit = fit_sersic(cutout[None], psf, rms=noise, sky=sky, centre_bound=8.0)
    return {name: values[0] for name, values in fit.items()}


NAMES = ("x", "y", "r50", "n", "eta1", "eta2")


def fixed(cutouts, skies, psf, starts, noises, masks=None):
    """Fit with the background given; flux is linear, the rest by SciPy's least squares."""
    found = []
    for k, (cutout, sky, noise) in enumerate(zip(cutouts, skies, noises, strict=True)):
        weight = np.ones(cutout.shape) / noise
        if masks is not None:
            weight[masks[k]] = 0.0
        found.append(_fixed(cutout - sky, psf, starts[k], weight))
    return found


def _fixed(image, psf, start, weight):
    target = (weight * image).ravel()

    def model(v):
        eta = np.hypot(v[4], v[5])
        shape = {"x": v[0], "y": v[1], "r50": np.exp(v[2]), "n": np.exp(v[3])}
        shape |= {"q": np.exp(-eta), "theta": 0.5 * np.arctan2(v[5], v[4]) % np.pi}
        drawn = (weight * draw(shape | {"model_flux": 1.0}, image.shape, psf)).ravel()
        flux = (drawn @ target) / (drawn @ drawn)
        return shape | {"model_flux": flux}, flux * drawn - target

    eta = -np.log(max(start["q"], 0.1))
    angle = 2 * start["theta"]
    side = max(image.shape)
    guess = [start["x"], start["y"], np.log(np.clip(start["r50"], 1, side / 3))]
    guess += [np.log(np.clip(start["n"], 0.5, 2.5)), eta * np.cos(angle), eta * np.sin(angle)]
    low = [guess[0] - 4, guess[1] - 4, np.log(0.3), np.log(0.3), -3, -3]
    high = [guess[0] + 4, guess[1] + 4, np.log(side), np.log(8), 3, 3]
    # The model is single precision: differences over less than 1e-3 would be noise.
    answer = least_squares(
        lambda v: model(v)[1], guess, bounds=(low, high), x_scale=[1, 1, 0.2, 0.2, 0.2, 0.2],
        diff_step=2e-3, xtol=1e-5, ftol=1e-7,
    )  # fmt: skip
    shape = model(answer.x)[0]
    edge = (answer.x < np.array(low) + 1e-3) | (answer.x > np.array(high) - 1e-3)
    i50 = shape["model_flux"] / unit_flux(shape["r50"], shape["n"])
    return shape | {"i50": i50, "failure": "bound" if edge.any() else ""}


def unit_flux(r50, n):
    """Flux of a profile of unit brightness at its half-light radius."""
    sersic = np.array([[1.0, r50, n, 1.0, 0, 0, 0, 0]])
    return published_values(1, sersic)["published_flux"][0]


def draw(shape, size, psf):
    """Image of one profile."""
    return model_images({name: np.array([v]) for name, v in shape.items()}, size, psf)[0].astype(
        float
    )


def simulated(galaxies, psf):
    """Draw the published profiles with the PSF image and COSMOS noise, and fit them again."""
    cutouts, known = galaxies
    print("\ntruth = published profile, PSF image, correlated COSMOS noise; fitted with")
    print("galaxy     Gaussian: ln R50   ln n   |  PSF image: ln R50  scatter  quoted    ln n")
    for k, cutout in enumerate(cutouts):
        height, width = cutout.shape
        shape = {name: known[name][k] for name in ("r50", "n", "q", "theta")}
        shape |= {"x": width // 2 + 0.3, "y": height // 2 - 0.2, "model_flux": known["flux"][k]}
        images = draw(shape, cutout.shape, psf) + cosmos_noise(k, cutout.shape, known["rms"][k])
        line = f"{k:6d} "
        for which in (FWHM, psf):
            fit = fit_sersic(images, which, noise_correlation=cosmos_correlation(SCALE, 8))
            sizes, indices = np.log(fit["r50"] / shape["r50"]), np.log(fit["n"] / shape["n"])
            if which is psf:
                quoted = np.median(fit["r50_error"] / fit["r50"])
                line += f"  |{np.median(sizes):+18.3f} {sizes.std():8.3f} {quoted:7.3f}"
            else:
                line += f"{np.median(sizes):+18.3f}"
            line += f" {np.median(indices):+8.3f}"
        print(line)


def cosmos_noise(k, size, rms):
    """Noise correlated like that of the COSMOS mosaics, an array (REALISATIONS, H, W)."""
    seed = int(stream(1, "published_fits", k).integers(1, 2**31))
    noise = galsim.getCOSMOSNoise(rng=galsim.BaseDeviate(seed), cosmos_scale=SCALE, variance=rms**2)
    planes = []
    for _ in range(REALISATIONS):
        image = galsim.ImageD(size[1], size[0], scale=SCALE)
        image.addNoise(noise)
        planes.append(image.array.copy())
    return np.stack(planes)


def radii(name, galaxies, psf):
    """Half-light radii in circles against the catalogue's."""
    cutouts, known = galaxies
    bright = known["mag"] < 24.5
    print(f"\n{name} galaxies: ln (circle's half-light radius / published)", end="")
    print(" all | brighter than 24.5; and magnitude - published")
    zero = 0 * known["sky"]
    theirs = {"threshold": THRESHOLD, "area": AREA, "kernel": gaussian_filter(4.0)}
    for label, sky, options in (
        ("select's detection, sky 0", zero, {}),
        ("select's detection, sky known", known["sky"], {}),
        ("the catalogue's detection", known["sky"], theirs),
    ):  # fmt: skip
        found = [
            sextractor(c - s, r, **options)
            for c, s, r in zip(cutouts, sky, known["rms"], strict=True)
        ]
        size, mag, _ = map(np.array, zip(*found, strict=True))
        line(label, size, mag, known, bright)
    half = [
        growth(c - s, found_[2], 10 ** (-0.4 * (m - ZEROPOINT)))
        for c, s, m, found_ in zip(cutouts, known["sky"], known["mag"], found, strict=True)
    ]
    line("circle of half the published flux", np.array(half), known["mag"], known, bright)
    masks = [
        f[3]
        for f in (sextractor(c, r, full=True) for c, r in zip(cutouts, known["rms"], strict=True))
    ]
    starts = [free(np.where(m, np.nan, c), psf) for c, m in zip(cutouts, masks, strict=True)]
    show_fits("PSF image, free sky", starts, known, bright, psf)
    prior = [
        free(np.where(m, np.nan, c), psf, sky=(0.0, SKY_ERROR))
        for c, m in zip(cutouts, masks, strict=True)
    ]
    show_fits("PSF image, sky a prior", prior, known, bright, psf)
    fitted = fixed(cutouts, known["sky"], psf, starts, [1.0] * len(cutouts), masks)
    show_fits("PSF image, sky known", fitted, known, bright, psf)


def show_fits(label, fitted, known, bright, psf):
    """Print the line of fits seen through the PSF; failed ones are counted."""
    good = np.array([fit["failure"] == "" for fit in fitted])
    column = {
        key: np.array([fit[key] for fit in fitted]) for key in ("r50", "n", "q", "model_flux")
    }
    seen = apparent_radius(column["r50"], column["n"], column["q"], psf)
    with np.errstate(invalid="ignore"):
        mag = ZEROPOINT - 2.5 * np.log10(column["model_flux"])
    line(f"{label} ({(~good).sum()} failed)", np.where(good, seen, np.nan), mag, known, bright)
    share = 0.5 * 10 ** (-0.4 * (known["mag"] - mag))
    share = np.where(good & (share < 0.95), share, np.nan)
    half = apparent_radius(column["r50"], column["n"], column["q"], psf, share)
    line("  its circle of half the published flux", half, mag, known, bright)


def line(label, size, mag, known, bright):
    """Print medians and scatters of radii and magnitudes."""
    change, fainter = (
        np.log(size / known["flux_radius"]),
        np.where(size > 0, mag - known["mag"], np.nan),
    )
    print(f"{label:40s}", end="")
    for some in (slice(None), bright):
        print("{:+8.3f}/{:.3f}".format(*median(change[some])), end="")
        print(" {:+7.3f}/{:.3f}".format(*median(fainter[some])), end=" |")
    print()


def gaussian_filter(fwhm):
    """Return a detection filter of 9 x 9 pixels."""
    offset = np.arange(-4, 5)
    line_ = np.exp(-(offset**2) / (2 * (fwhm / 2.3548) ** 2))
    return (np.outer(line_, line_) / line_.sum() ** 2).astype(np.float32)


def sextractor(image, rms, threshold=1.5, area=5, kernel=None, full=False):
    """FLUX_RADIUS(0.5), MAG_AUTO and centre of the source nearest to the centre."""
    data = np.ascontiguousarray(image, dtype=np.float32)
    filters = {} if kernel is None else {"filter_kernel": kernel}
    objects, segments = sep.extract(
        data, threshold, err=rms, minarea=area, segmentation_map=True, filter_type="conv", **filters
    )
    if len(objects) == 0:
        nowhere = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
        return (np.nan, np.nan, nowhere, np.zeros(image.shape, bool))[: 4 if full else 3]
    distance = np.hypot(
        objects["x"] - (image.shape[1] - 1) / 2, objects["y"] - (image.shape[0] - 1) / 2
    )
    k = int(np.argmin(distance))
    x, y, a, b = ([objects[key][k]] for key in ("x", "y", "a", "b"))
    theta = np.clip(objects["theta"][k : k + 1], -np.pi / 2, np.pi / 2)
    others = (segments != 0) & (segments != k + 1)
    kron, _ = sep.kron_radius(data, x, y, a, b, theta, 6.0, mask=others)
    reach = max(2.5 * kron[0], 3.5)
    flux, _, _ = sep.sum_ellipse(data, x, y, a, b, theta, reach, mask=others, subpix=5)
    radius, _ = sep.flux_radius(data, x, y, [6 * a[0]], 0.5, normflux=flux, mask=others, subpix=5)
    mag = ZEROPOINT - 2.5 * np.log10(max(flux[0], 1e-9))
    return (radius[0], mag, (x[0], y[0]), others)[: 4 if full else 3]


def growth(image, centre, flux):
    """Radius of the circle around a centre that holds half of a flux."""
    radius = np.arange(0.5, 0.75 * max(image.shape), 0.2)
    inside = np.array(
        [sep.sum_circle(image, *([c] for c in centre), r, subpix=11)[0][0] for r in radius]
    )
    beyond = np.flatnonzero(inside >= flux / 2)
    if len(beyond) == 0 or beyond[0] == 0:
        return np.nan
    k = beyond[0]
    return np.interp(flux / 2, inside[k - 1 : k + 1], radius[k - 1 : k + 1])


if __name__ == "__main__":
    main(Path(sys.argv[1]) / "hst_cosmos_f814w")
