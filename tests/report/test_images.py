"""Stamps and figures inside a page hold the right pixels; scale bars are true."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from galrestore.errors import InputError
from galrestore.files.figures import read_caption, read_figure, read_provenance
from galrestore.page.images import figure_uri, make_galaxies, scale_bar, stamp_uri
from galrestore.provenance import Provenance


def decoded(uri):
    head, data = uri.split(",")
    assert head in ("data:image/png;base64", "data:image/webp;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_stamps_have_256_greys_and_the_first_row_at_the_bottom():
    image = np.array([[0.0, 1.0], [0.5, 2.0]])
    # 0.5 * 255 = 127.5 goes to the even 128; beyond 1 is white.
    assert decoded(stamp_uri(image)).tolist() == [[128, 255], [0, 255]]


def test_figures_lose_nothing():
    pixels = np.random.default_rng(3).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert np.array_equal(decoded(figure_uri(Image.fromarray(pixels))), pixels)


@pytest.mark.parametrize(
    ("side", "scale", "length", "text"),
    [
        # 64 pixels of 0.03 arcsec are 1.92 arcsec: 0.5 is a quarter, 1 would be over 0.4.
        (64, 0.03, 0.5 / 1.92, "0.5″"),
        (64, 0.0625, 0.25, "1″"),
        (20, 0.01, 0.5, "0.1″"),
        (64, None, 0.25, "16 px"),
    ],
)
def test_scale_bars(side, scale, length, text):
    found, said = scale_bar(side, scale)
    assert found == pytest.approx(length, rel=1e-12)
    assert said == text


def test_galaxies_show_lq_and_rs_on_the_scale_of_gt():
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:32, :32]
    truth = np.exp(-np.hypot(y - 14, x - 18) / 4)[None] + rng.normal(0, 0.01, (1, 32, 32))
    about = pd.DataFrame({"id": [7], "source": ["m"], "noise": [0.05]})
    # Images that differ from GT by zero point and scale alone are shown as GT is.
    (galaxy,) = make_galaxies(0.5 * truth + 3, 2 * truth - 1, truth, about, {"m": 0.05})
    frames = {name: decoded(uri) for name, uri, _ in galaxy.frames}
    assert list(frames) == ["LQ", "RS", "GT"]
    for name in ("LQ", "RS"):
        # Rounding of the match may move a pixel to the next grey.
        assert np.abs(frames[name].astype(int) - frames["GT"]).max() <= 1
    row, column = np.unravel_index(frames["GT"].argmax(), (32, 32))
    assert abs(row - (31 - 14)) <= 1
    assert abs(column - 18) <= 1
    assert frames["GT"].max() == 255
    assert galaxy.frames[0][2].startswith("Galaxy 7 of m, low quality, noise rms 0.050, ")
    assert (galaxy.bar, galaxy.bar_text) == (pytest.approx(0.5 / 1.6), "0.5″")


@pytest.fixture
def figure(tmp_path):
    record = Provenance("present", "ab", "{}", 3)
    about = PngInfo()
    about.add_text("Description", "3 galaxies, ± 1")
    about.add_text("galrestore", record.to_json())
    path = tmp_path / "figure.png"
    Image.new("RGBA", (5, 4), (255, 0, 0, 0)).save(path, pnginfo=about)
    return path, record


def test_figures_hold_caption_and_record(figure):
    path, record = figure
    assert read_caption(path) == "3 galaxies, ± 1"
    assert read_provenance(path) == record
    assert np.asarray(read_figure(path)).tolist() == [[[255, 255, 255]] * 5] * 4


def test_foreign_and_broken_figures_are_refused(figure, tmp_path):
    Image.new("L", (5, 4)).save(tmp_path / "foreign.png")
    with pytest.raises(InputError, match=r"foreign.png: holds no caption"):
        read_caption(tmp_path / "foreign.png")
    with pytest.raises(InputError, match=r"missing.png: does not exist"):
        read_figure(tmp_path / "missing.png")
    path, _ = figure
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"figure.png: is not a readable PNG file"):
        read_figure(path)
