"""
What the stamp of a source tells for the rejections, compiled.

A stamp is judged as it would be cut: w x w pixels about the source's pixel, blank beyond
the data.  Medians come from selection, not from sorting, and every sum runs in the
order of the pixels, so that equal pixels give equal bits wherever a window begins.
"""

import functools
import math

import numpy as np
from scipy.special import erf

from galrestore.sources.compiling import compiled
from galrestore.sources.measurement import FWHM_PER_SIGMA

__all__ = [
    "MEASURES",
    "blank_noise",
    "central_gradient",
    "is_truncated",
    "measure_stamps",
    "neighbour_peak",
    "psf_gradient",
]

MEASURES = (
    *("coverage", "noise", "neighbour_ratio", "gradient", "flux_stamp"),
    *("sky", "sky_rms", "cut_off"),
)

_CENTRE = 10
_LEAST_BLANK = 16
_MAD_TO_SIGMA = 1.482602218505602
_CLIP, _CLIPS = 3.0, 3
_NOISE_SIGMAS = 3.0
_RING = 2


def measure_stamps(window, segments, table, trim, truncation_sigma):
    """
    Measure the stamps of the sources of a window.

    Parameters
    ----------
    window : galrestore.sources.detection.Window
        The pixels.
    segments : ndarray of int32, shape (H, W)
        Label of the source of each pixel, 0 for none.
    table : pandas.DataFrame
        Sources: ``x, y`` [pixel of the mosaic], ``label``, ``stamp_width``, ``peak``,
        ``background``, ``rms``.
    trim : int
        Side to which wider stamps will be trimmed [pixel].
    truncation_sigma : float
        See `is_truncated`.

    Returns
    -------
    columns : dict of str to ndarray of float, shape (N,)
        The `MEASURES`: ``coverage``, the fraction of pixels with data; ``sky`` and
        ``sky_rms`` of the source-free pixels (the mesh's where they are too few);
        ``noise``, that rms over maximum minus minimum; ``neighbour_ratio``, the highest
        pixel of other sources over the own peak; ``gradient``, the steepest step in the
        central 10 x 10 pixels less the noise of a step, over the peak; ``flux_stamp``,
        the sum above the sky; and ``cut_off`` (bool), whether trimming cuts the profile
        off.
    """
    rounded = [np.floor(table[axis].to_numpy(float) + 0.5).astype(np.int64) for axis in "yx"]
    wholes = [table[name].to_numpy(np.int64) for name in ("label", "stamp_width")]
    reals = [table[name].to_numpy(float) for name in ("peak", "background", "rms")]
    values = _measure_all(
        window.science,
        window.data,
        segments,
        rounded[0] - window.y0,
        rounded[1] - window.x0,
        *wholes,
        *reals,
        int(trim),
        float(truncation_sigma),
    )
    columns = dict(zip(MEASURES, values, strict=True))
    return columns | {"cut_off": columns["cut_off"] > 0}


def blank_noise(stamp, blank):
    """
    Measure sky and noise of the source-free pixels of a stamp.

    Parameters
    ----------
    stamp : ndarray of float, shape (H, W)
        Pixels; not finite where there is no data.
    blank : ndarray of bool, shape (H, W)
        True where there is data and no source.

    Returns
    -------
    level, rms : float
        Median, and 1.4826 times the median absolute deviation, both after clipping at
        3 sigma; NaN if fewer than 16 pixels are blank.
    """
    values = np.asarray(stamp, dtype=np.float32)[blank]
    return _clipped(values, len(values))


def neighbour_peak(data, segments, label):
    """
    Return the highest pixel of other sources in a stamp.

    Parameters
    ----------
    data : ndarray of float, shape (H, W)
        Background-subtracted pixels.
    segments : ndarray of int, shape (H, W)
        Label of the source of each pixel, 0 for none.
    label : int
        The stamp's own source.

    Returns
    -------
    peak : float
        0 without neighbours.
    """
    return _neighbour_peak(np.asarray(data, np.float32), np.asarray(segments, np.int32), label)


def central_gradient(data, column, row):
    """
    Return the steepest gradient within the central 10 x 10 pixels of a source.

    Parameters
    ----------
    data : ndarray of float, shape (H, W)
        Pixels.
    column, row : int
        Pixel of the source; the square runs from 5 pixels before to 4 after it.

    Returns
    -------
    gradient : float
        Largest difference of neighbouring pixels, along rows or columns [unit /
        pixel].  Central differences would not do: those of a hot pixel, half its
        height, are no steeper than those of a PSF of two pixels.
    """
    return _steepest(np.asarray(data, np.float32), column, row)


def is_truncated(data, segments, label, rms, sigma):
    """
    Tell whether trimming cut a source's profile off.

    Parameters
    ----------
    data : ndarray of float, shape (S, S)
        Background-subtracted pixels of the trimmed stamp; NaN where blank.
    segments : ndarray of int, shape (S, S)
        Label of the source of each pixel.
    label : int
        The stamp's own source.
    rms : float
        Noise of a pixel [unit of the data].
    sigma : float
        Significance from which light in the ring counts.

    Returns
    -------
    truncated : bool
        Whether the source's segment touches the edge, or the summed light of the
        outermost two pixels, neighbours left out, exceeds sigma times its noise.
    """
    data, segments = np.asarray(data, np.float32), np.asarray(segments, np.int32)
    return bool(_truncated(data, segments, label, 0.0, float(rms), float(sigma)))


@functools.cache
def psf_gradient(fwhm):
    """
    Return the steepest gradient of a point source of unit peak.

    Parameters
    ----------
    fwhm : float
        Width of the Gaussian PSF, without the pixel [pixel].

    Returns
    -------
    gradient : float
        Largest of `central_gradient` / highest pixel over positions of the source
        within its pixel, the Gaussian integrated over pixels [1 / pixel].
    """
    edges = np.arange(-8, 9) - 0.5
    phases = np.linspace(0, 0.5, 6)
    scale = fwhm / FWHM_PER_SIGMA * np.sqrt(2)
    lines = np.diff(erf((edges - phases[:, None]) / scale), axis=1)
    centre = len(edges) // 2
    images = (np.outer(lines[i], lines[j]) for i in range(6) for j in range(i + 1))
    return max(central_gradient(image / image.max(), centre, centre) for image in images)


@compiled
def _measure_all(
    science, data, segments, rows, columns, labels, widths, peaks, levels, rmss, trim, sigma
):
    count = len(rows)
    out = np.empty((8, count))
    for i in range(count):
        width, label = widths[i], labels[i]
        y0, x0 = rows[i] - width // 2, columns[i] - width // 2
        stamp = np.full((width, width), np.float32(np.nan))
        above = np.zeros((width, width), np.float32)
        mine = np.zeros((width, width), np.int32)
        blanks = np.empty(width * width, np.float32)
        valid, blank = 0, 0
        lowest, highest, total = np.inf, -np.inf, 0.0
        for y in range(max(y0, 0), min(y0 + width, science.shape[0])):
            for x in range(max(x0, 0), min(x0 + width, science.shape[1])):
                value, owner = science[y, x], segments[y, x]
                stamp[y - y0, x - x0] = value
                above[y - y0, x - x0] = data[y, x]
                mine[y - y0, x - x0] = owner
                if not math.isfinite(value):
                    continue
                valid += 1
                total += value
                lowest, highest = min(lowest, value), max(highest, value)
                if owner == 0:
                    blanks[blank] = value
                    blank += 1
        level, rms = _clipped(blanks, blank)
        if not math.isfinite(level):
            level, rms = levels[i], rmss[i]
        # Only what exceeds the noise of a difference is steeper than the PSF.
        noise = _NOISE_SIGMAS * math.sqrt(2.0) * rms
        step = max(_steepest(above, width // 2, width // 2) - noise, 0.0)
        out[0, i] = valid / width**2
        out[1, i] = rms / (highest - lowest) if highest > lowest else np.nan
        out[2, i] = _neighbour_peak(above, mine, label) / peaks[i]
        out[3, i] = step / peaks[i]
        out[4, i] = total - valid * level
        out[5, i], out[6, i], out[7, i] = level, rms, 0.0
        if width > trim:
            first = width // 2 - trim // 2
            inner = slice(first, first + trim)
            if _truncated(stamp[inner, inner], mine[inner, inner], label, level, rms, sigma):
                out[7, i] = 1.0
    return out


@compiled
def _clipped(values, count):
    """Median and scaled median absolute deviation of the first values, which are reordered."""
    if count < _LEAST_BLANK:
        return np.nan, np.nan
    deviations = np.empty(count, np.float32)
    level, rms = np.nan, np.nan
    for _ in range(_CLIPS):
        level = _median(values, count)
        for k in range(count):
            deviations[k] = abs(values[k] - level)
        rms = _MAD_TO_SIGMA * _median(deviations, count)
        kept = 0
        for k in range(count):
            if abs(values[k] - level) <= _CLIP * rms:
                values[kept] = values[k]
                kept += 1
        if kept == count:
            break
        count = kept
    return level, rms


@compiled
def _median(values, count):
    middle = count // 2
    upper = float(_select(values, count, middle))
    if count % 2:
        return upper
    # Everything before the middle is no larger; the largest of it is the other one.
    lower = float(values[0])
    for k in range(1, middle):
        lower = max(lower, float(values[k]))
    return (lower + upper) / 2


@compiled
def _select(values, count, rank):
    """Bring the rank-th smallest value to its place (Hoare's selection)."""
    low, high = 0, count - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@compiled
def _neighbour_peak(data, segments, label):
    highest = 0.0
    for y in range(data.shape[0]):
        for x in range(data.shape[1]):
            owner = segments[y, x]
            if owner != 0 and owner != label:
                highest = max(highest, float(data[y, x]))
    return highest


@compiled
def _steepest(data, column, row):
    half = _CENTRE // 2
    y0, y1 = max(row - half, 0), min(max(row + half, 0), data.shape[0])
    x0, x1 = max(column - half, 0), min(max(column + half, 0), data.shape[1])
    steepest = 0.0
    for y in range(y0, y1):
        for x in range(x0, x1):
            if y + 1 < y1:
                steepest = max(steepest, abs(float(data[y + 1, x]) - float(data[y, x])))
            if x + 1 < x1:
                steepest = max(steepest, abs(float(data[y, x + 1]) - float(data[y, x])))
    return steepest


@compiled
def _truncated(stamp, segments, label, level, rms, sigma):
    side = stamp.shape[0]
    total, count = 0.0, 0
    for y in range(side):
        for x in range(side):
            distance = min(y, x, side - 1 - y, side - 1 - x)
            if distance >= _RING:
                continue
            owner = segments[y, x]
            if distance == 0 and owner == label:
                return True
            if math.isfinite(stamp[y, x]) and (owner == 0 or owner == label):
                total += stamp[y, x] - level
                count += 1
    return total > sigma * rms * math.sqrt(count)
