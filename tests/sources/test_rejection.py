"""Rejections: limits, their order, and values that cannot be measured."""

import numpy as np
import pandas as pd
import pytest

from galrestore.config.select import Select
from galrestore.files.contracts.catalogue import REJECTIONS
from galrestore.sources.rejection import counts, first_rejections, local_rejections, rejection_psf

GOOD = {
    "stamp_width": 40,
    "star_fwhm": 2.0,
    "coverage": 1.0,
    "b": 2.0,
    "r50": 2.0,
    "snr": 20.0,
    "noise": 0.0199,
    "neighbour_ratio": 0.8,
    "gradient_ratio": 1.0,
    "cut_off": False,
}


def rejected(telescope, **changes):
    columns = local_rejections(pd.DataFrame([GOOD | changes]), telescope, Select())
    return {name.removeprefix("reject_") for name, bad in columns.items() if bad[0]}


@pytest.mark.parametrize("telescope", ["hst", "jwst"])
def test_limits_themselves_pass(telescope):
    assert rejected(telescope) == set()


@pytest.mark.parametrize(
    ("change", "hst", "jwst"),
    [
        ({"coverage": 0.99}, "edge", "edge"),
        ({"b": 1.99}, "small", "small"),
        ({"r50": 1.99}, "small", "small"),
        ({"r50": np.nan}, "small", "small"),
        ({"snr": 19.9}, "faint", None),
        ({"snr": np.nan}, "faint", None),
        ({"noise": 0.02}, None, "noisy"),
        ({"noise": np.nan}, None, "noisy"),
        ({"neighbour_ratio": 0.81}, "neighbour", "neighbour"),
        ({"gradient_ratio": 1.01}, "gradient", "gradient"),
        ({"cut_off": True}, "truncated", "truncated"),
        ({"stamp_width": 130, "b": 0.1, "snr": np.nan}, "width", "width"),
        ({"stamp_width": 128}, None, None),
    ],
)
def test_each_limit(change, hst, jwst):
    assert rejected("hst", **change) == ({hst} if hst else set())
    assert rejected("jwst", **change) == ({jwst} if jwst else set())


def test_jwst_sources_are_compared_with_the_kernel_that_will_blur_them():
    settings = Select()
    assert rejection_psf("hst", 1.2, settings) == 1.2
    assert rejection_psf("jwst", 1.2, settings) == 1.88
    assert rejection_psf("jwst", 2.7, settings) == 2.7


def test_first_rejection_and_counts():
    table = pd.DataFrame({f"reject_{name}": np.zeros(3, bool) for name in REJECTIONS})
    table.loc[1, ["reject_star", "reject_small"]] = True
    table.loc[2, "reject_star"] = True
    first = first_rejections(table)
    assert first.tolist() == ["", "small", "star"]
    assert counts(first) == "3 sources: 1 accepted, 1 small, 1 star"
