"""Cutouts of galaxies: the source meant, its stamp, its radius without a sky."""

import numpy as np
import pandas as pd
import pytest

from galrestore.sources.cutouts import meant_source, placed, source_stamp, unsubtracted_radius

SOURCE = pd.DataFrame(
    {
        "x": [20.2], "y": [14.6], "a": [3.0], "b": [3.0], "theta": [0.0], "stamp_width": [12],
        "reject_offcentre": [False],
    }
)  # fmt: skip


def test_the_source_meant_is_the_one_at_the_centre():
    three = pd.concat([SOURCE] * 3).assign(reject_offcentre=[True, False, True])
    assert meant_source(three) == 1
    assert meant_source(SOURCE.head(0)) == -1


def test_stamp_and_mask_share_the_cutouts_pixels():
    image = np.arange(30 * 25.0).reshape(30, 25)
    stamp, row, column = source_stamp(image, SOURCE.iloc[0], np.nan)
    assert (row, column) == (15 - 6, 20 - 6)
    assert stamp[6, 6] == image[15, 20]
    assert np.isnan(stamp[:, 11]).all()  # column 25 is beyond the cutout
    # A mask around the source, put into the frame of the cutout and cut again.
    mask = np.zeros((80, 80), dtype=bool)
    mask[40 + 2, 40 - 3] = True
    whole = placed(mask, SOURCE.iloc[0], image.shape)
    assert np.argwhere(whole).tolist() == [[17, 17]]
    assert np.argwhere(source_stamp(whole, SOURCE.iloc[0], False)[0]).tolist() == [[8, 3]]


@pytest.mark.parametrize("sky", [0.0, 0.02])
def test_radius_of_a_gaussian_grows_with_a_sky_left_in(sky):
    # Sigma 3, half of the light within 3.53 pixels; the Kron ellipse holds all but 0.3 %.
    rows, columns = np.indices((60, 60))
    image = np.exp(-((columns - 20.2) ** 2 + (rows - 24.6) ** 2) / 18) + sky
    image[40:, 40:] = np.nan
    neighbours = np.zeros(image.shape, dtype=bool)
    image[24, 50], neighbours[24, 50] = 500.0, True
    radius = unsubtracted_radius(image.astype(np.float32), neighbours, SOURCE.assign(y=24.6))
    if sky:
        assert radius > 3.6
    else:
        # Growth curves of sep are sampled in steps of 6 a / 30 and interpolated.
        assert radius == pytest.approx(3 * np.sqrt(2 * np.log(2)), rel=0.01)
