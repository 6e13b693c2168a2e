"""Each check passes on a sound run and finds the defect it is there for."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from galrestore.checks import (
    test_baselines,
    test_models,
    test_pairs,
    test_provenance,
    test_scores,
    test_shapes,
    test_sources,
)
from galrestore.checks.artefacts import Artefacts
from galrestore.cli import main
from galrestore.errors import InputError
from galrestore.files import cubes, tables
from galrestore.files.contracts.catalogue import CATALOGUE
from galrestore.files.contracts.history import HISTORY
from galrestore.files.contracts.manifest import MANIFEST
from galrestore.files.contracts.measurements import MEASUREMENTS
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.contracts.population import POPULATION
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.shapes import COMPARISON, SHAPES
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.contracts.tuning import TUNING_GRID, TUNING_STAMPS
from galrestore.provenance import Provenance, sha256_of


@pytest.fixture
def results(sound, tmp_path, monkeypatch):
    """A copy of the sound results that a test may break."""
    shutil.copytree(sound / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results"


def change_table(path, columns, change):
    frame = tables.read_table(path, columns)
    record = tables.read_provenance(path)
    changed = change(frame)
    tables.write_table(path, frame if changed is None else changed, columns, record)


def change_cube(path, change, ids=None):
    record = cubes.read_provenance(path)
    names = [name for name in ("STAMP", "GT", "LQ", "RS") if _has(path, name)]
    images = {name: cubes.read_cube(path, name) for name in names}
    change(images)
    found = cubes.read_ids(path) if ids is None else ids
    cubes.write_cube(path, images, found, record)


def _has(path, name):
    try:
        return len(cubes.read_cube(path, name, slice(0, 1))) >= 0
    except InputError:
        return False


def check(*arguments):
    return main(["check", "--report", "results/checks/report.xml", *map(str, arguments)])


def test_a_sound_run_passes_whatever_another_run_left_there(results, capsys):
    mine = [results / name for name in Artefacts(results).files]
    assert check() == 0
    assert "checks passed" in capsys.readouterr().err
    first = (results / "checks/report.xml").read_bytes()
    assert first.count(b"<testcase") > 60
    assert b"<failure" not in first

    save_file({"a": np.ones(2)}, results / "models/left_over.safetensors")
    assert "left_over" in Artefacts(results).below("models", ".safetensors")
    assert "left_over" not in Artefacts(results, mine).below("models", ".safetensors")
    assert check("--files", *(path.relative_to(results.parent) for path in mine)) == 0
    # The same files give the same report, without times.
    assert (results / "checks/report.xml").read_bytes() == first
    assert not (results / "checks/failed.xml").exists()


def test_a_failure_is_named_and_its_report_kept(results, capsys):
    change_cube(results / "restored/none/jwst.fits", lambda images: images["RS"].fill(np.nan))
    (results / "checks").mkdir()
    (results / "checks/report.xml").write_text("an old report")
    assert check() == 2
    lines = capsys.readouterr().err.splitlines()
    assert "failed.xml" in lines[-1]
    assert "test_restored_images_are_the_test_split[none/jwst]" in lines[-1]
    assert any("RS of ids" in line and "not finite" in line for line in lines)
    assert b"<failure" in (results / "checks/failed.xml").read_bytes()
    assert not (results / "checks/report.xml").exists()


def test_a_listed_file_that_is_missing(results, capsys):
    assert check("--files", "results/pairs/nowhere.fits") == 2
    assert "results/pairs/nowhere.fits: does not exist" in capsys.readouterr().err


def test_an_empty_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert check() == 2
    assert "holds no tables, images or weights" in capsys.readouterr().err


def fails(function, *arguments, match, results):
    with pytest.raises(AssertionError, match=match):
        function(Artefacts(results), *arguments)


def test_provenance_of_other_code(results):
    path = results / "stamps/hst_a.parquet"
    old = dataclasses.replace(tables.read_provenance(path), code="0" * 16)
    tables.write_table(path, tables.read_table(path), CATALOGUE, old)
    fails(
        test_provenance.test_made_by_present_code,
        "stamps/hst_a.parquet",
        match="made by other code of stage select",
        results=results,
    )
    gone = dataclasses.replace(old, stage="polish")
    tables.write_table(path, tables.read_table(path), CATALOGUE, gone)
    fails(
        test_provenance.test_made_by_present_code,
        "stamps/hst_a.parquet",
        match="there is no such stage",
        results=results,
    )


def test_inputs_that_changed(results):
    name = "measurements/none/galsim.parquet"
    test_provenance.test_inputs_are_unchanged(Artefacts(results), name)
    change_cube(results / "restored/none/galsim.fits", lambda images: images["RS"].fill(0))
    fails(
        test_provenance.test_inputs_are_unchanged,
        name,
        match="other contents of results/restored/none/galsim.fits",
        results=results,
    )


def test_files_without_provenance(results):
    save_file({"a": np.ones(2)}, results / "models/jwst/weights.safetensors")
    with pytest.raises(InputError, match="holds no provenance"):
        Artefacts(results).provenance("models/jwst/weights.safetensors")
    (results / "models/jwst/weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="not a readable safetensors file"):
        Artefacts(results).provenance("models/jwst/weights.safetensors")


def test_mosaics_that_changed(results):
    image = results.parent / "image.fits"
    image.write_bytes(b"pixels")
    row = {column.name: {"str": ""}.get(column.dtype, 1) for column in MANIFEST}
    row |= {"science": "image.fits", "science_sha256": sha256_of(image)}
    frame = pd.DataFrame([row]).astype({c.name: c.dtype for c in MANIFEST if c.dtype != "str"})
    path = results / "mosaics/hst_a.parquet"
    tables.write_table(path, frame, MANIFEST, Provenance("acquire", "0", "{}", 1))
    test_provenance.test_mosaics_are_unchanged(Artefacts(results), "hst_a")
    image.write_bytes(b"other pixels")
    fails(
        test_provenance.test_mosaics_are_unchanged,
        "hst_a",
        match="image.fits is not the file that entered",
        results=results,
    )


def other_reason(frame):
    frame.loc[len(frame) - 1, "rejected_by"] = "star"


def test_reasons_that_are_not_the_first(results):
    change_table(results / "stamps/hst_a.parquet", CATALOGUE, other_reason)
    fails(
        test_sources.test_first_rejection_is_the_first_flag,
        "hst_a",
        match=r"rejected_by is not the first rejection of ids \[\d+\]",
        results=results,
    )


def test_stamps_that_are_not_the_accepted_sources(results):
    path = results / "stamps/hst_a.fits"
    change_cube(path, lambda images: None, ids=cubes.read_ids(path)[::-1])
    fails(
        test_sources.test_stamps_are_the_accepted_sources,
        "hst_a",
        match="60 stamps for 60 accepted sources, or other ids",
        results=results,
    )


def test_ids_that_large_floats_would_confuse(results):
    """Ids next to each other near 2**60 differ; equal ones are found."""
    test_sources.test_ids_are_unique(Artefacts(results))
    shutil.copy(results / "stamps/hst_a.parquet", results / "stamps/hst_b.parquet")
    fails(test_sources.test_ids_are_unique, match="occur twice", results=results)


def test_fits_and_selection_that_miss_sources(results):
    shutil.copy(results / "stamps/jwst_a.parquet", results / "stamps/hst_b.parquet")
    fails(test_sources.test_fits_are_of_the_stamps, match="120 fits for 60", results=results)
    change_table(
        results / "tables/selection.parquet", SELECTION, lambda t: t.assign(first=t["first"] + 1)
    )
    fails(
        test_sources.test_selection_table_counts_the_catalogues,
        match="out of step",
        results=results,
    )


def test_pairs_that_are_not_their_table(results):
    path = results / "pairs/jwst.fits"
    change_cube(path, lambda images: None, ids=cubes.read_ids(path) + 1)
    fails(test_pairs.test_images_belong_to_the_table, "jwst", match="different", results=results)


@pytest.mark.parametrize("name", ["jwst", "galsim"])
def test_pairs_that_are_missing(results, name):
    change_table(results / f"pairs/{name}.parquet", PAIRS, lambda t: t.iloc[1:])
    fails(test_pairs.test_every_object_became_a_pair, name, match="pairs for", results=results)


@pytest.mark.parametrize(
    ("value", "match"), [(np.nan, "is not finite"), (1.01, "does not span 0 to 1")]
)
@pytest.mark.parametrize("name", ["GT", "LQ"])
def test_images_that_are_not_normalised(results, name, value, match):
    def spoil(images):
        images[name][3, 4, 5] = value

    change_cube(results / "pairs/galsim.fits", spoil)
    fails(
        test_pairs.test_images_are_normalised,
        "galsim",
        name,
        match=rf"{name} of ids \[3\] {match}",
        results=results,
    )


def test_groups_in_two_splits(results):
    def tear(frame):
        frame.loc[0, "split"] = "validation"

    change_table(results / "pairs/jwst.parquet", PAIRS, tear)
    fails(test_pairs.test_splits_are_disjoint, "jwst", match=r"groups \[0\]", results=results)


@pytest.mark.parametrize("with_wcs", [True, False])
@pytest.mark.parametrize(("distance", "torn"), [(0.9, True), (1.1, False)])
def test_the_same_galaxy_in_two_splits(results, with_wcs, distance, torn):
    """The second mosaic is shifted by some arcsec, and its pairs moved to another split."""

    def place(shift):
        def change(frame):
            frame["ra"] += shift / 3600
            frame["field"], frame["pixel_scale"] = "f", 0.03
            frame["x"] = 30 / 0.03 * np.arange(len(frame)) + shift / 0.03
            if not with_wcs:
                frame["ra"] = np.nan

        return change

    def regroup(frame):
        frame["group"] = np.arange(len(frame))
        frame.loc[frame["source"] == "jwst_b", "split"] = "validation"

    change_table(results / "stamps/jwst_a.parquet", CATALOGUE, place(0.0))
    change_table(results / "stamps/jwst_b.parquet", CATALOGUE, place(distance))
    change_table(results / "pairs/jwst.parquet", PAIRS, regroup)
    if torn:
        fails(
            test_pairs.test_splits_are_apart_on_the_sky,
            # Of 60 sources seen twice, 15 are in the validation split on both sides.
            match=r"45 pairs within 1.0 arcsec in different splits",
            results=results,
        )
    else:
        test_pairs.test_splits_are_apart_on_the_sky(Artefacts(results))


def test_noise_of_another_distribution(results):
    def louder(frame):
        frame["noise"] *= 1.3

    change_table(results / "pairs/jwst.parquet", PAIRS, louder)
    fails(
        test_pairs.test_noise_is_distributed_as_it_should,
        "jwst",
        match="Kolmogorov-Smirnov",
        results=results,
    )
    fails(test_pairs.test_noise_is_as_stated, "jwst", match=r"is 0\.7\d of what", results=results)
    change_table(results / "population.parquet", POPULATION, louder)
    fails(
        test_pairs.test_noise_is_distributed_as_it_should,
        "galsim",
        match="noise is distributed otherwise than among the population",
        results=results,
    )
    fails(
        test_pairs.test_population_follows_the_fits,
        match="population: noise is distributed otherwise than among the fits",
        results=results,
    )


def test_restored_images_of_other_objects(results):
    path = results / "restored/none/jwst.fits"
    change_cube(path, lambda images: None, ids=cubes.read_ids(path)[::-1])
    fails(
        test_scores.test_restored_images_are_the_test_split,
        "none/jwst",
        match="30 images for 30 test pairs, or other ids",
        results=results,
    )


def test_scores_of_other_images(results):
    path = results / "measurements/none/jwst.parquet"
    change_table(path, MEASUREMENTS, lambda t: t.assign(psnr=t["psnr"] + 0.001))
    fails(
        test_scores.test_scores_are_those_of_the_images,
        "none/jwst",
        match="is not that of the images",
        results=results,
    )
    fails(
        test_scores.test_table1_is_the_mean_of_the_scores,
        "table1_jwst",
        match="psnr of none is not the mean",
        results=results,
    )
    change_table(path, MEASUREMENTS, lambda t: t.iloc[1:])
    fails(
        test_scores.test_scores_are_of_the_test_split,
        "none/jwst",
        match="not the test pairs",
        results=results,
    )
    fails(
        test_scores.test_table1_is_the_mean_of_the_scores,
        "table1_jwst",
        match="none counts 30 images",
        results=results,
    )


def test_tables_under_another_name(results):
    change_table(
        results / "measurements/none/jwst.parquet", MEASUREMENTS, lambda t: t.assign(method="x")
    )
    fails(
        test_scores.test_scores_are_of_the_test_split,
        "none/jwst",
        match=r"holds scores of \{\('x', 'jwst'\)\}",
        results=results,
    )
    assert len(tables.read_table(results / "tables/table1_jwst.parquet", TABLE1)) == 1


def test_weights_that_are_not_finite(results):
    path = results / "models/jwst/weights.safetensors"
    weights = load_file(path)
    weights["a"][1, 1] = np.inf
    save_file(weights, path)
    fails(test_models.test_weights_are_finite, "jwst/weights", match="a are not", results=results)


def test_history_whose_best_is_not_the_best(results):
    path = results / "models/jwst/history.parquet"
    change_table(path, HISTORY, lambda t: t.assign(best=[True, False]))
    fails(
        test_models.test_history_rises_to_one_best,
        "jwst/weights",
        match="has not the best validation PSNR",
        results=results,
    )


GRID, STAMPS = "baselines/grid/wiener.parquet", "baselines/stamps/wiener.parquet"


def test_tuning_on_a_test_image(results):
    pairs = tables.read_table(results / "pairs/jwst.parquet")
    test_baselines.test_tuned_on_validation_images_alone(Artefacts(results), "wiener")

    def take(split):
        def change(frame):
            frame.loc[0, "id"] = pairs["id"][pairs["split"] == split].iloc[0]

        change_table(results / STAMPS, TUNING_STAMPS, change)

    for split in ("test", "train"):
        take(split)
        fails(
            test_baselines.test_tuned_on_validation_images_alone,
            "wiener",
            match=f"tuned on images of {split}",
            results=results,
        )


def test_tuning_on_a_source_of_the_test(results):
    used = tables.read_table(results / STAMPS)["id"]

    def share(frame):
        tested = frame["group"][frame["split"] == "test"].iloc[0]
        frame.loc[frame["id"] == used[0], "group"] = tested

    change_table(results / "pairs/jwst.parquet", PAIRS, share)
    fails(
        test_baselines.test_tuned_on_validation_images_alone,
        "wiener",
        match="1 images share their source with the test",
        results=results,
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda frame: frame.assign(chosen=[False, True]), "has a better point"),
        (lambda frame: frame.assign(chosen=True), "class 0 has 2 choices"),
        (lambda frame: frame.assign(score=[33.0, 31.0]), "is not that of its images"),
        (lambda frame: frame.assign(noise_class=[0, 1]), "are not those of the images"),
    ],
)
def test_tuning_that_is_not_the_best(results, change, match):
    test_baselines.test_the_best_point_is_chosen(Artefacts(results), "wiener")
    change_table(results / GRID, TUNING_GRID, change)
    fails(test_baselines.test_the_best_point_is_chosen, "wiener", match=match, results=results)


def test_tuning_at_an_edge_that_is_kept_quiet(results):
    test_baselines.test_edges_of_the_grid_are_reported(Artefacts(results), "wiener")
    change_table(results / GRID, TUNING_GRID, lambda frame: frame.assign(at_edge=False))
    fails(
        test_baselines.test_edges_of_the_grid_are_reported,
        "wiener",
        match="2 points are wrong about the grid's edge",
        results=results,
    )


def test_areas_that_differ_between_images(results):
    def grow(frame):
        frame.loc[0, "area_isophote"] += 1

    change_table(results / "shapes/jwst.parquet", SHAPES, grow)
    fails(
        test_shapes.test_areas_are_those_of_all_images,
        "jwst",
        match="differ between images",
        results=results,
    )


def test_a_bad_fit_that_counts_as_good(results):
    def spoil(frame):
        frame.loc[frame["image"] == "LQ", ["failure", "e1"]] = "", 0.99

    change_table(results / "shapes/jwst.parquet", SHAPES, spoil)
    fails(
        test_shapes.test_good_fits_lie_within_their_bounds,
        "jwst",
        match="of LQ counts as good",
        results=results,
    )


def test_a_comparison_of_more_than_was_measured(results):
    def inflate(frame):
        frame["failed"] += 1

    change_table(results / "tables/morphology_jwst.parquet", COMPARISON, inflate)
    fails(
        test_shapes.test_counts_of_comparisons_add_up,
        "morphology_jwst",
        match="in spite of the failures",
        results=results,
    )
