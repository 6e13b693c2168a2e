"""Every file was made by the present code from the present inputs."""

import pytest

from galrestore.files.contracts.manifest import MANIFEST
from galrestore.provenance import fingerprint


def test_made_by_present_code(artefacts, file):
    """The code fingerprint in the file is that of the stage as it is now."""
    record = artefacts.provenance(file)
    try:
        now = fingerprint(f"stages.{record.stage}")
    except FileNotFoundError:
        now = "none: there is no such stage"
    assert record.code == now, (
        f"{file} was made by other code of stage {record.stage} ({record.code}, now {now}); "
        f"run snakemake again"
    )


def test_inputs_are_unchanged(artefacts, file):
    """Inputs that are still there have the contents they had."""
    changed = [
        name
        for name, digest in artefacts.provenance(file).inputs.items()
        if artefacts.recorded(name).is_file()
        and artefacts.digest(artefacts.recorded(name)) != digest
    ]
    assert not changed, f"{file} was made from other contents of {', '.join(changed)}"


def test_mosaics_are_unchanged(artefacts, mosaic):
    """Images that are still there are those that the manifest describes."""
    if mosaic not in artefacts.below("mosaics", ".parquet"):
        pytest.skip("manifest is not among the files")
    row = artefacts.table(f"mosaics/{mosaic}.parquet", MANIFEST).iloc[0]
    for kind in ("science", "weight"):
        path = artefacts.recorded(row[kind])
        if row[kind] and path.is_file():
            assert artefacts.digest(path) == row[f"{kind}_sha256"], (
                f"{row[kind]} is not the file that entered as mosaic {mosaic}"
            )
