"""The same seed gives the same bytes for any number of cores, shards and tiles."""

import pytest

from galrestore.provenance import sha256_of

SUFFIXES = (".parquet", ".fits", ".safetensors", ".md", ".csv", ".png", ".pdf", ".html", ".rst")

pytestmark = pytest.mark.workflow


# Pages that list the shards among the files of a run.
LISTS = ("report/index.html", "report/tables/provenance.html")


def digests(folder):
    """sha256 of every result but shards, pages that list them, logs and times."""
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in SUFFIXES
        and not {"shards", "render"} & set(path.parts)
        and path.relative_to(folder).as_posix() not in LISTS
    }


def test_cores_shards_and_tiles_do_not_matter(request, tmp_path, copy_of_sources):
    other = copy_of_sources(tmp_path / "other")
    other.snakemake("--cores", "1", "--config", "runtime={shards: 3, tile: 300}")
    finished = request.getfixturevalue("finished")  # meanwhile made by another worker
    expected = digests(finished.folder / "results")
    found = digests(other.folder / "results")
    assert len(expected) > 60
    assert {suffix: 0 for suffix in found if found[suffix] != expected.get(suffix)} == {}
    assert found.keys() == expected.keys()
