"""Training curves: where phases begin, what is marked, and the axis of images."""

import numpy as np
import pandas as pd
from PIL import Image

from galrestore.figures import training_curves
from galrestore.figures.style import save
from galrestore.provenance import Provenance


def _history(psnr, every=10):
    step = every * np.arange(1, len(psnr) + 1)
    frame = pd.DataFrame({"step": step, "learning_rate": 1e-3, "loss": 0.5 / step})
    frame["validation_psnr"], frame["validation_ssim"] = psnr, 0.8
    frame["best"] = frame["validation_psnr"] == frame["validation_psnr"].cummax()
    return frame


HISTORIES = {
    "net/galsim": _history([20.0, 24.0, 23.0]),
    "net/galsim-jwst": _history([25.0, 26.0]),
    "other/jwst": _history([19.0]),
}


def _panels(figure):
    return [axes for axes in figure.axes if axes.get_ylabel()]


def test_phases_begin_where_the_phase_before_ends():
    figure, _ = training_curves.draw(HISTORIES, dict.fromkeys(HISTORIES, 4))
    lines = {line.get_label(): line.get_xdata() for line in _panels(figure)[0].get_lines()}
    assert lines["net/galsim"].tolist() == [10, 20, 30]
    assert lines["net/galsim-jwst"].tolist() == [40, 50]
    assert lines["other/jwst"].tolist() == [10]


def test_the_best_weights_are_marked_and_stated():
    figure, caption = training_curves.draw(HISTORIES, dict.fromkeys(HISTORIES, 4))
    marks = [line for line in _panels(figure)[1].get_lines() if len(line.get_xdata()) == 1]
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks if line.get_ms() == 6]
    assert marks == [(20, 24.0), (50, 26.0), (10, 19.0)]
    assert "net/galsim 24.00 dB / 0.800 at step 20 of 30 (120 images)" in caption


def test_images_have_an_axis_only_where_all_steps_hold_as_many():
    same, _ = training_curves.draw(HISTORIES, dict.fromkeys(HISTORIES, 4))
    above = _panels(same)[0].child_axes[0]
    assert above.get_xlabel() == "images seen"
    same.draw_without_rendering()
    np.testing.assert_allclose(above.get_xlim(), 4 * np.array(_panels(same)[0].get_xlim()))
    sizes = {"net/galsim": 4, "net/galsim-jwst": 4, "other/jwst": 8}
    differing, caption = training_curves.draw(HISTORIES, sizes)
    assert not _panels(differing)[0].child_axes
    assert "of 10 (80 images)" in caption


def test_equal_input_gives_equal_bytes(tmp_path):
    record = Provenance("present", "ab12", "{}", 7)
    for folder in ("a", "b"):
        figure, caption = training_curves.draw(HISTORIES, dict.fromkeys(HISTORIES, 4))
        save(figure, caption, tmp_path / folder / "f.pdf", tmp_path / folder / "f.png", record)
    for name in ("f.pdf", "f.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with Image.open(tmp_path / "a" / "f.png") as image:
        assert image.text["Description"] == caption
