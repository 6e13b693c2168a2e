"""Words that stand for no value, as Snakemake's command line brings them."""

from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from galrestore import config
from galrestore.config.unvalidated import nulls
from galrestore.errors import SettingsError

FOLDER = Path(__file__).resolve().parents[2] / "config"


def demonstration(*entries):
    """The demonstration's settings with ``--config`` over them, as Snakemake lays them."""
    settings = yaml.safe_load((FOLDER / "config.yaml").read_text())
    update_config(settings, parse_config(entries))
    return settings


def test_null_on_the_command_line_is_null():
    without = "proxy={multi_epoch: null, single_epoch: ~}"
    local = "acquire={simulated: null, local: {mosaics: {}}}"
    # What the conversion is for: Snakemake brings the word.
    assert parse_config([without])["proxy"] == {"multi_epoch": "null", "single_epoch": "~"}
    run = config.load(demonstration(local, without, "data_root=null"))
    assert run.acquire.simulated is run.data_root is None
    assert run.proxy.sets() == run.exposures() == []
    variants = "train={variants: {nafnet: null, unet: Null}}"
    assert list(config.load(demonstration(variants)).train.variants) == [
        "galsim", "jwst", "transfer",
    ]  # fmt: skip
    sky = "acquire={simulated: {mosaics: {nircam_f277w: null}, exposures: {epochs_f814w: ~}}}"
    simulated = config.load(demonstration(sky, without)).acquire.simulated
    assert [name for name in simulated.mosaics if name.startswith("nircam")] == [
        "nircam_f115w", "nircam_f200w", "nircam_f444w",
    ]  # fmt: skip
    assert simulated.exposures == {}


def test_other_texts_stay():
    text = {"a": ["nullable", "null", {"b": "NULL"}], "c": "", "null": 1}
    assert nulls(text) == {"a": ["nullable", None, {"b": None}], "c": "", "null": 1}


def test_the_demonstrations_sets_without_their_sky_are_named_with_the_remedy():
    with pytest.raises(SettingsError) as error:
        config.load(demonstration("acquire={simulated: null}"))
    said = str(error.value)
    for key in ("multi_epoch.hst", "multi_epoch.jwst", "single_epoch.simulated"):
        assert f"proxy.{key}: no " in said
    remedy = "--config 'proxy={multi_epoch: null, single_epoch: null}'"
    assert f"or go without: proxy: {{multi_epoch: null, single_epoch: null}} ({remedy})" in said
    assert len(said) < 1000  # not the whole configuration
    # The remedy, taken literally, is enough.
    entries = ["acquire={simulated: null}", remedy.split("'")[1]]
    assert config.load(demonstration(*entries)).proxy.sets() == []


def test_a_set_alone_is_left_by_name():
    one = "proxy={single_epoch: {simulated: epochs}}"
    with pytest.raises(SettingsError, match=r"go without: proxy: \{single_epoch: null\} \("):
        config.load(demonstration(one))
