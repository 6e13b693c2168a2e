"""Settings of the archive's door, and what a run makes of its product list."""

import datetime
import json
from pathlib import Path

import pytest
import yaml

from galrestore import config
from galrestore.config.archive import Archive, ArchiveMosaic, ArchiveQuery
from galrestore.config.lock import Product, format_lock
from galrestore.errors import SettingsError

NIRCAM = {
    "telescope": "jwst",
    "instrument": "NIRCAM",
    "band": "F115W",
    "field": "ceers",
    "format": "i2d",
    "psf_fwhm": 0.04,
    "science": "mast:JWST/product/jw1_i2d.fits",
}
ACS = NIRCAM | {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F606W",
    "field": "hudf",
    "format": "hlf",
    "pixel_scale": 0.06,
    "science": "mast:HLSP/a_sci.fits",
    "weight": "mast:HLSP/a_wht.fits",
}
LISTED = [
    {"field": "hudf", "mosaic": "acs", "entry": "acs", "role": "sci", "band": "F606W",
     "uri": "mast:HLSP/a_sci.fits", "size": 2_000_000_000},
    {"field": "hudf", "mosaic": "acs", "entry": "acs", "role": "wht", "band": "F606W",
     "uri": "mast:HLSP/a_wht.fits"},
    {"field": "ceers", "mosaic": "nircam_o1", "entry": "nircam", "role": "i2d", "band": "F115W",
     "uri": "mast:JWST/product/jw1_i2d.fits", "size": 500_000_000},
    {"field": "ceers", "mosaic": "nircam_o2", "entry": "nircam", "role": "i2d", "band": "F115W",
     "uri": "mast:JWST/product/jw2_i2d.fits", "size": 500_000_000},
    {"field": "hudf", "mosaic": "flc", "entry": "flc", "role": "flc", "band": "F606W",
     "uri": "mast:HST/product/j1_flc.fits", "state": "stand-in"},
    {"field": "elsewhere", "mosaic": "x", "entry": "x", "role": "sci", "band": "F606W",
     "uri": "mast:HLSP/x_sci.fits"},
]  # fmt: skip


QUERY = {"collection": "HST", "science": "j????????_flc.fits"}
SINGLE = {"exposures_of": "flc", "mosaic": "acs"}
FLC = {"instrument": "ACS/WFC", "band": "F606W", "field": "hudf", "query": QUERY}


@pytest.fixture
def lock(tmp_path):
    (tmp_path / "list.tsv").write_text(format_lock(LISTED))
    return tmp_path


def run(folder, proxy=None, **changes):
    mast = {"root": "store", "lock": "list.tsv", "mosaics": {"acs": ACS, "nircam": NIRCAM}}
    mast |= {"exposures": {"flc": FLC}} | changes
    return config.load({"seed": 1, "acquire": {"mast": mast}, "proxy": proxy or {}}, folder)


def test_products_become_mosaics_of_a_local_folder(lock):
    found = {name: (door, mosaic) for door, name, mosaic in run(lock).mosaics()}
    assert sorted(found) == ["acs", "nircam_o1", "nircam_o2"]
    assert {door for door, _ in found.values()} == {"mast"}
    acs, nircam = found["acs"][1], found["nircam_o2"][1]
    assert (acs.science, acs.weight) == ("hudf/a_sci.fits", "hudf/a_wht.fits")
    assert (acs.unit, acs.weight_kind, acs.pixel_scale) == ("electron/s", "inverse_variance", 0.06)
    assert nircam.science == nircam.weight == "ceers/jw2_i2d.fits"
    assert (nircam.science_hdu, nircam.weight_hdu) == ("SCI", "ERR")
    assert (nircam.unit, nircam.weight_kind, nircam.field) == ("MJy/sr", "rms", "ceers")


def test_a_field_selects_its_mosaics_alone(lock):
    chosen = run(lock, fields=["hudf"])
    assert [name for _, name, _ in chosen.mosaics()] == ["acs"]
    assert [product.role for product in chosen.acquire.mast.chosen()] == ["sci", "wht", "flc"]


def test_sizes_are_estimated_field_by_field(lock):
    assert run(lock).acquire.mast.estimate().splitlines() == [
        "ceers: 2 file(s), 1.00 GB",
        "hudf: 3 file(s), 2.00 GB and 2 of unknown size (1 still without a name: run galrestore "
        "acquire resolve)",
    ]


def test_exposures_are_fetched_where_a_set_names_them(lock):
    without, named = run(lock), run(lock, {"single_epoch": SINGLE})
    assert without.archived_exposures() == []
    assert without.to_fetch().splitlines()[1] == "hudf: 2 file(s), 2.00 GB and 1 of unknown size"
    assert [product.path for product in named.archived_exposures()] == ["hudf/j1_flc.fits"]
    assert named.to_fetch() == named.acquire.mast.estimate()
    fetched = config.section_from_json(config.Acquire)(named.download("hudf/j1_flc.fits")).mast
    assert ([p.role for p in fetched.products], fetched.exposures) == (["flc"], {})
    # They are no mosaic, and their mosaic stays where it is not held out.
    assert [name for _, name, _ in named.mosaics("hst")] == named.training_mosaics("hst") == ["acs"]
    held_out = run(lock, {"single_epoch": SINGLE | {"held_out": True}})
    assert held_out.training_mosaics("hst") == []


def test_sets_of_fields_that_are_not_selected_are_left_out(lock, caplog):
    proxy = {"single_epoch": SINGLE, "multi_epoch": {"hst": "acs", "jwst": "nircam"}}
    chosen = run(lock, proxy, fields=["ceers"])
    assert chosen.proxy.sets() == []
    assert "proxy.single_epoch is left out: acquire.mast.fields does not select 'hudf', the" in (
        caplog.text
    )
    assert run(lock, {"single_epoch": SINGLE}, fields=["hudf"]).proxy.sets() == ["single_epoch"]


@pytest.mark.parametrize(
    ("single", "message"),
    [
        ({"exposures_of": "flt"}, "no set 'flt' in acquire.mast.exposures, there are flc, bare"),
        ({"exposures_of": "bare"}, "no exposures of 'bare' in list.tsv: run galrestore acquire"),
        ({"exposures_of": "red"}, "red are in F814W, their mosaic in F606W"),
        ({"mosaic": "acs2"}, r"no hst mosaic 'acs2', there are acs\. Name others, or go without"),
        ({"files": ["a_flc.fits"]}, "either files or exposures_of"),
        ({"exposures_of": None}, "either files or exposures_of"),
        ({"mosaic": None}, "give simulated, or mosaic"),
    ],
)
def test_sets_of_exposures_that_cannot_be_made(lock, single, message):
    exposures = {"flc": FLC, "bare": FLC, "red": FLC | {"band": "F814W"}}
    listed = LISTED + [LISTED[-2] | {"mosaic": "red", "entry": "red"}]
    (lock / "list.tsv").write_text(format_lock(listed))
    with pytest.raises(SettingsError, match=message):
        run(lock, {"single_epoch": SINGLE | single}, exposures=exposures)


def test_names_of_mosaics_are_none_of_exposures(lock):
    with pytest.raises(SettingsError, match=r"exposures\.acs: a mosaic has this name"):
        run(lock, exposures={"acs": FLC})


def test_jobs_depend_on_what_they_use_alone(lock):
    before = run(lock)
    acquired = json.loads(before.acquisition("acs"))
    assert list(acquired["local"]["mosaics"]) == ["acs"]
    assert (acquired["local"]["root"], acquired["mast"]) == ("store", None)
    fetched = config.section_from_json(config.Acquire)(before.download("ceers/jw2_i2d.fits")).mast
    assert [product.mosaic for product in fetched.products] == ["nircam_o2"]
    other = run(lock, mosaics={"acs": ACS, "nircam": NIRCAM | {"psf_fwhm": 0.05}})
    assert other.acquisition("acs") == before.acquisition("acs")
    assert other.acquisition("nircam_o1") != before.acquisition("nircam_o1")
    assert other.download("ceers/jw2_i2d.fits") == before.download("ceers/jw2_i2d.fits")


def test_data_root_replaces_the_archives_folder(lock):
    mast = {"lock": "list.tsv", "mosaics": {"acs": ACS}}
    loaded = config.load({"seed": 1, "data_root": "b", "acquire": {"mast": mast}}, lock)
    assert loaded.acquire.mast.root == "b"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fields": ["huddf"]}, "no mosaic has the field 'huddf', there are ceers, hudf"),
        ({"mosaics": {"new": ACS | {"field": "new"}}}, "'new' has no products in list.tsv; run"),
        ({"lock": "none.tsv"}, "none.tsv': no such file; galrestore acquire resolve writes it"),
        ({"mosaics": {"a": ACS | {"science": "mast:HLSP/a.fits.gz"}}}, "is no plain name of a"),
        ({"mosaics": {"a": ACS | {"science": "file:///etc/a.fits"}}}, "should match pattern"),
    ],
)
def test_doors_that_cannot_be_opened(lock, changes, message):
    with pytest.raises(SettingsError, match=message):
        run(lock, **changes)


def test_mosaics_of_one_name_are_refused(lock):
    image = {key: ACS[key] for key in ("telescope", "instrument", "band", "field", "psf_fwhm")}
    local = {"mosaics": {"acs": image | {"science": "s.fits", "unit": "electron/s"}}}
    mast = {"lock": "list.tsv", "mosaics": {"acs": ACS}}
    with pytest.raises(SettingsError, match="'acs' enters through two doors"):
        config.load({"seed": 1, "acquire": {"local": local, "mast": mast}}, lock)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"science": None}, "needs a query, the URI of its science file, or both"),
        ({"weight": "mast:HLSP/a_wht.fits"}, "an i2d file holds its own noise map"),
        ({"query": {"collection": "JWST", "science": "a", "ra": 3.0}}, "give both ra and dec"),
        ({"query": {"collection": "HST", "science": "*_sci", "weight": "?_wht"}}, "wildcards"),
        ({"query": {"collection": "JWST", "science": "a", "released_by": "2023"}}, "pattern"),
    ],
)
def test_mosaics_that_cannot_be_asked_for(changes, message):
    with pytest.raises(ValueError, match=message):
        ArchiveMosaic(**NIRCAM | changes)


def test_dates_that_yaml_reads_as_such():
    query = {"collection": "JWST", "science": "a", "released_by": datetime.date(2023, 8, 31)}
    door = {"mosaics": {"a": NIRCAM | {"query": query}}}
    archive = config.archive_of({"acquire": {"mast": door}})
    assert archive.mosaics["a"].query == ArchiveQuery(**query | {"released_by": "2023-08-31"})


def test_a_configuration_without_the_archive():
    with pytest.raises(SettingsError, match="does not open the archive"):
        config.archive_of({"acquire": {"local": {}}})


def test_the_papers_list_is_that_of_its_settings():
    root = Path(__file__).resolve().parents[2]
    settings = yaml.safe_load((root / "config/paper.yaml").read_text())
    loaded = config.load({key: settings[key] for key in ("seed", "acquire")}, root)
    door = loaded.acquire.mast
    assert {product.field for product in door.chosen()} == set(door.fields)
    assert {p.entry for p in door.chosen()} == {
        name for name, entry in door.entries().items() if entry.field in door.fields
    }
    # Section 3.1: F606W, F775W, F814W of the HUDF, F814W of HUDFP2, F606W and F814W of GOODS.
    assert [name for _, name, _ in loaded.mosaics("hst")] == [
        "goods_n_f606w", "goods_n_f814w", "goods_s_f606w", "goods_s_f814w",
        "hudf_f606w", "hudf_f775w", "hudf_f814w", "hudfp2_f814w",
    ]  # fmt: skip
    # Nobody has asked the archive: nothing may claim to be known.
    assert {(p.size, p.sha256, p.exposure_time) for p in door.products} == {(0, "", None)}
    assert {(p.role == "flc", p.state) for p in door.products} == {
        (False, "unverified"),
        (True, "stand-in"),
    }
    assert isinstance(door, Archive)
    assert all(isinstance(product, Product) for product in door.products)


def test_each_field_of_the_paper_is_selectable():
    # Checklist 23, 40, 64: what sections 3.1, 3.3 and 5.2 name; and, apart from them, surveys.
    root = Path(__file__).resolve().parents[2]
    settings = yaml.safe_load((root / "config/paper.yaml").read_text())["acquire"]["mast"]
    mosaics, exposures = settings["mosaics"], settings["exposures"]
    entries = {**mosaics, **exposures}
    fields = {entry["field"] for entry in entries.values()}
    assert fields >= {"hudf", "hudfp2", "goods_n", "goods_s", "nircam_public", "abell2744"}
    assert fields >= {"ceers_all", "cosmos_web", "primer", "jades", "ngdeep", "glass", "uncover"}
    listed = [
        {"field": entry["field"], "mosaic": name, "entry": name, "band": entry["band"],
         "role": {"i2d": "i2d", "hlf": "sci", None: "flc"}[entry.get("format")],
         "uri": f"mast:X/{name}.fits"}
        for name, entry in entries.items()
    ]  # fmt: skip
    for field in sorted(fields):
        door = Archive.model_validate(settings | {"fields": [field], "products": listed})
        chosen = {product.mosaic for product in door.chosen()}
        assert chosen == {name for name, entry in entries.items() if entry["field"] == field}
        assert set(door.folder().mosaics) == chosen - set(exposures)
    # Checklist 62: single exposures of HUDF, GOODS-N and GOODS-S.
    assert {entry["field"] for entry in exposures.values()} == {"hudf", "goods_n", "goods_s"}
    public = [Archive.model_validate(settings).mosaics[f"nircam_{band}"]
              for band in ("f115w", "f200w", "f277w", "f444w")]  # fmt: skip
    assert {mosaic.query.released_by for mosaic in public} == {"2023-08-31"}
