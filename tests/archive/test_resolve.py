"""From settings to a product list, and what stays of the list of before."""

import pandas as pd
import pytest

from galrestore.archive.resolve import pin, resolve
from galrestore.config.archive import Archive
from galrestore.config.lock import Product, format_lock, read_lock
from galrestore.errors import EmptyError, InputError, SettingsError

I2D = "mast:JWST/product/jw02756-o003_t001_nircam_clear-f115w_i2d.fits"
HLF = "mast:HLSP/hlf/hlsp_hlf_hst_acs-60mas_goodsn_f606w_v2.0_{}.fits"
NIRCAM = {
    "telescope": "jwst",
    "instrument": "NIRCAM",
    "band": "F115W",
    "field": "abell2744",
    "format": "i2d",
    "psf_fwhm": 0.04,
}
JWST = NIRCAM | {
    "query": {"collection": "JWST", "science": "jw*_nircam_clear-f115w_i2d.fits"},
}
ACS = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F606W",
    "field": "goods_n",
    "format": "hlf",
    "psf_fwhm": 0.094,
    "pixel_scale": 0.06,
}
STATED = ACS | {"science": HLF.format("sci"), "weight": HLF.format("wht")}


def archive(hurried, **mosaics):
    return Archive(mosaics=mosaics, transfer=hurried)


def products(values):
    return [Product(**value) for value in values]


def test_each_file_that_a_query_finds_is_a_mosaic(mast, hurried):
    mast.add(I2D, b"x" * 7)
    mast.add(I2D.replace("o003", "o004"), b"x" * 8)
    values = resolve(archive(hurried, a2744_f115w=JWST))
    assert [(v["mosaic"], v["role"], v["size"], v["state"]) for v in values] == [
        ("a2744_f115w_02756_o003_t001", "i2d", 7, "listed"),
        ("a2744_f115w_02756_o004_t001", "i2d", 8, "listed"),
    ]
    assert values[0]["footprint"] == "POLYGON 3.5 -30.4 3.6 -30.4 3.6 -30.3"


def test_a_science_file_brings_the_weight_map_of_its_name(mast, hurried):
    query = {
        "collection": "HLSP",
        "science": "hlsp_hlf_hst_acs-60mas_goodsn_f606w_*_sci.fits",
        "weight": "hlsp_hlf_hst_acs-60mas_goodsn_f606w_*_wht.fits",
    }
    about = {"obs_collection": "HLSP", "filters": "F606W"}
    mast.add(HLF.format("sci"), b"x", **about)
    mast.add(HLF.format("sci").replace("2.0", "1.5"), b"x", **about)
    mast.add(HLF.format("wht"), b"x", **about)
    mast.add(HLF.format("wht").replace("2.0", "1.5"), b"x", **about)
    found = resolve(archive(hurried, n=ACS | {"query": query}))
    assert [(v["mosaic"], v["role"], v["uri"][-13:-5]) for v in found] == [
        ("n_v1_5", "sci", "v1.5_sci"),
        ("n_v1_5", "wht", "v1.5_wht"),
        ("n_v2_0", "sci", "v2.0_sci"),
        ("n_v2_0", "wht", "v2.0_wht"),
    ]
    del mast.products[2]
    with pytest.raises(InputError, match=r"no weight map hlsp_.*_v2\.0_wht\.fits"):
        resolve(archive(hurried, n=ACS | {"query": query}))


def test_a_query_without_result_falls_back_to_the_address(mast, hurried, caplog):
    query = {"collection": "HLSP", "provenance": "HLF", "science": "x_sci.fits"}
    mast.files |= {HLF.format("sci"): b"x" * 5, HLF.format("wht"): b"x" * 6}
    found = resolve(archive(hurried, n=STATED | {"query": query}))
    assert "n: the query finds nothing" in caplog.text
    assert [(v["mosaic"], v["role"], v["size"], v["state"]) for v in found] == [
        ("n", "sci", 5, "listed"),
        ("n", "wht", 6, "listed"),
    ]


def test_all_that_the_archive_lacks_is_named_at_once(mast, hurried):
    mast.files[HLF.format("sci")] = b"x"  # but no weight map
    with pytest.raises(EmptyError, match=f"{mast.url} has nothing for a, n; change"):
        resolve(archive(hurried, a=JWST, n=STATED))


def test_offline_nothing_is_asked_and_nothing_claimed(mast, hurried):
    found = resolve(archive(hurried, a=JWST, n=STATED), offline=True)
    assert [(v["mosaic"], v["size"], v["state"]) for v in found] == [("n", 0, "unverified")] * 2
    assert mast.requests == []


def test_other_fields_and_known_digests_stay(mast, hurried):
    mast.add(I2D, b"x" * 7)
    mast.files |= {HLF.format("sci"): b"x" * 5, HLF.format("wht"): b"x" * 6}
    door = archive(hurried, a=JWST, n=STATED)
    first = products(resolve(door))
    receipts = pd.DataFrame({"uri": [p.uri for p in first], "size": [p.size for p in first]})
    pinned = products(pin(first, receipts.assign(sha256=["a" * 64, "b" * 64, "c" * 64])))
    assert {p.state for p in pinned} == {"retrieved"}
    mast.files[HLF.format("wht")] = b"x" * 9  # another file under the old name
    mast.requests.clear()
    again = products(resolve(door, pinned, fields=["goods_n"]))
    assert {what for _, what, _ in mast.requests} == {HLF.format("sci"), HLF.format("wht")}
    assert [(p.entry, p.role, p.size, p.sha256[:1], p.state) for p in again] == [
        ("a", "i2d", 7, "a", "retrieved"),
        ("n", "sci", 5, "b", "retrieved"),
        ("n", "wht", 9, "", "listed"),
    ]


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        (I2D, "jw../../../../etc/x_nircam_clear-f115w_i2d.fits"),
        ("mast:JWST/product/jw1_nircam_clear-f115w_i2d.fits", "jw2_nircam_clear-f115w_i2d.fits"),
    ],
)
def test_a_name_that_is_not_the_address_is_refused(mast, hurried, uri, name):
    mast.add(uri, b"x")
    mast.products[0]["productFilename"] = name
    with pytest.raises(InputError, match="the names differ"):
        resolve(archive(hurried, a=JWST))


def test_a_name_that_leaves_the_folder_is_refused(mast, hurried):
    mast.add(r"mast:JWST/product/jw..\..\x_nircam_clear-f115w_i2d.fits", b"x")
    with pytest.raises(SettingsError, match="is no plain name"):
        format_lock(resolve(archive(hurried, a=JWST)))


def test_the_list_survives_writing_and_reading(mast, hurried, tmp_path):
    mast.add(I2D, b"x" * 7)
    values = resolve(archive(hurried, a=JWST, n=STATED), offline=True)
    values += resolve(archive(hurried, a=JWST))
    (tmp_path / "lock.tsv").write_text(format_lock(values))
    assert products(read_lock(tmp_path / "lock.tsv")) == products(values[2:] + values[:2])
    assert format_lock(read_lock(tmp_path / "lock.tsv")) == format_lock(values[::-1])


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.replace("unverified", "seen"), r"lock\.state = 'seen': line 6 of .*lock\.tsv"),
        (lambda t: t.replace("mast:HLSP", "ftp:HLSP"), r"lock\.uri = 'ftp:HLSP"),
        (lambda t: t.replace("footprint\t", ""), "its columns must be field, mosaic"),
        (lambda t: t.rstrip() + "\tmore\n", "line 7 of"),
        (lambda t: "", "its columns must be"),
    ],
)
def test_a_broken_list_is_refused_with_its_line(hurried, tmp_path, edit, message):
    text = format_lock(resolve(archive(hurried, n=STATED), offline=True))
    (tmp_path / "lock.tsv").write_text(edit(text))
    with pytest.raises(SettingsError, match=message):
        read_lock(tmp_path / "lock.tsv")


def test_no_list_at_all(tmp_path):
    with pytest.raises(SettingsError, match=r"lock\.tsv.*acquire resolve writes it"):
        read_lock(tmp_path / "lock.tsv")
