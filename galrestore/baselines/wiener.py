"""Wiener filter of stamps, regularised by each stamp's own noise."""

import numpy as np

from galrestore.baselines.sky import scaled_to_peak, sky_and_noise

__all__ = ["wiener"]

_SIGNIFICANT = 3.0


def wiener(stamps, kernel, balance=None):
    """
    Deconvolve stamps with a Wiener filter after subtraction of their sky.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.
    kernel : ndarray, shape (K, K)
        PSF of unit sum, K odd.
    balance : float, optional
        Ratio of the power of noise to that of the galaxy at all frequencies; from each
        image by default.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Images with sky 0 and peak 1; negative pixels are possible.

    Notes
    -----
    The filter is ``conj(K) / (|K|**2 + N / S)``, with K the transfer function of the
    PSF, N the power of white noise and S that of the sharp galaxy.  Without
    ``balance``, S follows from the image's own power P averaged in rings of equal
    frequency, ``S = (P - N) / |K|**2``, up to the first ring, after the
    strongest, without significant signal.
    Frames are reflected to twice their size, so that opposite edges do not meet.
    """
    restored = []
    for stamp in stamps:
        sky, noise = sky_and_noise(stamp)
        restored.append(_filtered(np.asarray(stamp, dtype=float) - sky, kernel, noise, balance))
    return np.array([scaled_to_peak(image) for image in restored]).reshape(np.shape(stamps))


def _filtered(image, kernel, noise, balance):
    height, width = image.shape
    # Even about both edges, as for a cosine transform: a Fourier transform without jumps.
    frame = np.pad(image, ((0, height), (0, width)), mode="symmetric")
    transfer = _transfer(kernel, frame.shape)
    spectrum = np.fft.rfft2(frame)
    power = np.abs(transfer) ** 2
    if balance is None:
        signal_share = _signal_share(np.abs(spectrum) ** 2, frame.shape, noise)
        # conj(K) / (|K|^2 + N/S) with S = P_s / |K|^2, where P_s + N = P.
        gain = np.conj(transfer) / np.maximum(power, np.finfo(float).tiny) * signal_share
    else:
        gain = np.conj(transfer) / (power + balance)
    return np.fft.irfft2(gain * spectrum, s=frame.shape)[:height, :width]


def _signal_share(power, shape, noise):
    """
    Part of the power that is signal, 1 - N / P, by rings of frequency.

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
    share = 1 - white / np.maximum(mean, max(white, np.finfo(float).tiny))
    return np.where(is_noise, 0, share)[ring]


def _transfer(kernel, shape):
    """Transfer function of a kernel whose centre is moved to pixel (0, 0)."""
    full = np.zeros(shape)
    full[: kernel.shape[0], : kernel.shape[1]] = kernel
    full = np.roll(full, (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2)), axis=(0, 1))
    return np.fft.rfft2(full)
