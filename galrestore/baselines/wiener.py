"""Wiener filter, regularised by each image's own noise."""

import numpy as np

__all__ = ["wiener"]

_SIGNIFICANT = 3.0


def wiener(images, noise, kernel, noise_factor):
    """
    Deconvolve images with a Wiener filter.

    Parameters
    ----------
    images : ndarray of float64, shape (N, H, W)
        Images above their sky.
    noise : ndarray, shape (N,)
        Standard deviation of their noise [unit of the images].
    kernel : ndarray, shape (K,) or (K, K)
        PSF of unit sum, K odd, or one axis of a separable one.
    noise_factor : float
        Factor on the power of the noise: 1 for the least mean square error of a galaxy
        with the power that is measured, more for a smoother image.

    Yields
    ------
    restored : ndarray of float64, shape (N, H, W)
        Filtered images, the same after any number of iterations; negative pixels are
        possible.

    Notes
    -----
    The filter is ``conj(K) / (|K|**2 + f N / S)``, with K the transfer function of the
    PSF, N the power of white noise, S that of the sharp galaxy and f the factor.  S
    follows from the image's own power P averaged in rings of equal frequency,
    ``S = (P - N) / |K|**2``, up to the first ring, after the strongest, without
    significant signal.  Frames are reflected to twice their size, so that opposite edges
    do not meet.
    """
    kernel = np.outer(kernel, kernel) if kernel.ndim == 1 else kernel
    height, width = images.shape[1:]
    # Even about both edges, as for a cosine transform: a Fourier transform without jumps.
    frames = np.pad(images, ((0, 0), (0, height), (0, width)), mode="symmetric")
    transfer = _transfer(kernel, frames.shape[1:])
    spectra = np.fft.rfft2(frames)
    shares = [
        _signal_share(power, frames.shape[1:], sigma, noise_factor)
        for power, sigma in zip(np.abs(spectra) ** 2, noise, strict=True)
    ]
    # conj(K) / (|K|^2 + f N/S) with S = P_s / |K|^2, where P_s + N = P.
    inverse = np.conj(transfer) / np.maximum(np.abs(transfer) ** 2, np.finfo(float).tiny)
    gain = inverse * np.reshape(shares, spectra.shape)
    restored = np.fft.irfft2(gain * spectra, s=frames.shape[1:])[:, :height, :width]
    while True:
        yield restored


def _signal_share(power, shape, noise, noise_factor):
    """
    Part of the power that is signal, P_s / (P_s + f N), by rings of frequency.

    Galaxies' power falls with frequency: from the first ring on, after the strongest, that
    stands out from the noise by less than 3 sigma, all is noise.
    """
    # White noise of unit variance in a quarter of the frame, repeated in the others.
    white = noise**2 * shape[0] * shape[1]
    rows, columns = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    ring = np.rint(np.hypot(rows[:, None], columns) * max(shape) / 2).astype(int)
    count = np.bincount(ring.ravel())
    mean = np.bincount(ring.ravel(), power.ravel()) / count
    # Rows of positive and negative frequency are equal, hence half the count.
    scatter = np.sqrt(2 / np.maximum(count / 2, 1))
    faint = mean < white * (1 + _SIGNIFICANT * scatter)
    # The frequencies below the strongest count, even where the stamp's mean is the sky's.
    strongest = np.argmax(mean)
    faint[:strongest] &= faint[strongest]
    is_noise = np.cumsum(faint) > 0
    signal = np.maximum(mean - white, 0)
    share = signal / np.maximum(signal + noise_factor * white, np.finfo(float).tiny)
    return np.where(is_noise, 0, share)[ring]


def _transfer(kernel, shape):
    """Transfer function of a kernel whose centre is moved to pixel (0, 0)."""
    full = np.zeros(shape)
    full[: kernel.shape[0], : kernel.shape[1]] = kernel
    full = np.roll(full, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), axis=(0, 1))
    return np.fft.rfft2(full)
