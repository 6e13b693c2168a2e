"""Settings are closed, explained, and in step with what is generated from them."""

from pathlib import Path

import pytest
import yaml

from galrestore import config
from galrestore.config.documentation import fields, readme, schema
from galrestore.config.train import Recipe
from galrestore.errors import SettingsError

FOLDER = Path(__file__).resolve().parent.parent / "config"
MINIMAL = {"seed": 1, "acquire": {}}


def merged(*names):
    """Configuration files laid over each other, as Snakemake does."""

    def lay(under, over):
        for key, value in over.items():
            if isinstance(value, dict) and isinstance(under.get(key), dict):
                lay(under[key], value)
            else:
                under[key] = value
        return under

    result = {}
    for name in names:
        lay(result, yaml.safe_load((FOLDER / name).read_text()))
    return result


@pytest.mark.parametrize(
    "name", ["config.yaml", "smoke.yaml", "real.yaml", "weights.yaml", "paper.yaml"]
)
def test_shipped_configurations_are_valid(name):
    run = config.load(merged("config.yaml", name))
    assert run.mosaics("hst")
    assert run.mosaics("jwst")


def test_paper_configuration_holds_the_papers_numbers():
    # Sections 2.4, 3.1, 3.2, 3.3 of the paper.
    run = config.load(merged("config.yaml", "paper.yaml"))
    assert run.train.networks["restormer"].size() == {
        "dim": 48,
        "num_blocks": (4, 6, 6, 8),
        "num_refinement_blocks": 4,
        "heads": (1, 2, 4, 8),
        "ffn_expansion_factor": 2.66,
    }
    assert (run.train.iterations, run.train.batch_size) == (150_000, 64)
    assert (run.train.learning_rate, run.train.learning_rate_end) == (3e-4, 1e-6)
    assert run.resample.size == 100_000
    assert run.render.size == 64
    assert (run.select.threshold, run.select.minimum_area) == (1.5, 5)
    assert (run.select.maximum_width, run.select.minimum_snr) == (128, 20)
    assert run.select.jwst_maximum_rms == 0.02
    assert run.degrade.split == (0.8, 0.1, 0.1)


def test_nothing_of_the_demonstrations_recipe_is_left_in_the_papers():
    # The recipe's defaults are the authors' (checklist 9 to 16: no running mean, no warm-up),
    # but for the stamps of a validation: a tenth of 113,485.
    run = config.load(merged("config.yaml", "paper.yaml"))
    changed = {"validation_stamps": 11_348}
    for lineage in ("galsim-galsim", "jwst-jwst", "galsim-jwst"):
        assert run.train.recipe("restormer", lineage) == Recipe(**changed)


def test_the_paper_configuration_names_all_that_the_demonstration_sets():
    # Else a setting of the demonstration's would be in the paper's run unsaid. Variants and
    # networks are the paper's three with their own, the sky is taken away as a whole.
    def settings(section):
        for key, value in section.items():
            yield key
            if isinstance(value, dict):
                yield from (f"{key}.{below}" for below in settings(value))

    demonstration, paper = (
        yaml.safe_load((FOLDER / name).read_text()) for name in ("config.yaml", "paper.yaml")
    )
    assert paper["acquire"]["simulated"] is None
    apart = ("acquire.simulated.", "train.variants.", "train.networks.")
    named = set(settings(paper))
    unsaid = {key for key in settings(demonstration) if not key.startswith(apart)} - named
    assert unsaid == set()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selct": {}}, "selct = {}: unknown key"),
        ({"select": {"threshhold": 2}}, "select.threshhold = 2: unknown key"),
        ({"select": {"threshold": -1}}, "select.threshold = -1: .*greater than 0.5"),
        ({"train": {"batch_size": 7, "micro_batch": 2}}, "multiple of train.micro_batch"),
        ({"degrade": {"split": [0.5, 0.1, 0.1]}}, "add up to 1"),
        ({"degrade": {"kernel_size": 8}}, "must be odd, got 8"),
        ({"degrade": {"noise": "sky"}}, "belongs to degrade.noise sky or correlation"),
        ({"fit": {"index_bounds": [4, 2]}}, "must increase"),
        ({"seed": -1}, "seed = -1"),
        ({"tune": {"iterations": [5, 3]}}, r"tune.iterations must rise, got \(5, 3\)"),
        ({"train": {"variants": {"a": ["hubble"]}}}, "train.variants.a.sets.0 = 'hubble'"),
        ({"select": {"threshold": float("nan")}}, "select.threshold = nan"),
        ({"select": {"star_magnitudes": {"x": [-2, -5]}}}, "star_magnitudes.x must be saturation"),
        ({"select": {"star_magnitudes": {"x": [-5, -2]}}}, "star_magnitudes: no mosaic 'x'"),
        ({"fit": {"known_skies": {"x": {"error": 1}}}}, "fit.known_skies: no mosaic 'x'"),
        ({"fit": {"known_skies": {"x": {"error": -1}}}}, "greater than or equal to 0"),
        (
            {"fit": {"sky": "free", "known_skies": {"x": {"error": 1}}}},
            r"fit\.sky is 'free' and fit\.known_skies names \['x'\]",
        ),
    ],
)
def test_bad_settings_are_refused_with_key_and_value(change, message):
    with pytest.raises(SettingsError, match=message):
        config.load(MINIMAL | change)


def test_data_root_replaces_the_local_folder():
    local = {"mosaics": {}, "root": "a"}
    run = config.load({"seed": 1, "data_root": "b", "acquire": {"local": local}})
    assert run.acquire.local.root == "b"


def test_images_that_settings_name_are_looked_for_below_the_local_folder():
    image = {"path": "psf.fits"}
    changes = {
        "fit": {"psf": "images", "psf_images": {"a": image, "b": {"path": "/c/psf.fits"}}},
        "degrade": {"psf_image": image, "noise": "sky", "noise_image": {"path": "sky.fits"}},
    }
    run = config.load(MINIMAL | changes)
    assert run.degrade.files() == ["psf.fits", "sky.fits"]
    local = {"acquire": {"local": {"mosaics": {}, "root": "a"}}}
    run = config.load(MINIMAL | changes | local | {"data_root": "d"})
    assert [psf.path for psf in run.fit.psf_images.values()] == ["d/psf.fits", "/c/psf.fits"]
    assert run.degrade.files() == ["d/psf.fits", "d/sky.fits"]


def test_sections_survive_the_command_line():
    run = config.load(merged("config.yaml"))
    for name in ("select", "fit", "resample", "render", "degrade", "train", "restore"):
        section = getattr(run, name)
        assert config.section_from_json(type(section))(run.section(name)) == section


def test_acquisition_depends_on_one_mosaic_alone():
    base = merged("config.yaml")
    names = list(base["acquire"]["simulated"]["mosaics"])
    before = config.load(base).acquisition(names[0])
    base["acquire"]["simulated"]["mosaics"][names[1]]["depth"] = 25.0
    assert config.load(base).acquisition(names[0]) == before
    base["acquire"]["simulated"]["mosaics"][names[0]]["depth"] = 25.0
    assert config.load(base).acquisition(names[0]) != before


def test_every_setting_has_description_unit_and_source():
    found = list(fields())
    assert len(found) > 80
    for key, field in found:
        assert field.description, key
        assert field.description.endswith("."), key
        assert set(field.json_schema_extra) == {"unit", "paper"}, key
        assert field.json_schema_extra["paper"], key


def test_schema_and_reference_are_in_step():
    message = "run: python -m galrestore.config"
    assert (FOLDER / "schema.json").read_text() == schema(), message
    assert (FOLDER / "README.md").read_text() == readme(), message


def test_figures_show_the_papers_network_unless_told_otherwise():
    base = merged("config.yaml")
    assert config.load(base).shown_variant() == "transfer"
    assert config.load(base | {"present": {"variant": "unet"}}).shown_variant() == "unet"
    with pytest.raises(SettingsError, match=r"present\.variant: no variant 'gan'"):
        config.load(base | {"present": {"variant": "gan"}})
