"""
Power of images and of their errors by spatial frequency.

Does a method restore or smooth?  One that smooths loses power where GT has it and keeps
the phase; one that invents structure keeps the power and loses the phase.  Spectra are of
images above their sky, in units of GT's range, under a window that brings the frame's
edges to 0.
"""

import numpy as np
import pandas as pd

__all__ = ["SPECTRA", "power_spectra", "summarise_spectra"]

# Kinds of spectra: power of GT, of the image, of the difference, and cross-power of both.
SPECTRA = ("truth", "image", "residual", "cross")

_SUMMARY = ("residual", "amplitude", "transfer", "coherence")


def power_spectra(truth, image, bins):
    """
    Return radially averaged power spectra of an image against the truth.

    Parameters
    ----------
    truth, image : ndarray, shape (N, H, W)
        GT and another image above their skies, in the same unit.
    bins : int
        Rings of equal width from 0 to the Nyquist frequency of 0.5 cycles a pixel;
        frequencies beyond, in the corners, are left out.

    Returns
    -------
    spectra : ndarray of float64, shape (N, bins, 4)
        `SPECTRA`: mean over a ring of |G|**2, |I|**2, |I - G|**2 and Re(I conj(G)).

    Notes
    -----
    The window is the product of two Hann windows, which mixes a frequency with its
    neighbours at a distance of 1 / side.
    """
    height, width = truth.shape[1:]
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    truth_ft, image_ft = (np.fft.rfft2(cube * window) for cube in (truth, image))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    ring = np.floor(frequency * 2 * bins).astype(int).ravel()
    # Columns of the half-plane but the first and, if even, the last stand for two.
    twice = np.full(truth_ft.shape[2], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    weight = np.broadcast_to(twice, frequency.shape).ravel()
    weight = np.where(ring < bins, weight, 0.0)
    ring = np.minimum(ring, bins)
    total = np.bincount(ring, weight, bins + 1)[:bins]
    powers = (
        np.abs(truth_ft) ** 2,
        np.abs(image_ft) ** 2,
        np.abs(image_ft - truth_ft) ** 2,
        (image_ft * truth_ft.conj()).real,
    )
    spectra = np.empty((len(truth), bins, len(powers)))
    # One image after another, for sums that do not depend on the others.
    for k, power in enumerate(powers):
        for n, plane in enumerate(power.reshape(len(truth), -1)):
            spectra[n, :, k] = np.bincount(ring, plane * weight, bins + 1)[:bins] / total
    return spectra


def summarise_spectra(spectra, streams, draws=1000):
    """
    Average spectra over objects, with errors.

    Parameters
    ----------
    spectra : dict of str to ndarray, shape (N, B, 4)
        By kind of image, as `power_spectra` gives them; objects with NaN are left out.
    streams : callable
        Takes the kind of image and returns the generator of its resamplings.
    draws : int, optional
        Number of resamplings.

    Returns
    -------
    table : pandas.DataFrame
        One row for each image and ring: ``image``, ``count``, ``frequency`` (middle of the
        ring, cycles a pixel), ``truth`` (power of GT), and with their errors ``residual``,
        power of the difference over GT's; ``amplitude``, root of the power over GT's;
        ``transfer``, cross-power over GT's power, 1 where all of GT's structure is there;
        ``coherence``, cross-power over the root of both powers, 1 where phases agree.

    Notes
    -----
    Powers are averaged over the objects before ratios are formed.
    """
    frames = []
    for name, cube in spectra.items():
        cube = cube[np.isfinite(cube).all(axis=(1, 2))]
        bins = cube.shape[1]
        middle = (np.arange(bins) + 0.5) / (2 * bins)
        frame = pd.DataFrame({"image": name, "count": len(cube), "frequency": middle})
        frame["truth"] = cube[..., 0].mean(axis=0) if len(cube) else np.nan
        frames.append(frame.assign(**_with_errors(cube, streams(name), draws)))
    return pd.concat(frames, ignore_index=True)


def _with_errors(cube, generator, draws):
    count, bins, kinds = cube.shape
    if count < 2:
        nothing = np.full(bins, np.nan)
        return {name + end: nothing for name in _SUMMARY for end in ("", "_error")}
    times = generator.multinomial(count, np.full(count, 1 / count), size=draws)
    means = (times / count) @ cube.reshape(count, -1)
    found, drawn = _ratios(cube.mean(axis=0)), _ratios(means.reshape(draws, bins, kinds))
    result = {}
    for name in _SUMMARY:
        result[name], result[f"{name}_error"] = found[name], drawn[name].std(axis=0, ddof=1)
    return result


def _ratios(means):
    truth, image, residual, cross = np.moveaxis(means, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "residual": residual / truth,
            "amplitude": np.sqrt(image / truth),
            "transfer": cross / truth,
            "coherence": cross / np.sqrt(image * truth),
        }
