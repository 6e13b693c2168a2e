"""Queries through astroquery's own client, against a MAST on the loopback interface."""

import pytest

from galrestore.archive.mast_query import Found, find, size_at
from galrestore.config.archive import ArchiveQuery
from galrestore.errors import InputError, SettingsError

NIRCAM = {
    "collection": "JWST",
    "instrument": "NIRCAM/IMAGE",
    "level": 3,
    "released_by": "2023-08-31",
    "science": "jw*-o*_nircam_clear-f115w_i2d.fits",
}
PRODUCT = "mast:JWST/product/"


def names(files):
    return [file.name for file in files]


def test_nircam_mosaics_public_by_a_day(mast, hurried):
    sound = "jw02756-o003_t001_nircam_clear-f115w_i2d.fits"
    mast.add(PRODUCT + sound, b"x" * 11)
    mast.list(PRODUCT + sound, 11)  # some products are listed twice
    mast.list(PRODUCT + sound.replace("i2d", "cat").replace("fits", "ecsv"), 5)
    # 60187 is 2023-08-31: the last day counts, the next does not.
    mast.add(PRODUCT + sound.replace("o003", "o004"), b"x", t_obs_release=60187.0)
    mast.add(PRODUCT + sound.replace("o003", "o005"), b"x", t_obs_release=60188.0)
    mast.add(PRODUCT + sound.replace("o003", "o006"), b"x", filters="F150W")
    mast.add(PRODUCT + sound.replace("o003", "o007"), b"x", dataRights="EXCLUSIVE_ACCESS")
    mast.add(PRODUCT + sound.replace("o003", "o008"), b"x", calib_level=2)
    mast.add(PRODUCT + sound.replace("o003", "o009"), b"x", instrument_name="MIRI/IMAGE")
    mast.add(PRODUCT + sound.replace("o003", "c1000"), b"x")
    files = find(ArchiveQuery(**NIRCAM), "F115W", hurried)
    assert names(files) == [sound, sound.replace("o003", "o004")]
    region = "POLYGON  3.5 -30.4 3.6 -30.4 3.6 -30.3"
    assert files[0] == Found(sound, PRODUCT + sound, 11, region, "60000", 1000.0)


def test_science_and_weight_of_a_team(mast, hurried):
    base = "mast:HLSP/xdf/hlsp_xdf_hst_acswfc-60mas_hudf_f606w_v1_"
    about = {"obs_collection": "HLSP", "provenance_name": "XDF", "filters": "F606W;F775W"}
    mast.add(base + "sci.fits", b"xyz", **about, instrument_name="ACS/WFC", calib_level=4)
    mast.list(base + "wht.fits", 3)
    mast.list(base.replace("60mas", "30mas") + "sci.fits", 3)
    mast.add(base + "sci.fits", b"xyz", **about | {"provenance_name": "HLF"})
    query = ArchiveQuery(
        collection="HLSP",
        provenance="XDF",
        science="hlsp_xdf_hst_acswfc-60mas_hudf_f606w_v1_sci.fits",
        weight="hlsp_xdf_hst_acswfc-60mas_hudf_f606w_v1_wht.fits",
    )
    files = find(query, "F606W", hurried)
    assert [file.uri for file in files] == [base + "sci.fits", base + "wht.fits"]


def test_exposures_without_their_duplicates(mast, hurried):
    about = {"obs_collection": "HST", "instrument_name": "ACS/WFC", "filters": "F606W"}
    for number in range(7):  # asked for in groups of five
        name = f"j8wc7rc{number}q_flc.fits"
        mast.add(f"mast:HST/product/{name}", b"x", proposal_id="9978", **about)
        mast.list(f"mast:HST/product/hst_9978_7r_acs_wfc_f606w_{name}", 1)
    mast.add("mast:HST/product/j8wc7rc8q_flc.fits", b"x", proposal_id="10632", **about)
    mast.add("mast:HST/product/j9wc7rc8q_flc.fits", b"x", proposal_id="10086", **about)
    query = ArchiveQuery(
        collection="HST", instrument="ACS/WFC", proposals=["9978", "10086"],
        science="?????????_flc.fits",
    )  # fmt: skip
    files = names(find(query, "F606W", hurried))
    assert files == [f"j8wc7rc{number}q_flc.fits" for number in range(7)] + ["j9wc7rc8q_flc.fits"]
    assert len(mast.asked("POST", "Mast.Caom.Products")) == 2


def test_a_piece_of_sky(mast, hurried):
    near, far = (PRODUCT + f"jw02756-o00{n}_nircam_clear-f115w_i2d.fits" for n in (1, 2))
    mast.add(near, b"x", s_ra=3.58, s_dec=-30.4)
    mast.add(far, b"x", s_ra=3.58, s_dec=-30.55)
    query = ArchiveQuery(**NIRCAM, ra=3.58, dec=-30.4, radius=0.1)
    assert [file.uri for file in find(query, "F115W", hurried)] == [near]
    assert mast.asked("POST", "Mast.Caom.Filtered.Position")[0]["params"]["position"] == (
        "3.58, -30.4, 0.1"
    )


def test_nothing_is_found(mast, hurried):
    assert find(ArchiveQuery(**NIRCAM), "F115W", hurried) == []


@pytest.mark.parametrize("fault", [429, 500, 503])
def test_refusals_that_pass_are_survived(mast, hurried, fault):
    mast.add(PRODUCT + "jw1-o1_nircam_clear-f115w_i2d.fits", b"x")
    mast.faults["query"] = [fault, fault]
    assert len(find(ArchiveQuery(**NIRCAM), "F115W", hurried)) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [(503, "503 Server Error"), (404, "404 Client Error"), ("html", ""), ("error", "is away")],
)
def test_no_answer_is_one_error(mast, hurried, fault, message):
    mast.faults["query"] = [fault] * 9
    with pytest.raises(InputError, match=f"{mast.url}: does not answer .*{message}.*try again"):
        find(ArchiveQuery(**NIRCAM), "F115W", hurried)


def test_nobody_answers(mast, hurried, monkeypatch):
    monkeypatch.setenv("GALRESTORE_MAST_SERVER", "http://127.0.0.1:9")  # discard: no server
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9: does not answer"):
        find(ArchiveQuery(**NIRCAM), "F115W", hurried)
    with pytest.raises(InputError, match=r"127\.0\.0\.1:9/x\.fits: does not answer"):
        size_at("http://127.0.0.1:9/x.fits", hurried)


def test_an_unknown_criterion_names_the_setting(mast, hurried, monkeypatch):
    from tests.archive import loopback

    columns = {k: v for k, v in loopback.OBSERVATION.items() if k != "provenance_name"}
    monkeypatch.setattr(loopback, "OBSERVATION", columns)
    # The client keeps the columns of earlier queries.
    from astroquery.mast.discovery_portal import PortalAPI

    monkeypatch.setattr(PortalAPI, "_column_configs", {})
    query = ArchiveQuery(**NIRCAM, provenance="CALJWST")
    with pytest.raises(SettingsError, match=r"acquire\.mast.*provenance_name.* does not exist"):
        find(query, "F115W", hurried)


def test_the_token_goes_along_and_into_no_message(mast, hurried, monkeypatch):
    monkeypatch.setenv("MAST_API_TOKEN", "secret-1234")
    mast.faults["query"] = ["error"]
    with pytest.raises(InputError) as caught:
        find(ArchiveQuery(**NIRCAM), "F115W", hurried)
    assert mast.asked("POST", "Mast.Caom.Filtered")[0]["Authorization"] == "token secret-1234"
    assert "secret" not in str(caught.value)


def test_sizes_are_asked_for(mast, hurried):
    mast.files[f"{mast.url}/x.fits"] = b"x" * 123
    assert size_at(f"{mast.url}/x.fits", hurried) == 123
    assert size_at(f"{mast.url}/y.fits", hurried) is None
