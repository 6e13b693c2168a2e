"""Which exposures are taken, by hand and against outlines of a known roll."""

import itertools

import astropy.units as u
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose

from galrestore.archive.exposures import Candidate, choose, roll_of
from galrestore.archive.resolve import pin, resolve
from galrestore.config.archive import Archive, ArchiveExposures
from galrestore.config.lock import Product, format_lock, read_lock
from galrestore.errors import EmptyError

URI = "mast:HST/product/{}_flc.fits"
SET = {
    "instrument": "ACS/WFC",
    "band": "F606W",
    "field": "hudf",
    "count": 3,
    "query": {
        "collection": "HST",
        "instrument": "ACS/WFC",
        "proposals": ["9978", "10086"],
        "ra": 53.16,
        "dec": -27.79,
        "radius": 0.1,
        "science": "j????????_flc.fits",
    },
}


def outline(roll, ra=53.16, dec=-27.79):
    """STC-S of a square of 202 arcsec whose sides have the position angle roll (mod 90)."""
    centre = SkyCoord(ra, dec, unit="deg")
    angles = [(roll + turn) * u.deg for turn in (45, 135, 225, 315)]
    corners = [centre.directional_offset_by(angle, 202 / 2**0.5 * u.arcsec) for angle in angles]
    return "POLYGON " + " ".join(f"{c.ra.deg:.8f} {c.dec.deg:.8f}" for c in corners)


# In the direction of the pole a square's sides differ by its extent in right ascension: at
# declination 62 deg by tan(62 deg) x 202 arcsec / 2 = 190 arcsec of arc, 0.05 deg.
@pytest.mark.parametrize(("ra", "dec", "atol"), [(53.16, -27.79, 0.02), (189.2, 62.2, 0.06)])
@pytest.mark.parametrize("roll", [0.0, 4.0, 40.0, 89.0, 94.0, 310.0])
def test_roll_of_a_square(roll, ra, dec, atol):
    apart = (roll_of(outline(roll, ra, dec)) - roll + 45) % 90 - 45
    assert_allclose(apart, 0, atol=atol)


def test_roll_across_the_origin_of_right_ascension_and_of_other_words():
    assert_allclose(roll_of(outline(30.0, ra=0.0, dec=0.0)), 30.0, atol=0.01)
    plain = outline(30.0)
    assert roll_of(plain.replace("POLYGON", "POLYGON ICRS")) == roll_of(plain)
    assert roll_of(f"{plain} {outline(70.0)}") == roll_of(plain)
    assert roll_of("CIRCLE 53.1 -27.8 0.05") is None
    assert roll_of("POLYGON 53.1 -27.8 53.2 -27.8") is None
    assert roll_of("") is None


def test_the_longest_at_distinct_rolls_come_first():
    every = [
        Candidate("a", "v1", 1200, 40.0),
        Candidate("b", "v1", 1200, 40.0),  # of the same observation as a
        Candidate("c", "v2", 1300, 41.0),  # the longest
        Candidate("d", "v3", 1100, 44.0),
        Candidate("e", "v4", 900, 88.9),
        Candidate("f", "v5", 1000, 130.5),  # 40.5 modulo 90, as c
    ]

    def names(count, step=2.0):
        return ["".join(c.name for c in choose(order, count, step)) for order in orders]

    orders = list(itertools.permutations(every))[::97]
    assert set(names(1)) == {"c"}
    assert set(names(3)) == {"cde"}
    # No fourth roll is left: the longest of the others.
    assert set(names(4)) == {"cade"}
    assert set(names(5)) == {"cabde"}
    assert set(names(9)) == {"cabdfe"}
    # With 0.3 deg f's roll is apart from those of a and c: 0.5 deg.
    assert set(names(5, 0.3)) == {"cadfe"}


def test_rolls_that_are_not_known_count_as_one():
    every = [Candidate(n, n, 100, None) for n in "ab"] + [Candidate("c", "c", 50, 3.0)]
    assert [c.name for c in choose(every, 2, 2.0)] == ["a", "c"]


@pytest.fixture
def hudf(mast):
    """Three visits: two exposures at 40 deg, two at 44, one short one at 88 deg."""
    about = {"obs_collection": "HST", "instrument_name": "ACS/WFC", "filters": "F606W;CLEAR2L"}
    about |= {"proposal_id": "9978", "s_ra": 53.16, "s_dec": -27.79}
    visits = {40.0: ("j8wc7c001", 2416.0), 44.0: ("j8wc7d001", 2400.0), 88.0: ("j8wc7e001", 350.0)}
    for roll, (name, time) in visits.items():
        uri = URI.format(name)
        mast.add(uri, b"x" * 9, **about, s_region=outline(roll), t_exptime=time)
        mast.list(URI.format(f"hst_9978_7c_acs_wfc_f606w_{name[:6]}"), 9)  # a duplicate
        mast.list(URI.format(name).replace("flc", "flt"), 9)
        if roll < 80:
            mast.list(URI.format(name[:-1] + "2"), 9)
    mast.add(URI.format("j8wc7x001"), b"x", **about | {"filters": "F775W;CLEAR2L"})
    mast.add(URI.format("j8wc7y001"), b"x", **about | {"proposal_id": "1"})
    mast.add(URI.format("j8wc7z001"), b"x", **about | {"s_dec": 0.0})
    return mast


def test_exposures_are_resolved_with_their_times(hudf, hurried, tmp_path):
    door = Archive(exposures={"hudf_flc": SET}, transfer=hurried)
    values = resolve(door)
    assert [(v["uri"], v["exposure_time"], v["size"], v["state"]) for v in values] == [
        (URI.format("j8wc7c001"), 1208.0, 9, "listed"),
        (URI.format("j8wc7d001"), 1200.0, 9, "listed"),
        (URI.format("j8wc7e001"), 350.0, 9, "listed"),
    ]
    (tmp_path / "lock.tsv").write_text(format_lock(values))
    listed = [Product(**row) for row in read_lock(tmp_path / "lock.tsv")]
    assert [(p.entry, p.mosaic, p.role, p.exposure_time) for p in listed] == [
        ("hudf_flc", "hudf_flc", "flc", time) for time in (1208.0, 1200.0, 350.0)
    ]
    # A receipt knows the exposure's own time; the next resolve keeps it.
    import pandas as pd

    row = {"uri": values[0]["uri"], "size": 9, "sha256": "a" * 64, "exposure_time": 1210.5}
    pinned = [Product(**value) for value in pin(listed, pd.DataFrame([row]))]
    assert (pinned[0].exposure_time, pinned[0].state) == (1210.5, "retrieved")
    assert [v["exposure_time"] for v in resolve(door, pinned)] == [1210.5, 1200.0, 350.0]
    # And five have the second ones of the visits too.
    more = Archive(exposures={"hudf_flc": SET | {"count": 5}}, transfer=hurried)
    names = " ".join(
        value["uri"].removeprefix("mast:HST/product/j8w")[:6] for value in resolve(more)
    )
    assert names == "c7c001 c7c002 c7d001 c7d002 c7e001"


def test_exposures_that_nobody_named_are_stand_ins(hudf, hurried):
    door = Archive(exposures={"hudf_flc": SET}, transfer=hurried)
    values = resolve(door, offline=True)
    assert hudf.requests == []
    assert [(v["uri"], v["size"], v["state"]) for v in values] == [
        (URI.format(f"hudf_flc_{number}"), 0, "stand-in") for number in (1, 2, 3)
    ]
    named = [Product(**value) for value in resolve(door, [Product(**v) for v in values])]
    assert {product.state for product in named} == {"listed"}
    # Once named, they stay so without the archive.
    assert [v["uri"] for v in resolve(door, named, offline=True)] == [p.uri for p in named]


def test_no_exposures_at_all(mast, hurried):
    with pytest.raises(EmptyError, match="has nothing for hudf_flc; change"):
        resolve(Archive(exposures={"hudf_flc": SET}, transfer=hurried))


def test_a_query_for_other_files_is_refused():
    query = SET["query"] | {"science": "*_drc.fits"}
    with pytest.raises(ValueError, match=r"must end in _flc\.fits or _flt\.fits"):
        ArchiveExposures(**SET | {"query": query})
