"""Catalogues, stamps, fits and their counts belong together."""

import numpy as np

from galrestore.files.contracts.catalogue import CATALOGUE, REJECTIONS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.sersic import SERSIC
from galrestore.files.cubes import read_ids
from galrestore.measurement.summary import count_rejections


def test_first_rejection_is_the_first_flag(artefacts, mosaic):
    """Each source names the first of its flags, and accepted ones have none."""
    catalogue = artefacts.table(f"stamps/{mosaic}.parquet", CATALOGUE)
    flags = catalogue[[f"reject_{name}" for name in REJECTIONS]].to_numpy(dtype=bool)
    names = np.array([*REJECTIONS, ""])
    first = names[np.where(flags.any(axis=1), flags.argmax(axis=1), len(REJECTIONS))]
    wrong = catalogue["id"][first != catalogue["rejected_by"]].tolist()
    assert not wrong, f"{mosaic}: rejected_by is not the first rejection of ids {wrong[:5]}"


def test_stamps_are_the_accepted_sources(artefacts, mosaic):
    """One stamp for each accepted source, in the catalogue's order."""
    catalogue = artefacts.table(f"stamps/{mosaic}.parquet", CATALOGUE)
    accepted = catalogue["id"][catalogue["rejected_by"] == ""]
    cut = read_ids(artefacts.path(f"stamps/{mosaic}.fits"))
    assert np.array_equal(cut, accepted), (
        f"{mosaic}: {len(cut)} stamps for {len(accepted)} accepted sources, or other ids"
    )


def test_ids_are_unique(artefacts):
    """No two sources of the run share an id."""
    ids = artefacts.catalogues()["id"]
    twice = ids[ids.duplicated()].tolist()
    assert not twice, f"ids {twice[:5]} occur twice"


def test_fits_are_of_the_stamps(artefacts):
    """One row of fits for each HST stamp and each rendered pair, failed fits included."""
    for name in artefacts.below("sersic", ".parquet"):
        fitted = artefacts.table(f"sersic/{name}.parquet", SERSIC)["id"]
        if name == "galsim":
            stamps = artefacts.table("pairs/galsim.parquet", PAIRS)["id"]
        else:
            stamps = artefacts.accepted(name)["id"]
        assert np.array_equal(np.sort(fitted), np.sort(stamps)), (
            f"sersic/{name}: {len(fitted)} fits for {len(stamps)} stamps, or other ids"
        )


def test_failed_fits_are_flagged(artefacts):
    """The flag's first bit says that a fit failed, and good fits are complete."""
    for name in artefacts.below("sersic", ".parquet"):
        fits = artefacts.table(f"sersic/{name}.parquet", SERSIC)
        failed = (fits["failure"] != "").to_numpy()
        assert np.array_equal(fits["flag"].to_numpy() & 1 == 1, failed), f"sersic/{name}: flags"
        good = fits.loc[~failed, ["x", "y", "model_flux", "r50", "n", "q", "theta", "chi2"]]
        assert np.isfinite(good).all(axis=None), f"sersic/{name}: good fits with blanks"


def test_selection_table_counts_the_catalogues(artefacts):
    """The table of rejections is that of the catalogues."""
    if "selection" not in artefacts.below("tables", ".parquet"):
        return
    table = artefacts.table("tables/selection.parquet", SELECTION)
    mosaics = [name for name in dict.fromkeys(table["mosaic"]) if not name.startswith("all ")]
    catalogues = {name: artefacts.table(f"stamps/{name}.parquet", CATALOGUE) for name in mosaics}
    expected = count_rejections(catalogues, REJECTIONS)
    assert table.equals(expected.astype(table.dtypes)), "tables/selection is out of step"
