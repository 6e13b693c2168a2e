"""Selection against the truth: who is who, who is good, and the counts, known beforehand."""

import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.archive.simulated_rendering import pixel_noise
from galrestore.config.acquire import SimulatedMosaic, SimulatedSky
from galrestore.files.contracts.selection_truth import SELECTION_TRUTH
from galrestore.measurement import selection_truth
from galrestore.measurement.markdown import render_selection_truth
from galrestore.measurement.selection_truth import (
    GOOD,
    good_galaxies,
    identify,
    judge_selection,
    simulated_mosaics,
)

CRITERIA = {"small": "too small", "faint": "too faint"}
LIMITS = {
    "minimum_snr": 20.0,
    "jwst_maximum_rms": 0.02,
    "size_factor": 1.0,
    "maximum_width": 128,
    "stamp_size": 64,
    "truncation_sigma": 3.0,
}
SKY = {"depth": 28.0, "correlation": 0.0, "pixel_scale": 0.05, "width": 100, "height": 100}
SKY |= {"border": 0.0, "ra": 10.0, "dec": 0.0}
ARCSEC = 1 / 3600


def truth(*rows, mosaic="m"):
    """Objects (kind, x, y, magnitude, r50, q) at offsets in arcsec."""
    names = ("kind", "x", "y", f"magnitude_{mosaic}", "r50", "q")
    table = pd.DataFrame(rows, columns=names)
    table["ra"], table["dec"] = 10 + table.pop("x") * ARCSEC, table.pop("y") * ARCSEC
    table["mosaic"] = np.where(table["kind"] == "hit", mosaic, "")
    return table.assign(n=1.0)


def catalogue(*rows, telescope="hst"):
    """Sources (x, y, rejections); the first rejection in their order rejects."""
    table = pd.DataFrame([row[:2] for row in rows], columns=["x", "y"], dtype=float)
    table["ra"], table["dec"] = 10 + table["x"] * ARCSEC, table["y"] * ARCSEC
    for name in CRITERIA:
        table[f"reject_{name}"] = [name in row[2] for row in rows]
    table["rejected_by"] = [next((n for n in CRITERIA if n in row[2]), "") for row in rows]
    return table.assign(telescope=telescope, star_fwhm=2.0, pixel_scale=0.05)


GALAXY = ("galaxy", 0, 0, 23.0, 0.3, 0.6)


def test_a_source_is_its_brightest_object_and_an_object_its_nearest_source():
    objects = truth(
        ("galaxy", 0, 0, 24, 0.3, 1),
        ("star", 0.2, 0, 22, np.nan, np.nan),
        ("galaxy", 5, 0, 25, 0.3, 1),
        ("galaxy", 9, 0, 20, 1.2, 1),
        ("galaxy", 9, 9, 20, 0.1, 1),
    )
    found = catalogue((0.05, 0, ""), (5.1, 0, ""), (9.5, 0, ""), (20, 20, ""))
    source, of_source = identify(found, objects, "m")
    # The fourth is 0.5 arcsec off, within half its radius of 1.2; the fifth is nowhere.
    assert source.tolist() == [0, 0, 1, 2, -1]
    assert of_source.tolist() == [1, 2, 3, -1]


def test_hits_of_other_mosaics_are_not_there():
    objects = truth(("hit", 0, 0, 20, np.nan, np.nan), mosaic="m")
    objects["magnitude_other"] = np.nan
    found = catalogue((0, 0, ""))
    assert identify(found, objects, "m")[1].tolist() == [0]
    assert identify(found, objects, "other")[1].tolist() == [-1]


@pytest.mark.parametrize(
    ("change", "good"),
    [
        ({}, True),
        # S/N of 40 in 2.5 seen radii: seen = sqrt(0.6 x 0.3^2 + 0.05^2) = 0.2377 arcsec, so
        # the flux is 5 x 40/5 x 0.2377 x 2.5 / 0.15 = 158.5 sigma of the depth's aperture, of
        # which 5 are magnitude 28: 28 - 2.5 log10(31.7) = 24.247.
        ({"magnitude_m": 24.24}, True),
        ({"magnitude_m": 24.26}, False),
        # Semi-minor axis of 2.0 pixels: 0.1 arcsec.
        ({"r50": 0.168}, True),
        ({"r50": 0.166}, False),
        # w = 128: 4 x 1.2 r50 + 5 = 64, r50 = 12.29 pixels.
        ({"r50": 0.61}, True),
        ({"r50": 0.62}, False),
        ({"kind": "star"}, False),
        ({"ra": 10 + 46.7 * ARCSEC}, True),  # 50 - 64 pixels of 0.05 arcsec
        ({"ra": 10 + 46.9 * ARCSEC}, False),
        ({"dec": -46.9 * ARCSEC}, False),
    ],
)
def test_each_wish(change, good):
    objects = truth(GALAXY).assign(**change)
    assert good_galaxies(catalogue((0, 0, "")), objects, "m", SKY, LIMITS).tolist() == [good]


@pytest.mark.parametrize(
    ("other", "good"),
    [
        # Half diagonal of the stamp: sqrt(2) (4 x 0.3 + 0.25) = 2.05 arcsec.
        (("galaxy", 2.0, 0, 25.4, 0.1, 1), False),
        (("galaxy", 2.0, 0, 25.6, 0.1, 1), True),
        (("galaxy", 2.1, 0, 20, 0.1, 1), True),
        (("star", 0, -2.0, 20, np.nan, np.nan), False),
        (("hit", 2.0, 0, 27.0, np.nan, np.nan), False),
    ],
)
def test_company(other, good):
    objects = truth(GALAXY, other)
    found = good_galaxies(catalogue((0, 0, "")), objects, "m", SKY, LIMITS)
    assert found[0] == good


def test_jwst_wants_contrast_and_dark_edges():
    sources = catalogue((0, 0, ""), telescope="jwst")
    sky = SKY | {"correlation": 0.2, "depth": 30.0}
    pixel = pixel_noise(10 ** (-0.4 * (30 - 30)), 0.05, 0.2)  # flux 1 at magnitude 30
    area = np.pi * (0.6 * 6**2 + 1)
    limit = 30 - 2.5 * np.log10(50 * pixel * 2 * area)  # mean brightness of 50 sigma
    for offset, good in ((-0.01, True), (0.01, False)):
        objects = truth(("galaxy", 0, 0, limit + offset, 0.3, 0.6))
        assert good_galaxies(sources, objects, "m", sky, LIMITS).tolist() == [good]
    # Of galaxies with dark edges and this contrast only small ones are left: drop the latter.
    limits = LIMITS | {"jwst_maximum_rms": 1.0}
    # An exponential disc of 9 pixels at 30 pixels: I = F b^2 / (2 pi q r50^2) exp(-b R / r50).
    b, ring = 1.6783469900166605, np.sqrt(64**2 - 60**2)
    share = b**2 / (2 * np.pi * 0.6 * 9**2) * np.exp(-b * 30 / 9) * ring
    limit = 30 - 2.5 * np.log10(3 * pixel / share)
    for offset, good in ((0.01, True), (-0.01, False)):
        objects = truth(("galaxy", 0, 0, limit + offset, 0.45, 0.6))
        assert good_galaxies(sources, objects, "m", sky, limits).tolist() == [good]


def judged():
    objects = truth(
        GALAXY,
        ("galaxy", 10, 0, 23, 0.3, 0.6),
        ("galaxy", 20, 0, 23, 0.3, 0.6),
        ("galaxy", 30, 0, 23, 0.3, 0.6),
        ("star", 0, 20, 20, np.nan, np.nan),
        ("hit", 0, 30, 20, np.nan, np.nan),
        ("galaxy", 0, 40, 20, 0.3, 0.6),
        ("hit", 0.1, 40.1, 25, np.nan, np.nan),
    )
    found = catalogue(
        *((0, 0, ""), (10, 0, "small faint"), (20, 0, "faint"), (0, 20, "")),
        *((0, 30, ""), (0, 40, ""), (40, 40, "")),
    )
    return judge_selection({"m": found}, objects, {"m": SKY}, LIMITS, CRITERIA)


def test_counts():
    table = judged()
    assert set(table.columns) == {column.name for column in SELECTION_TRUTH}
    for mosaic in ("m", "all hst"):
        part = table[table["mosaic"] == mosaic].set_index(["group", "item"])
        kinds = part.loc["accepted"]
        assert kinds["count"].to_dict() == {
            "galaxy": 2, "star": 1, "hit": 1, "unmatched": 1, "struck": 1,
        }  # fmt: skip
        assert (kinds["total"] == 5).all()
        assert_allclose(kinds["fraction"]["star"], 0.2)
        good = part.loc["good"]
        # The galaxy with the hit is not a good one.
        assert good["count"].to_dict() == {"undetected": 1, "small": 1, "faint": 1, "accepted": 1}
        assert good["failing"].to_dict() == {"undetected": 1, "small": 1, "faint": 2, "accepted": 0}
        assert (good["total"] == 4).all()


def test_markdown_tells_numbers_and_definition():
    text = render_selection_truth(judged(), GOOD)
    lines = [line for line in text.splitlines() if line.startswith("| star")]
    assert [cell.strip() for cell in lines[0].strip("|").split("|")][:3] == [
        "star", "1 (20.00%)", "1 (20.00%)",
    ]  # fmt: skip
    assert text.rstrip().endswith(GOOD.rstrip())


def test_a_mosaic_without_sources():
    objects = truth(GALAXY)
    empty = catalogue((0, 0, "")).iloc[:0]
    table = judge_selection({"m": empty}, objects, {"m": SKY}, LIMITS, CRITERIA)
    assert (table["total"] == 0).all()
    assert table["fraction"].isna().all()
    assert "| -" in render_selection_truth(table, GOOD)


def test_what_the_settings_of_the_sky_say():
    mosaic = SimulatedMosaic(
        telescope="hst", instrument="ACS", band="F814W", format="hlf", pixel_scale=0.05,
        wavelength=0.8, psf_fwhm=0.1, depth=28.0, noise_correlation=0.1,
    )  # fmt: skip
    sky = SimulatedSky(width=20, height=30, ra=1, dec=2, mosaics={"acs": mosaic})
    found = simulated_mosaics(json.dumps({"simulated": sky.model_dump()}))
    assert found == {
        "acs": {
            "width": 20, "height": 30, "ra": 1, "dec": 2, "depth": 28.0, "correlation": 0.1,
            "pixel_scale": 0.05, "border": 0.5,
        }
    }  # fmt: skip


def test_offsets_are_gnomonic():
    place = pd.DataFrame({"ra": [10 + 30 * ARCSEC / np.cos(np.radians(60))], "dec": [60.0]})
    east, north = selection_truth._plane(place, 10, 60)[0]
    # Second order: north by 30^2 tan(60) / 2 / 206265 = 3.8e-3 arcsec.
    assert_allclose([east, north], [30, 30**2 * np.tan(np.radians(60)) / 2 / 206265], atol=1e-4)
