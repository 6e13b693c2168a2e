"""Report and page in headless Chromium: all is seen, nothing is requested, sliders move."""

import base64
import io
import shutil
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from galrestore.files.figures import read_caption

pytestmark = pytest.mark.workflow

FIGURE = "results/figures/fig05_examples.png"
TABLE = "results/report/tables/table1_jwst.html"
CLAIMS = "results/report/tables/claims.html"
PROVENANCE = "results/report/tables/provenance.html"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


class Watched:
    """A page of the browser, with what it asked for and complained about."""

    def __init__(self, context):
        self.page = context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: message.type == "error" and self.complaints.append(message.text),
        )

    def leaving(self):
        """Requests that would leave the machine."""
        return [url for url in self.requests if not url.startswith(("data:", "file:", "blob:"))]


@pytest.fixture(scope="module")
def browser(need):
    program = shutil.which("chromium")
    if program is None:
        need("chromium, the Debian package, is not installed")
    with sync_playwright() as playwright:
        # Names of hosts are not resolved: a request can be seen, but not get out.
        options = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open a file in a window of its own."""
    contexts = []

    def opened(path, viewport=DESKTOP, **options):
        contexts.append(browser.new_context(viewport=viewport, **options))
        watched = Watched(contexts[-1])
        watched.page.goto(path.as_uri())
        return watched

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """The run as Snakemake's report: one file, and the archive unpacked."""
    folder = tmp_path_factory.mktemp("report")
    style = ("--report-stylesheet", "workflow/report/report.css")
    for name in ("whole.html", "parts.zip"):
        finished.snakemake("--report", str(folder / name), *style)
    with ZipFile(folder / "parts.zip") as archive:
        archive.extractall(folder)
    return {"html": folder / "whole.html", "zip": folder / "parts" / "report.html"}


def test_the_watch_sees_what_would_leave(open_page, tmp_path):
    path = tmp_path / "leaky.html"
    path.write_text('<img src="http://galaxies.invalid/a.png"><script>missing()</script>')
    watched = open_page(path)
    assert watched.leaving() == ["http://galaxies.invalid/a.png"]
    assert any("missing is not defined" in text for text in watched.complaints)


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_every_figure_of_the_report_is_seen(report, open_page, kind):
    watched = open_page(report[kind])
    page = watched.page
    page.wait_for_selector("nav")
    widths = page.evaluate(
        """async () => Promise.all(Object.entries(results)
            .filter(([path]) => path.endsWith(".png"))
            .map(async ([path, result]) => {
                const image = new Image();
                image.src = result.data_uri;
                await image.decode();
                return [path, image.naturalWidth];
            }))"""
    )
    assert len(widths) == 23
    assert {path: width for path, width in widths if width < 500} == {}
    assert watched.leaving() == []
    assert watched.complaints == []


@pytest.mark.parametrize("kind", ["html", "zip"])
def test_the_report_is_walked_through(report, finished, open_page, kind):
    watched = open_page(report[kind])
    page = watched.page
    page.get_by_role("link", name="3. Restored images and Table 1").last.click()
    page.get_by_text("Figures", exact=True).click()
    row = page.locator("tr", has_text="Restored galaxies")
    row.locator("a").first.click()
    shown = page.locator("div.grow img")
    assert shown.evaluate("image => image.src.includes('fig05_examples.png')")
    assert shown.evaluate("async image => (await image.decode(), image.naturalWidth)") > 500
    # The top of a tall figure can be reached.
    page.evaluate("document.querySelector('div.grow').scrollTop = 0")
    assert shown.bounding_box()["y"] >= 0
    row.locator("a").last.click()
    caption = " ".join(page.locator("nav").first.inner_text().split())
    assert f"Figure 5 of the paper. {read_caption(finished.folder / FIGURE)}" in caption
    page.evaluate(f"app.setView({{content: 'html', contentPath: results['{TABLE}'].data_uri}})")
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").inner_text() == "Table 1: scores on the test images of set jwst"
    scores = (finished.folder / "results/tables/table1_jwst.csv").read_text().splitlines()
    assert frame.locator("tbody").first.locator("tr").count() == len(scores) - 1
    assert watched.leaving() == []
    assert watched.complaints == []


def test_the_report_tells_claims_provenance_and_times(report, open_page):
    page = open_page(report["html"]).page
    assert page.evaluate("Object.keys(categories).length") == 7
    last = page.evaluate("Object.keys(categories).sort().pop()")
    assert page.evaluate(f"categories['{last}'].Tables") == [CLAIMS, PROVENANCE]
    timed = page.evaluate("[...new Set(runtimes_spec.data.values.map(job => job.rule))]")
    assert {"select", "train", "restore_network", "report_page"} <= set(timed)
    text = page.evaluate(
        f"decodeURIComponent(escape(atob(results['{PROVENANCE}'].data_uri.split(',')[1])))"
    )
    for stage in ("acquire", "select", "train", "present_claims"):
        assert f"<td>{stage}</td>" in text
    assert "seed 20240331" in text
    described = page.evaluate("Object.values(results).filter(result => !result.caption).length")
    assert described == 0


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole(finished, open_page, viewport, scheme):
    path = finished.folder / "results/report/index.html"
    assert path.stat().st_size < 8e6
    watched = open_page(path, viewport, color_scheme=scheme)
    page = watched.page
    images = page.evaluate("[...document.images].map(i => [i.alt, i.naturalWidth])")
    galaxies = page.locator(".galaxy").count()
    assert galaxies > 0
    assert len(images) == 23 + 3 * galaxies
    assert [alt for alt, width in images if not width or not alt] == []
    # Nothing but tables is wider than the window, and those scroll by themselves.
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 27)"}[scheme]
    assert page.locator("#numbers li").count() >= 5
    assert page.locator("#claims tbody tr").count() > 20
    assert watched.requests == [path.as_uri()] + [u for u in watched.requests if u[:5] == "data:"]
    assert watched.complaints == []


def stamp(galaxy, name):
    """Greys of LQ, RS or GT as the page holds them."""
    uri = galaxy.locator("img").nth(["LQ", "RS", "GT"].index(name)).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def seen(galaxy, side):
    """Greys on the screen at the centres of the stamp's pixels."""
    shot = Image.open(io.BytesIO(galaxy.locator(".frames").screenshot())).convert("L")
    rows, columns = (
        ((np.arange(side) + 0.5) * length / side).astype(int) for length in shot.size[::-1]
    )
    return np.asarray(shot)[np.ix_(rows, columns)]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_slider_moves_by_keyboard_from_lq_by_rs_to_gt(finished, open_page, viewport):
    page = open_page(finished.folder / "results/report/index.html", viewport).page
    galaxy = page.locator(".galaxy").first
    slider = galaxy.locator("input")
    stamps = {name: stamp(galaxy, name) for name in ("LQ", "RS", "GT")}
    side = len(stamps["LQ"])
    # Labels, scale bar and the line between two images lie outside these pixels.
    rows = slice(side // 4, 3 * side // 4)
    quarter, half = side // 4, side // 2
    slider.focus()
    for keys, left, right in (
        (["Home"], "LQ", "LQ"),
        (["ArrowRight"] * 10, "RS", "LQ"),
        (["ArrowRight"] * 10, "RS", "RS"),
        (["ArrowRight"] * 10, "GT", "RS"),
        (["End"], "GT", "GT"),
    ):
        for key in keys:
            page.keyboard.press(key)
        shown = seen(galaxy, side)[rows].astype(int)
        for name, columns in ((left, slice(quarter)), (right, slice(half + 2, half + quarter))):
            # Composition on the screen may move a grey by one.
            assert np.abs(shown[:, columns] - stamps[name][rows, columns]).max() <= 1
        said = slider.get_attribute("aria-valuetext")
        assert said == (f"{left} 100%" if left == right else f"{left} 50%, {right} 50%")


def test_one_button_moves_all_sliders(finished, open_page):
    page = open_page(finished.folder / "results/report/index.html").page
    page.get_by_role("button", name="GT").click()
    values = page.locator(".galaxy input").evaluate_all("inputs => inputs.map(i => i.value)")
    assert set(values) == {"200"}


def test_print_and_a_page_without_scripts_show_all_three(finished, open_page):
    path = finished.folder / "results/report/index.html"
    printed = open_page(path).page
    printed.emulate_media(media="print")
    plain = open_page(path, java_script_enabled=False).page
    for page in (printed, plain):
        frames = page.locator(".galaxy").first.locator(".frame")
        boxes = [frames.nth(k).bounding_box() for k in range(3)]
        # Side by side in one row, none over another.
        assert len({round(box["y"]) for box in boxes}) == 1
        ends = [box["x"] + box["width"] for box in boxes[:2]]
        assert all(box["x"] >= end for box, end in zip(boxes[1:], ends, strict=True))
    assert not printed.locator(".slider").first.is_visible()
    assert plain.locator(".slider").count() == 0
