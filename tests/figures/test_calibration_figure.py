"""Figure of the calibration: points and caption are the table's numbers."""

import numpy as np
import pandas as pd
import pytest

from galrestore.figures import calibration
from galrestore.files.contracts.calibration import CALIBRATION
from galrestore.measurement.calibration import CALIBRATED


@pytest.fixture
def table():
    rows = [
        {column.name: 0.01 for column in CALIBRATION}
        | {"set": "jwst", "quantity": quantity, "by": by, "bin": k, "image": image, "count": 9}
        | {
            "label": image,
            "middle": 2.0 + k,
            "bias": sign * (0.1 + 0.01 * k),
            "mad": 0.03 + 0.01 * k,
        }
        for quantity in CALIBRATED
        for by in ("S/N", "noise")
        for k in range(3)
        for image, sign in (("LQ", -1), ("net", 1))
    ]
    return pd.DataFrame(rows)


def test_points_and_caption_are_the_tables(table):
    figure, caption = calibration.draw(table, "net", "the net")
    panels = np.array(figure.axes).reshape(2 * len(CALIBRATED), 2)
    for row, values in ((0, [0.1, 0.11, 0.12]), (1, [0.03, 0.04, 0.05])):
        for panel in panels[row::2].flat:
            lines = [c.lines[0].get_xydata()[:, 1] for c in panel.containers]
            sign = -1 if row == 0 else 1
            np.testing.assert_allclose(lines, [np.multiply(sign, values), values])
    assert "n by noise, LQ bias -0.100 ± 0.010 to -0.120 ± 0.010, scatter 0.030 to 0.050" in caption
    assert "RS bias +0.100 ± 0.010 to +0.120 ± 0.010" in caption
    assert "of the net (red diamonds) in 3 bins" in caption
    assert "of 27 test images" in caption


def test_nothing_to_draw(table):
    with pytest.raises(ValueError, match="no bin has three objects measured in GT, LQ and net"):
        calibration.draw(table.assign(bias=np.nan), "net", "the net")
