"""Stage ``present_page``: figures and tables in, texts of the report or a page out."""

from pathlib import Path

import numpy as np

from galrestore.checks.artefacts import Artefacts
from galrestore.config import Present
from galrestore.errors import EmptyError, InputError
from galrestore.figures.fig05_examples import choose
from galrestore.files.atomic import atomic
from galrestore.files.contracts.claims import CLAIMS
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.cubes import read_cube, read_ids
from galrestore.files.figures import read_caption, read_figure, read_provenance
from galrestore.files.tables import concatenate, read_table
from galrestore.page.contents import entry_of
from galrestore.page.headlines import headlines
from galrestore.page.images import figure_uri, make_galaxies
from galrestore.page.making import making_of
from galrestore.page.markdown import escape_rst, first_paragraph, to_html
from galrestore.page.render import render_making, render_page, render_table
from galrestore.stages.common import add_common_arguments, provenance

_SKIES = {"simulated": "simulated", "local": "the user's own images", "mast": "images of MAST"}


def add_arguments(parser):
    """Declare the files of the report's texts and of the page."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    texts = kinds.add_parser("texts", help="captions and tables for Snakemake's report")
    texts.add_argument("--figures", type=Path, nargs="*", default=[], help="PNG")
    texts.add_argument("--tables", type=Path, nargs="*", default=[], help="Markdown")
    texts.add_argument("--captions", type=Path, required=True, help="folder of captions to write")
    texts.add_argument("--pages", type=Path, required=True, help="folder of pages to write")
    texts.set_defaults(make=_texts)
    page = kinds.add_parser("page", help="one page of a run, to send to others")
    page.add_argument("--table1", type=Path, nargs=2, required=True, metavar=("PARQUET", "MD"))
    page.add_argument("--claims", type=Path, nargs=2, required=True, metavar=("PARQUET", "MD"))
    page.add_argument("--figures", type=Path, nargs="*", default=[], help="PNG, in their order")
    page.add_argument("--images", type=Path, required=True, help="FITS cubes GT, LQ of the set")
    page.add_argument("--table", type=Path, required=True, help="Parquet table of the set")
    page.add_argument("--restored", type=Path, required=True, help="FITS cube RS")
    page.add_argument("--manifests", type=Path, nargs="*", default=[], help="of the mosaics")
    page.add_argument("--shown", required=True, help="method that stands for the paper's network")
    page.add_argument("--networks", nargs="*", default=[], help="methods that are networks")
    page.add_argument("--doors", nargs="*", default=[], choices=_SKIES, help="of the mosaics")
    page.add_argument("--output", type=Path, required=True, help="HTML file")
    page.set_defaults(make=_page)
    for kind in (texts, page):
        kind.add_argument("--results", type=Path, required=True, help="folder of results")
        kind.add_argument("--files", type=Path, nargs="+", required=True, help="of the run")
        add_common_arguments(kind, Present)


def run(args):
    """Run the stage."""
    args.make(args)


def _texts(args):
    for path in args.figures:
        _write_caption(args, path, read_caption(path))
    for path in args.tables:
        text = path.read_text(encoding="utf-8")
        title = entry_of(path).title
        _write_caption(args, path, first_paragraph(text) or f"{title}.")
        _write(args.pages / f"{path.stem}.html", render_table(title, to_html(text)))
    _write_caption(args, Path("provenance.md"), "Stages, code, settings, seed and software.")
    _write(args.pages / "provenance.html", render_making(_making(args)))


def _write_caption(args, path, caption):
    entry = entry_of(path)
    place = f"{entry.paper} of the paper." if entry.paper else ""
    text = " ".join(part for part in (place, caption) if part)
    _write(args.captions / f"{path.stem}{path.suffix}.rst", f"{escape_rst(text)}\n")


def _write(path, text):
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def _making(args):
    artefacts = Artefacts(args.results, args.files)
    records = [artefacts.provenance(name) for name in artefacts.files]
    return making_of([*records, *(read_provenance(path) for path in args.figures)])


def _page(args):
    table1, claims = read_table(args.table1[0], TABLE1), read_table(args.claims[0], CLAIMS)
    text, *more = args.table1[1].read_text(encoding="utf-8").split("\n## ", 1)
    shown = table1[table1["method"] == args.shown]
    if shown.empty:
        raise InputError(args.table1[0], f"holds no scores of {args.shown}", "rerun present")
    inputs = [*args.table1, *args.claims, *args.figures, args.images, args.table, args.restored]
    html = render_page(
        sky=" and ".join(_SKIES[door] for door in args.doors) or "ready pairs",
        headlines=headlines(table1, claims, args.shown, args.networks),
        galaxies=_galaxies(args),
        method=f"the network trained on {shown['label'].iloc[0]}",
        table1=to_html(_without_title(text), 3),
        more_of_table1=to_html(f"## {more[0]}", 2) if more else "",
        claims=to_html(_without_title(args.claims[1].read_text(encoding="utf-8")), 3),
        figures=[_figure(path) for path in args.figures],
        making=_making(args),
        record=provenance(args, [*inputs, *args.manifests]).to_json(),
    )
    _write(args.output, html)


def _without_title(text):
    first, _, rest = text.partition("\n")
    return rest if first.startswith("# ") else text


def _figure(path):
    image = read_figure(path)
    return {
        "name": path.stem,
        "entry": entry_of(path),
        "caption": read_caption(path),
        "uri": figure_uri(image),
        "width": image.width,
        "height": image.height,
    }


def _galaxies(args):
    pairs = read_table(args.table, PAIRS)
    tested = np.flatnonzero(pairs["split"] == "test")
    if len(tested) == 0:
        raise EmptyError(f"{args.table}: no pair is in the test split, no galaxy can be shown")
    if not np.array_equal(read_ids(args.restored), pairs["id"].iloc[tested]):
        raise InputError(args.restored, f"has other objects than the test split of {args.table}")
    truth = read_cube(args.images, "GT", tested)
    noise = pairs["noise"].to_numpy()[tested]
    rows = choose(truth, noise, args.settings.page_galaxies)
    low_quality = read_cube(args.images, "LQ", tested[rows])
    restored = read_cube(args.restored, "RS", rows)
    about = pairs.iloc[tested[rows]]
    scales = {}
    if args.manifests:
        mosaics = concatenate(args.manifests, MANIFEST)
        scales = dict(zip(mosaics["mosaic"], mosaics["pixel_scale"], strict=True))
    return make_galaxies(low_quality, restored, truth[rows], about, scales)
