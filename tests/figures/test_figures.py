"""Figures: what they choose and say, and that equal input gives equal bytes."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from galrestore.figures import (
    fig03_sizes,
    fig04_corner,
    fig05_examples,
    fit_quality,
    published_fits,
    selection_funnel,
    star_locus,
)
from galrestore.figures.style import save, style
from galrestore.files.contracts.published_fits import PUBLISHED_FITS
from galrestore.measurement.published_fits import summarise
from galrestore.provenance import Provenance
from galrestore.rng import stream

SHAPE = (31, 37)
RECORD = Provenance("present", "ab12", "{}", 7, {"a.fits": "00"})


def smooth_galaxy():
    rows, columns = np.indices(SHAPE)
    return np.exp(-((rows - 15) ** 2 + (columns - 18) ** 2) / (2 * 6.0**2))


def clumpy_galaxy():
    rows, columns = np.indices(SHAPE)
    clumps = [
        np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * 1.2**2))
        for y, x in ((10, 14), (19, 20), (14, 24))
    ]
    clumpy = smooth_galaxy() + 0.8 * np.sum(clumps, axis=0)
    return clumpy / clumpy.max()


def stamps(clumpy, count=12):
    """Smooth galaxies, of which some are clumpy."""
    cube = np.stack([smooth_galaxy()] * count)
    cube[clumpy] = clumpy_galaxy()
    return cube + stream(2, "test.figures").normal(0, 0.003, cube.shape)


def test_examples_are_the_richest_of_each_class_of_noise():
    # Twelve images in a shuffled order of noise; three classes of four, one clumpy each.
    order = stream(2, "test.order").permutation(12)
    noise = np.empty(12)
    noise[order] = np.linspace(0.01, 0.09, 12)
    clumpy = order[[1, 6, 8]]
    assert fig05_examples.choose(stamps(clumpy), noise, 3).tolist() == clumpy.tolist()


def test_fewer_images_than_rows():
    rows = fig05_examples.choose(stamps([0], count=2), np.array([0.05, 0.02]), 6)
    assert rows.tolist() == [1, 0]


def drawn_examples():
    truth = stamps([1], count=2)
    return fig05_examples.draw(0.5 * truth + 0.2, truth + 0.01, truth, np.array([0.02, 0.07]), "me")


def drawn_sizes():
    widths = np.array([10, 10, 12, 60, 128, 130, 200])
    return fig03_sizes.draw(widths, np.array([1, 0, 1, 1, 1, 1, 0], dtype=bool), 128)


def drawn_published():
    blank = {"str": "", "int64": 0, "float64": np.nan}
    table = pd.DataFrame({c.name: [blank[c.dtype]] * 6 for c in PUBLISHED_FITS})
    table["mosaic"], table["psf"], table["image"] = "bright", "gaussian", np.arange(6)
    table["published_n"], table["n_error"] = np.linspace(1, 3, 6), 0.1
    table["n"] = table["published_n"] * np.exp([0.0, 0.1, 0.2, 0.3, 1.5, 0.1])
    table.loc[5, "failure"] = "index"
    return published_fits.draw(table, summarise(table))


def test_published_fits_name_outliers_and_count_failures():
    # ln n of five good fits differs by 0, .1, .2, .3, 1.5: median .2, deviations' median .1,
    # scatter .148; the error of the median is 1.253 x .148 / sqrt(5) = .083.
    figure, caption = drawn_published()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "4" in texts
    assert any("+0.200 ± 0.083, scatter 0.148, N = 5" in text for text in texts)
    assert "6 galaxies of bright" in caption
    assert "1 of bright with the gaussian PSF" in caption
    assert len([axes for axes in figure.axes if axes.axison]) == 1


def test_examples_show_what_the_caption_says():
    figure, caption = drawn_examples()
    axes = figure.axes
    assert [panel.get_title() for panel in axes[:4]] == ["LQ", "RS", "GT", "GT - RS"]
    assert [panel.get_ylabel() for panel in axes[::4]] == ["noise rms 0.020", "noise rms 0.070"]
    # RS = GT + 0.01 everywhere: PSNR = 20 log10(max / 0.01), max = 1 + 3 sigma of 0.003.
    assert axes[1].texts[0].get_text() in ("40.0 dB", "40.1 dB")
    assert "rms 0.020 to 0.070" in caption
    # LQ is GT on another scale: matched, the panels are equal.
    np.testing.assert_allclose(
        axes[0].images[0].get_array(), axes[2].images[0].get_array(), atol=1e-12
    )


def test_sizes_count_what_the_caption_says():
    figure, caption = drawn_sizes()
    assert "7 detected" in caption
    assert "median 60 px, largest 200 px; 2 are wider than 128 px" in caption
    assert "the 5 sources that pass all other criteria, of which 1 are wider" in caption
    filled = [patch.get_height() for patch in figure.axes[0].patches[1:]]
    assert sum(filled) == 5


def drawn_locus(**changes):
    stars = {
        "mosaic": "acs", "locus_r50": 1.2, "locus_width": 0.03, "locus_sigma": 3.0,
        "locus_noise": 0.0, "locus_stars": 9, "least_snr": 20.0, "least_flux": 0.0,
        "largest_flux": np.inf, "psf_stars": 8, "star_fwhm": 2.04,
    }  # fmt: skip
    flux = np.array([1000, 100, 40, 300, 20, -5, np.nan])
    sources = pd.DataFrame({"flux_auto": flux, "r50": [1.2, 1.2, 1.25, 6, 3, 2, np.nan]})
    sources["snr"] = sources["flux_auto"]
    sources["reject_star"] = [True, True, True, False, False, False, False]
    sources["rejected_by"] = ["star", "star", "small", "", "faint", "small", "width"]
    return star_locus.draw([(stars | changes, sources), (stars | {"mosaic": "b"}, sources[:0])])


def test_locus_shows_stars_limits_and_the_accepted():
    figure, caption = drawn_locus()
    panel = figure.axes[0]
    others, accepted, star = (line.get_xydata() for line in panel.lines[:3])
    np.testing.assert_allclose(star, [[-7.5, 1.2], [-5, 1.2], [-2.5 * np.log10(40), 1.25]])
    np.testing.assert_allclose(accepted, [[-2.5 * np.log10(300), 6]])
    assert len(others) == 1  # what has no flux or radius cannot be shown
    band = panel.collections[0].get_paths()[0].get_extents()
    np.testing.assert_allclose([band.y0, band.y1], 1.2 * np.exp([-0.09, 0.09]))
    # Confusion at the source of S/N 20.
    np.testing.assert_allclose(band.x1, -2.5 * np.log10(20))
    assert panel.get_title(loc="left") == "acs\n3 stars, FWHM 2.04 px"
    assert "acs 3 (r50 = 1.20 px, fitted to 9), b 0" in caption


def test_noise_widens_the_locus_at_the_faint_end():
    # Flux is S/N here: at the limit of S/N 20 the half width is 3 x sqrt(0.03^2 + 0.05^2).
    figure, _ = drawn_locus(locus_noise=1.0)
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    half = 3 * np.hypot(0.03, 0.05)
    np.testing.assert_allclose([band.y0, band.y1], 1.2 * np.exp([-half, half]))


def test_locus_ends_at_the_limits_given():
    figure, caption = drawn_locus(least_flux=50.0, largest_flux=500.0, locus_stars=0, psf_stars=0)
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    np.testing.assert_allclose([band.x0, band.x1], -2.5 * np.log10([500, 50]))
    assert figure.axes[0].get_title(loc="left") == "acs\n3 stars"
    assert "from the PSF stated" in caption


def drawn_funnel(**changes):
    steps = {"detected": 100, "small": 60, "faint": 10, "accepted": 30} | changes
    rows = [
        {"mosaic": mosaic, "telescope": telescope, "criterion": name, "first": factor * count}
        for mosaic, telescope, factor in (("a", "hst", 1), ("b", "hst", 2), ("all hst", "hst", 3))
        for name, count in steps.items()
    ]
    return selection_funnel.draw(pd.DataFrame(rows))


def test_funnel_counts_what_is_left():
    figure, caption = drawn_funnel()
    lines = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].lines}
    assert lines == {"a": [100, 40, 30], "b": [200, 80, 60], "all hst": [300, 120, 90]}
    assert [text.get_text() for text in figure.axes[0].texts] == ["300", "120", "90"]
    assert "accepted are 90 of 300 for HST." in caption


def test_an_empty_funnel_is_drawn_too():
    figure, _ = drawn_funnel(small=90, accepted=0)
    assert figure.axes[0].get_yscale() == "symlog"


def fits(count, failed=0, shift=0.0):
    """Fits of galaxies spread over two decades, the last of which failed."""
    rng = stream(4, "test.corner", count)
    table = {name: np.exp(shift + 0.5 * rng.normal(size=count)) for name in ("n", "flux", "r50")}
    table["q"], table["noise"] = rng.uniform(0.2, 0.9, count), rng.uniform(0.01, 0.09, count)
    table["theta"] = rng.uniform(0, np.pi, count)
    table["failure"] = np.array([""] * (count - failed) + ["index"] * failed, dtype=object)
    return table


def drawn_corner():
    return fig04_corner.draw(fits(400, failed=30), fits(5000, failed=7))


def test_corner_leaves_failures_out_and_counts_them():
    figure, caption = drawn_corner()
    assert "fits of 370 HST stamps" in caption
    assert "of 4993 low-quality GalSim images" in caption
    assert "fits that failed, 30 and 7, are left out" in caption
    assert sum(panel.get_visible() for panel in figure.axes) == 15
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["HST, 370 fits", "GalSim LQ, 4993 fits"]
    # Histograms share out the sample: sums are bins x share within the axes.
    heights = np.array([patch.get_xy()[:, 1].max() for patch in figure.axes[0].patches])
    assert np.all((heights > 0.5) & (heights < 3))


def test_corner_says_how_far_the_samples_are_apart():
    same = fits(400)
    assert "by 0.000 in the median and 0.000 at most" in fig04_corner.draw(same, same)[1]
    # Medians of ln n, ln flux and ln R50 differ by one standard deviation: D = 0.38.
    caption = fig04_corner.draw(same, fits(5000, shift=0.5))[1]
    distance = float(caption.split("in the median and ")[1].split()[0])
    assert distance == pytest.approx(0.383, abs=0.1)


def test_corner_of_too_few_fits():
    with pytest.raises(ValueError, match="5 of 9 HST fits are good"):
        fig04_corner.draw(fits(9, failed=4), fits(50))


def fitted(truth, failed=6):
    """Fits with errors known beforehand, the last of which failed."""
    table = {name: np.array(values) for name, values in truth.items()}
    signs = np.where(np.arange(len(table["n"])) % 2, 1, -1)
    table["n"] = table["n"] * np.exp(0.1 + 0.05 * signs)
    table["model_flux"] = table["flux"] * np.exp(-0.2)
    table["failure"][len(signs) - failed :] = "index"
    table["failure"][-1] = "blank"
    for name in ("n", "r50", "q", "theta", "model_flux"):
        table[name][-1] = np.nan
    return table


def drawn_quality():
    truth = fits(200)
    return fit_quality.draw(fitted(truth), truth)


def test_quality_counts_failures_and_states_residuals():
    figure, caption = drawn_quality()
    assert "fits of 200 low-quality" in caption
    assert "6 fits failed (1 blank, 5 index)" in caption
    # Half of ln n is 0.05 above its median of 0.1, half below: robust scatter 1.4826 x 0.05.
    assert "ln n +0.100 ± 0.074" in caption
    assert "ln flux -0.200 ± 0.000" in caption
    assert "e2 +0.000 ± 0.000" in caption
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert len(crosses[0].get_xdata()) == 6
    assert [text.get_text() for text in figure.axes[-1].get_legend().get_texts()] == [
        "all 200 fits",
        "6 failed",
    ]


def test_residuals_of_ellipticities_know_no_wrap():
    # At theta = 0 and pi - 0.01 galaxies look almost alike; e = 1/3 for q = 1/2.
    truth = {"n": [1.0], "r50": [2.0], "flux": [3.0], "q": [0.5], "theta": [0.0]}
    found = truth | {"theta": [np.pi - 0.01], "model_flux": [3.0]}
    difference = fit_quality.residuals(found, truth)[2]
    assert difference["e1"][0] == pytest.approx(np.cos(0.02) / 3 - 1 / 3)
    assert difference["e2"][0] == pytest.approx(-np.sin(0.02) / 3)


def test_quality_of_failures_only():
    truth = fits(20)
    with pytest.raises(ValueError, match="none of 20 fits is good"):
        fit_quality.draw(fitted(truth, failed=20), truth)


@pytest.mark.parametrize(
    "draw",
    [
        drawn_sizes,
        drawn_corner,
        drawn_examples,
        drawn_quality,
        drawn_published,
        drawn_locus,
        drawn_funnel,
    ],
)
def test_equal_input_gives_equal_bytes_and_files_explain_themselves(draw, tmp_path):
    for folder in ("a", "b"):
        figure, caption = draw()
        save(figure, caption, tmp_path / folder / "f.pdf", tmp_path / folder / "f.png", RECORD)
    for name in ("f.pdf", "f.png"):
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes()
        assert b"CreationDate" not in first
    with Image.open(tmp_path / "a" / "f.png") as image:
        assert image.text["Description"] == caption
        assert Provenance.from_json(image.text["galrestore"]) == RECORD
    assert b"/Type0" in (tmp_path / "a" / "f.pdf").read_bytes()  # text stays text


def test_a_failure_leaves_neither_file(tmp_path, monkeypatch):
    figure, caption = drawn_sizes()

    def full(path, **keywords):
        path.write_bytes(b"half")
        if keywords["format"] == "png":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(OSError, match="No space"):
        save(figure, caption, tmp_path / "f.pdf", tmp_path / "f.png", RECORD)
    assert list(tmp_path.iterdir()) == []


def test_users_settings_do_not_change_the_look():
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 30}), style():
        assert mpl.rcParams["font.size"] == 8.0
    assert mpl.rcParams["pdf.fonttype"] == 3  # and the look does not leak out
