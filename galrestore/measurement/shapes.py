"""
Morphology and photometry of one batch of test images: GT, LQ and each restored image.

Areas and masks come from LQ alone and are used for all images.  RS is brought to LQ's
scale without any look at GT, see `galrestore.measurement.photometry`.
"""

import numpy as np
import pandas as pd

from galrestore.measurement.apertures import find_apertures
from galrestore.measurement.morphology import FIT_WITH_PSF, fit_morphology
from galrestore.measurement.photometry import (
    area_flux,
    levels,
    rescale_matched,
    rescale_paper,
)
from galrestore.measurement.spatial_frequency import power_spectra
from galrestore.rng import stream
from galrestore.synthesis.degradation import blur

__all__ = ["REFERENCES", "measure_shapes"]

# Images and fits that stand beside those of the methods.
REFERENCES = ("GT", "LQ", FIT_WITH_PSF)

_AREAS = ("aperture", "isophote")


def measure_shapes(
    truth,
    low_quality,
    restored,
    pairs,
    *,
    kernel,
    psf,
    seed,
    pixels,
    bins,
    detection,
    fit,
    common_scale=True,
):
    """
    Measure the images of some test pairs.

    Parameters
    ----------
    truth, low_quality : ndarray, shape (N, H, W)
        GT and LQ, min-max normalised.
    restored : dict of str to ndarray, shape (N, H, W)
        RS by method.
    pairs : pandas.DataFrame
        Rows of the pairs (contract `PAIRS`).
    kernel : ndarray, shape (size,) or (size, size)
        PSF of LQ that RS is blurred with, see `blur`.
    psf : float or Psf
        The same PSF, for the fit of LQ that has it in the model.
    seed : int
        Seed of the run; with the pair's id it chooses the pixels.
    pixels : int
        Pixels drawn from the Kron ellipse of each pair, with replacement.
    bins : int
        Rings of the power spectra.
    detection, fit : dict
        Further arguments of `find_apertures` and `fit_sersic`.
    common_scale : bool, optional
        Whether GT and LQ are in one unit and band; if not, GT has no fluxes.

    Returns
    -------
    objects : pandas.DataFrame
        N rows for each of `REFERENCES` and each method (contract `SHAPES` but the set).
    samples : pandas.DataFrame
        N times ``pixels`` rows for LQ and each method: ``id``, ``image``, and ``truth`` and
        ``value`` of a pixel, above the sky, in units of GT's range (max - min).
    spectra : dict of str to ndarray, shape (N, bins, 4)
        `power_spectra` of LQ and each method, in that unit squared.

    Notes
    -----
    Ready pairs state the range 0 to 1 for both images: what their scales have in common is
    not known, so that GT has no fluxes and only shapes can be compared.
    """
    images = {"GT": truth, "LQ": low_quality, **restored}
    images = {name: np.asarray(image, dtype=float) for name, image in images.items()}
    measured = {name: levels(image) for name, image in images.items()}
    skies = {name: lower for name, (lower, _, _) in measured.items()}
    rms = measured["LQ"][2]
    apertures = find_apertures(low_quality, skies["LQ"], rms, **detection)
    scales = {"GT": _truth_scale(pairs, common_scale), "LQ": _own_scale(pairs, "lq")}
    scales[FIT_WITH_PSF] = scales["LQ"]
    scales |= {
        name: _scale_to(images["LQ"], blur(images[name], kernel), rms, pairs) for name in restored
    }
    frames = []
    for name in (*REFERENCES, *restored):
        image = images.get(name, images["LQ"])
        model = psf if name == FIT_WITH_PSF else 0.0
        columns = _about(pairs, apertures) | scales[name]
        columns |= fit_morphology(image, model, apertures.neighbours, columns["scale"], **fit)
        sky = skies[name] if name in skies else np.full(len(image), np.nan)
        columns |= _fluxes(image, sky, columns, apertures)
        frames.append(pd.DataFrame(columns).assign(image=name))
    above = {
        name: (image - skies[name][:, None, None])
        * (scales[name]["scale"] / scales["GT"]["scale"])[:, None, None]
        for name, image in images.items()
    }
    spectra = {n: power_spectra(above["GT"], above[n], bins) for n in images if n != "GT"}
    samples = _samples(above, pairs["id"].to_numpy(), apertures.ellipse, seed, pixels)
    return pd.concat(frames, ignore_index=True), samples, spectra


def _about(pairs, apertures):
    about = {"id": pairs["id"].to_numpy(), "noise": pairs["noise"].to_numpy()}
    return about | {f"aperture_{name}": values for name, values in apertures.shape.items()}


def _truth_scale(pairs, common):
    """Scale and offset of GT; NaN where it has none in common with LQ."""
    limits = pairs[["gt_min", "gt_max", "lq_min", "lq_max"]].to_numpy(dtype=float)
    lost = (limits == (0, 1, 0, 1)).all(axis=1) | (not common)
    return {name: np.where(lost, np.nan, v) for name, v in _own_scale(pairs, "gt").items()}


def _own_scale(pairs, kind):
    """Scale and offset of GT or LQ."""
    offset = pairs[f"{kind}_min"].to_numpy(dtype=float)
    scale = pairs[f"{kind}_max"].to_numpy(dtype=float) - offset
    exact = np.zeros(len(pairs))
    return {
        "scale": scale,
        "offset": offset,
        "scale_error": exact,
        "offset_error": exact,
        "scale_paper": scale,
        "offset_paper": offset,
    }


def _scale_to(low_quality, blurred, rms, pairs):
    """Scale and offset of RS, by both recipes, in the original unit of LQ."""
    own = _own_scale(pairs, "lq")
    span, zero = own["scale"], own["offset"]
    # Without noise to weigh by all pixels count alike, and there is no error.
    matched = rescale_matched(low_quality, blurred, np.where(rms > 0, rms, 1.0))
    paper = rescale_paper(low_quality, blurred)
    known = np.where(rms > 0, 1.0, np.nan)
    return {
        "scale": span * matched.scale,
        "offset": span * matched.offset + zero,
        "scale_error": span * matched.scale_error * known,
        "offset_error": span * matched.offset_error * known,
        "scale_paper": span * paper.scale,
        "offset_paper": span * paper.offset + zero,
    }


def _fluxes(image, sky, columns, apertures):
    """Fluxes above the image's own sky, on the original scale; NaN without a sky."""
    result = {"sky": columns["scale"] * sky + columns["offset"]}
    for name, area in zip(_AREAS, (apertures.ellipse, apertures.isophote), strict=True):
        flux = area_flux(image, sky, area)
        result[f"flux_{name}"] = columns["scale"] * flux
        result[f"flux_{name}_paper"] = columns["scale_paper"] * flux
        result[f"area_{name}"] = area.sum(axis=(1, 2))
    return result


def _samples(above, ids, ellipse, seed, pixels):
    """Draw pixels of each ellipse, the same of all images."""
    pairs = zip(ellipse, ids, strict=True)
    places = np.array([_draw(area, seed, ident, pixels) for area, ident in pairs])
    places = places.reshape(len(ids), pixels).astype(np.int64)
    nowhere = ~ellipse.any(axis=(1, 2))
    values = {}
    for name, image in above.items():
        values[name] = np.take_along_axis(image.reshape(len(ids), -1), places, axis=1)
        values[name][nowhere] = np.nan
    common = {"id": np.repeat(ids, pixels), "truth": values["GT"].ravel()}
    frames = [
        pd.DataFrame(common | {"value": values[name].ravel()}).assign(image=name)
        for name in above
        if name != "GT"
    ]
    return pd.concat(frames, ignore_index=True)


def _draw(area, seed, ident, pixels):
    inside = np.flatnonzero(area)
    if len(inside) == 0:
        return np.zeros(pixels, dtype=np.int64)
    return inside[stream(seed, "shapes.pixels", ident).integers(len(inside), size=pixels)]
