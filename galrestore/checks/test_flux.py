"""Flux is conserved from GT to LQ to RS."""

import numpy as np
import pytest

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.shapes import SHAPES
from galrestore.files.cubes import read_cube
from galrestore.measurement.shapes import REFERENCES

_BLOCK = 4096
# Sums of LQ and GT differ by the noise alone; chance that a sound run is refused: 6e-7.
_SIGMA = 5.0
# Means of images in single precision, and of their match, in units of GT's range.
_ROUNDING = 1e-5


def test_lq_has_the_flux_of_gt(artefacts, pair_set):
    """
    The sum of LQ is that of GT, within the error of the mean over the pairs.

    A kernel of unit sum with reflected edges keeps the sum; what differs is white noise of
    rms sigma, sigma sqrt(number of pixels) for an image.
    """
    pairs = artefacts.table(f"pairs/{pair_set}.parquet", PAIRS)
    white = ((pairs["noise_lag1"] == 0) & (pairs["noise_sigma"] > 0)).to_numpy()
    if pair_set not in ("jwst", "galsim") or not white.any():
        pytest.skip("LQ was not made from GT with white noise alone")
    deviates = _differences(artefacts, pair_set, pairs)[white]
    mean = deviates.mean() * np.sqrt(len(deviates))
    assert abs(mean) < _SIGMA, (
        f"pairs/{pair_set}: the mean flux of LQ is {mean:.1f} standard errors from that of GT"
    )


def test_matched_images_have_the_flux_of_lq(artefacts, shaped):
    """A least-squares match with an offset leaves no mean difference between RS and LQ."""
    pairs = _tested(artefacts, shaped)
    split = artefacts.table(f"pairs/{shaped}.parquet", PAIRS)["split"].to_numpy() == "test"
    low = read_cube(artefacts.path(f"pairs/{shaped}.fits"), "LQ", split).astype(float)
    span = (pairs["lq_max"] - pairs["lq_min"]).to_numpy()
    flux = span * low.mean(axis=(1, 2)) + pairs["lq_min"].to_numpy()
    objects = artefacts.table(f"shapes/{shaped}.parquet", SHAPES)
    for method, rows in objects.groupby("image", sort=False):
        if method in REFERENCES or not _has(artefacts, method, shaped):
            continue
        images = read_cube(artefacts.path(f"restored/{method}/{shaped}.fits"), "RS").astype(float)
        scale, offset = rows["scale"].to_numpy(), rows["offset"].to_numpy()
        matched = scale * images.mean(axis=(1, 2)) + offset
        # The mean of RS is a number of the order of 1 times the scale.
        error = np.abs(matched - flux) / (span + np.abs(scale))
        wrong = rows["id"].to_numpy()[~(error < _ROUNDING)].tolist()
        assert not wrong, (
            f"shapes/{shaped}: matched {method} of ids {wrong[:5]} has another flux than LQ"
        )


def _has(artefacts, method, name):
    return f"{method}/{name}" in artefacts.below("restored", ".fits")


def _differences(artefacts, name, pairs):
    """Return sums of LQ less those of GT, in standard deviations of the noise that was added."""
    path, result = artefacts.path(f"pairs/{name}.fits"), []
    for start in range(0, len(pairs), _BLOCK):
        rows = slice(start, start + _BLOCK)
        means = {}
        for kind in ("gt", "lq"):
            images = read_cube(path, kind.upper(), rows).astype(float)
            low, high = (pairs[f"{kind}_{end}"].to_numpy()[rows] for end in ("min", "max"))
            means[kind] = (high - low) * images.mean(axis=(1, 2)) + low
        sigma = pairs["noise_sigma"].to_numpy()[rows]
        error = np.divide(
            sigma, np.sqrt(images[0].size), out=np.full(len(sigma), np.nan), where=sigma > 0
        )
        result.append((means["lq"] - means["gt"]) / error)
    return np.concatenate(result)


def _tested(artefacts, name):
    pairs = artefacts.table(f"pairs/{name}.parquet", PAIRS)
    return pairs[pairs["split"] == "test"]
