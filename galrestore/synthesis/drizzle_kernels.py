"""
The same exposures drizzled with several kernels (Park et al. 2024, section 6.3).

Exposures are undistorted and dithered by fractions of a pixel; whole pixels would change
nothing.  The mosaic has the detector's pixels.  Drizzling with the square kernel shares each
pixel between up to four of the mosaic, and so correlates their noise; lanczos3 interpolates,
with little of that.
"""

import warnings

import numpy as np
from drizzle.resample import Drizzle
from scipy import fft

from galrestore.rng import stream
from galrestore.synthesis.degradation import add_noise, blur

__all__ = [
    "KERNELS",
    "MARGIN",
    "SQUARE_LAG",
    "SQUARE_RMS",
    "draw_dithers",
    "drizzle_galaxy",
    "drizzle_sample",
    "drizzled",
    "noise_lags",
    "observe",
]

# No drizzling: the mean of exposures without dithers, whose noise is white.
KERNELS = ("white", "square", "lanczos3")
# Sky beyond the stamp, so that kernels find light at its rim [pixel].
MARGIN = 4
# Of the square kernel with drops as large as pixels, many random dithers: rms of single
# pixels over that of white noise, and correlation of neighbours along an axis.  A dither d
# shares a pixel in parts 1 - d and d: the mean of (1 - d)^2 + d^2 is 2/3 along each axis, as
# in the appendix of Casertano et al. (2000, AJ 120, 2747), the mean of d (1 - d) is 1/6.
SQUARE_RMS = 2 / 3
SQUARE_LAG = 1 / 4


def draw_dithers(ident, exposures, seed):
    """
    Draw the dithers of a galaxy's exposures.

    Parameters
    ----------
    ident : int
        Galaxy; it keys the draw.
    exposures : int
        Number of exposures.
    seed : int
        Seed of the run.

    Returns
    -------
    dithers : ndarray of float64, shape (exposures, 2)
        Row and column of each exposure's first pixel in the mosaic [pixel], uniform in
        +-0.5.
    """
    return stream(seed, "limits.dithers", ident).uniform(-0.5, 0.5, (exposures, 2))


def observe(scene, dithers, sigma, generator):
    """
    Expose a scene.

    Parameters
    ----------
    scene : ndarray of float64, shape (H, W)
        The sky, blurred by PSF and pixel.
    dithers : ndarray, shape (M, 2)
        From `draw_dithers`.
    sigma : float
        Noise of a pixel of one exposure [unit of the scene].
    generator : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    light, noise : ndarray of float64, shape (M, H, W)
        The scene at the exposures' pixels, shifted in Fourier space, and their white noise.
    """
    rows, columns = (fft.fftfreq(scene.shape[0])[:, None], fft.rfftfreq(scene.shape[1])[None])
    phase = dithers[:, :1, None] * rows + dithers[:, 1:, None] * columns
    moved = fft.rfft2(scene) * np.exp(2j * np.pi * phase)
    light = fft.irfft2(moved, scene.shape, axes=(1, 2))
    return light, sigma * generator.standard_normal(light.shape)


def drizzled(exposures, dithers, kernel):
    """
    Combine exposures.

    Parameters
    ----------
    exposures : ndarray, shape (M, H, W)
        Images; all count alike.
    dithers : ndarray, shape (M, 2)
        Where their first pixels lie in the mosaic: row, column [pixel].
    kernel : {"white", "square", "lanczos3"}
        ``"white"`` takes the mean and knows of no dithers.

    Returns
    -------
    mosaic : ndarray of float64, shape (H, W)
        Mean, with drops as large as the pixels.

    References
    ----------
    Fruchter & Hook (2002), PASP 114, 144.
    """
    if kernel == "white":
        return exposures.mean(axis=0)
    shape = exposures.shape[1:]
    mosaic = Drizzle(kernel=kernel, fillval=0.0, out_shape=shape, disable_ctx=True)
    rows, columns = np.indices(shape, dtype=float)
    with warnings.catch_warnings():
        # Of a lanczos3 that does not keep the flux of single drops; means are kept.
        warnings.filterwarnings("ignore", "Kernel 'lanczos3'", Warning)
        for image, (up, right) in zip(exposures, dithers, strict=True):
            pixmap = np.stack([columns + right, rows + up], axis=-1)
            mosaic.add_image(image.astype(np.float32), exptime=1.0, pixmap=pixmap, pixfrac=1.0)
    return np.asarray(mosaic.out_img, dtype=float)


def noise_lags(noise, lags=3):
    """
    Measure rms and correlation of noise along rows and columns.

    Parameters
    ----------
    noise : ndarray, shape (H, W)
        Noise of mean zero.
    lags : int, optional
        Largest lag [pixel].

    Returns
    -------
    rms : float
        Of single pixels.
    correlation : ndarray of float64, shape (lags,)
        At lags of 1, 2, ... pixels, mean of both axes, in units of the variance.
    """
    variance = np.mean(noise**2)
    pairs = [
        (np.mean(noise[k:] * noise[:-k]) + np.mean(noise[:, k:] * noise[:, :-k])) / 2
        for k in range(1, lags + 1)
    ]
    return float(np.sqrt(variance)), np.array(pairs) / variance


def drizzle_galaxy(truth, ident, level, psf, exposures, seed):
    """
    Observe one galaxy and combine its exposures with each kernel.

    Parameters
    ----------
    truth : ndarray, shape (H, W)
        GT.
    ident : int
        Galaxy; it keys dithers and noise.
    level : float
        Noise of the mean of all exposures, without dithers, in its min-max normalised image.
    psf : ndarray of float64, shape (size,) or (size, size)
        The blur, see `galrestore.synthesis.degradation.blur`.
    exposures : int
        Number of exposures.
    seed : int
        Seed of the run.

    Returns
    -------
    images, noise : dict of str to ndarray of float64, shape (H, W)
        By kernel: the mosaic, and the noise in it.
    """
    generator = stream(seed, "limits.exposures", ident)
    padded = np.pad(np.asarray(truth, dtype=float), MARGIN, mode="symmetric")
    scene = blur(padded[None], psf)[0]
    dithers = draw_dithers(ident, exposures, seed)
    light, unit = observe(scene, dithers, 1.0, generator)
    inner = slice(MARGIN, -MARGIN)
    # Noise of the mean, of unit variance, as it falls on the stamp.
    mean = unit.mean(axis=0)[inner, inner] * np.sqrt(exposures)
    _, sigma, _ = add_noise(scene[None, inner, inner], mean[None], np.array([level]))
    noise = unit * sigma[0] * np.sqrt(exposures)
    undithered = np.broadcast_to(scene, light.shape)
    images, rests = {}, {}
    for kernel in KERNELS:
        shown = undithered if kernel == "white" else light
        rests[kernel] = drizzled(noise, dithers, kernel)[inner, inner]
        images[kernel] = drizzled(shown, dithers, kernel)[inner, inner] + rests[kernel]
    return images, rests


def drizzle_sample(truth, ids, level, psf, exposures, seed):
    """
    Observe galaxies and combine their exposures with each kernel.

    Parameters
    ----------
    truth : ndarray, shape (N, H, W)
        GT.
    ids : ndarray of int64, shape (N,)
        Galaxies; they key dithers and noise.
    level, psf, exposures, seed
        As in `drizzle_galaxy`.

    Returns
    -------
    images : ndarray of float64, shape (3 N, H, W)
        Mosaics, kernel after kernel in the order of `KERNELS`.
    columns : dict of str to ndarray, shape (3 N,)
        ``kernel``; ``noise_sigma`` of single pixels, ``white_sigma`` that of the white mean
        [unit of GT]; ``lag_1``, ``lag_2``, ``lag_3`` correlations; ``noise_lag1``, the first
        of them.
    """
    mosaics: dict[str, list[np.ndarray]] = {kernel: [] for kernel in KERNELS}
    measures: dict[str, list[np.ndarray]] = {kernel: [] for kernel in KERNELS}
    for image, ident in zip(truth, ids, strict=True):
        images, noise = drizzle_galaxy(image, ident, level, psf, exposures, seed)
        for kernel in KERNELS:
            rms, lags = noise_lags(noise[kernel])
            mosaics[kernel].append(images[kernel])
            measures[kernel].append(np.array([rms, *lags]))
    rows = np.concatenate([measures[kernel] for kernel in KERNELS])
    columns = {
        "kernel": np.repeat(KERNELS, len(ids)),
        "noise_sigma": rows[:, 0],
        "white_sigma": np.tile(rows[: len(ids), 0], len(KERNELS)),
        "noise_lag1": rows[:, 1],
    }
    columns |= {f"lag_{k}": rows[:, k] for k in (1, 2, 3)}
    return np.concatenate([mosaics[kernel] for kernel in KERNELS]), columns
