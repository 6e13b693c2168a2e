"""Figures of morphology, photometry and power: numbers of the tables, points of the objects."""

import numpy as np
import pandas as pd
import pytest

from galrestore.figures import fig06_morphology, fig07_photometry, residual_power
from galrestore.figures.style import save
from galrestore.files.contracts.shapes import SHAPES
from galrestore.measurement.shape_tables import (
    MORPHOLOGY,
    summarise_gains,
    summarise_morphology,
    summarise_photometry,
)
from galrestore.measurement.spatial_frequency import power_spectra, summarise_spectra
from galrestore.provenance import Provenance
from galrestore.rng import stream

COUNT, PIXELS = 30, 4
NAMES = {"GT": "MT-HQ", "LQ": "SG-LQ", "RS": "RS"}


@pytest.fixture(scope="module")
def measured():
    """LQ is off by 0.1 times a normal deviate in all quantities, RS by half of that."""
    rng = stream(13, "test.shape_figures")
    truth, off = rng.uniform(1, 2, COUNT), rng.normal(size=COUNT)
    frames = []
    for image, factor in (("GT", 0.0), ("LQ", 0.1), ("LQ + PSF", 0.2), ("net", 0.05)):
        frame = pd.DataFrame({column.name: [1.0] * COUNT for column in SHAPES})
        for name in ("e1", "e2", "n", "r50"):
            frame[name] = truth + factor * off
        for name in ("i50", "flux_aperture", "flux_isophote"):
            frame[name] = 10 ** (truth + factor * off)
        for name in ("flux_aperture_paper", "flux_isophote_paper"):
            frame[name] = 10 ** (truth + 2 * factor * off)
        frame["noise"], frame["failure"] = np.linspace(0.01, 0.1, COUNT), ""
        frames.append(frame.assign(image=image, set="jwst", id=np.arange(COUNT)))
    objects = pd.concat(frames, ignore_index=True)
    flat = np.repeat(truth, PIXELS)
    samples = pd.concat(
        [
            pd.DataFrame({"truth": flat, "value": flat + factor * np.repeat(off, PIXELS)}).assign(
                image=image, id=np.repeat(np.arange(COUNT), PIXELS)
            )
            for image, factor in (("LQ", 0.1), ("net", 0.05))
        ],
        ignore_index=True,
    )
    return objects, samples


def keyed(image):
    """Return the stream of an image's resamplings."""
    return stream(13, f"b.{image}")


def drawn(measured, names=None):
    objects, samples = measured
    labels = {"net": "the net"}
    gains = summarise_gains(objects, ["net", "LQ + PSF"], labels, 1, 10)
    morphology = summarise_morphology(objects, labels, 1, 10)
    photometry = summarise_photometry(objects, samples, labels, 1, 10)
    given = {} if names is None else {"names": names}
    return {
        "morphology": fig06_morphology.draw(objects, morphology, gains, "net", "the net", **given),
        "photometry": fig07_photometry.draw(
            objects, samples, photometry, gains, "net", "the net", **given
        ),
    }


def test_captions_hold_the_numbers_of_the_tables(measured):
    # RS's differences are half of LQ's: all ratios are 2, whatever they are; LQ with its
    # PSF is twice as bad as LQ.
    figures = drawn(measured)
    _, caption = figures["morphology"]
    assert caption.count("LQ's over RS's RMSE 2.00 ± 0.00, MAD 2.00 ± 0.00") == len(MORPHOLOGY)
    assert "LQ's MAD over its own in n 0.50 ± 0.00, r50 0.50 ± 0.00" in caption
    assert "of 30 stamps" in caption
    assert "Failed fits: 0 of GT, 0 of LQ, 0 of RS" in caption
    _, caption = figures["photometry"]
    assert caption.count("LQ's over RS's RMSE 2.00 ± 0.00") == 3
    # On the paper's scale all fluxes are twice as far off, LQ's too here; pixels are not.
    assert "On the scale of equations 8 and 9: log aperture flux RMSE ratio 2.00" in caption


def test_panels_show_the_objects(measured):
    figure, _ = drawn(measured)["morphology"]
    objects, _ = measured
    panel = figure.axes[2]
    low, restored = (line.get_xydata() for line in panel.lines[1:3])
    truth = objects.loc[objects["image"] == "GT", "n"].to_numpy()
    for points, image in ((low, "LQ"), (restored, "net")):
        values = objects.loc[objects["image"] == image, "n"].to_numpy()
        limits = panel.get_xlim()
        np.testing.assert_allclose(points[:, 0], np.clip(truth, *limits))
        np.testing.assert_allclose(points[:, 1], np.clip(values, *limits))
    assert "net" not in panel.get_ylabel()
    figure, _ = drawn(measured)["photometry"]
    differences = figure.axes[4].lines[2].get_ydata()
    assert len(differences) == COUNT


def test_other_sets_have_other_names(measured):
    for figure, caption in drawn(measured, NAMES).values():
        assert "MT-HQ" in caption
        assert any("MT-HQ" in panel.get_xlabel() for panel in figure.axes)
        assert any("SG-LQ" in text.get_text() for text in figure.axes[0].texts)


def test_nothing_to_compare(measured):
    objects, samples = measured
    objects = objects.assign(failure="index", flux_isophote=np.nan)
    samples = samples.assign(value=np.nan)
    with pytest.raises(ValueError, match="no object was fitted in all of GT, LQ and net"):
        drawn((objects, samples))
    with pytest.raises(ValueError, match="no object has fluxes in all of GT, LQ and net"):
        drawn((objects.assign(failure=""), samples))


def spectrum():
    truth = stream(13, "test.spectrum").normal(size=(50, 32, 32))
    spectra = {
        name: power_spectra(truth, factor * truth, 16)
        for name, factor in (("LQ", 0.5), ("sparse", 0.8), ("net", 0.9))
    }
    return summarise_spectra(spectra, keyed, 10)


def test_power_says_what_was_lost():
    figure, caption = residual_power.draw(spectrum(), "net", {"net": "the net"})
    # Images that are the truth times a factor: amplitude the factor, coherence 1.
    assert "LQ 0.50 / 1.00, 0.50 / 1.00, 0.50 / 1.00; the net 0.90 / 1.00" in caption
    assert "over 50 test images" in caption
    residuals = {line.get_label(): line.get_ydata() for line in figure.axes[2].lines}
    np.testing.assert_allclose(residuals["sparse"], 0.04)
    with pytest.raises(ValueError, match="no object has a spectrum"):
        residual_power.draw(spectrum().assign(count=0), "net", {})


def test_equal_input_gives_equal_files(measured, tmp_path):
    record = Provenance("present", "ab12", "{}", 7)
    for name in "ab":
        figures = drawn(measured) | {"power": residual_power.draw(spectrum(), "net", {})}
        for kind, (figure, caption) in figures.items():
            (tmp_path / name).mkdir(exist_ok=True)
            files = [tmp_path / name / f"{kind}.{end}" for end in ("pdf", "png")]
            save(figure, caption, *files, record)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
