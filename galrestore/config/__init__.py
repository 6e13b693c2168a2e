"""
Settings: one closed model per stage, assembled in `RunConfig`.

Only pydantic is needed, so that a bare Snakemake installation can validate a
configuration while it parses the Snakefile.
"""

import json
import os
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from galrestore.config.acquire import Acquire
from galrestore.config.archive import Archive
from galrestore.config.base import Section, setting
from galrestore.config.degrade import Degrade
from galrestore.config.fit import Fit
from galrestore.config.limits import Limits
from galrestore.config.lock import read_lock
from galrestore.config.measure import Measure
from galrestore.config.present import Present
from galrestore.config.proxy import Proxy
from galrestore.config.render import Render
from galrestore.config.resample import Resample
from galrestore.config.restore import BASELINES, Restore, Tune
from galrestore.config.runtime import Runtime
from galrestore.config.select import Select
from galrestore.config.shapes import Shapes
from galrestore.config.train import DEFAULT_NETWORK, Train
from galrestore.config.unvalidated import leave_out_unselected, nulls
from galrestore.errors import SettingsError

__all__ = ["RunConfig", "archive_of", "load", "section_from_json"]


class RunConfig(Section):
    """All settings of a run."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = setting(
        ..., "Seed of every random number of the run.", unit="", paper="-"
    )
    data_root: str | None = setting(
        None,
        "Folder of data; replaces acquire.local.root and acquire.mast.root (handy on the "
        "command line).",
        unit="",
        paper="-",
    )
    acquire: Acquire = setting(..., "Where mosaics come from.", unit="", paper="3.1, 3.3")
    select: Select = setting(Select(), "Detection, rejection, stamps.", unit="", paper="3.1, 3.3")
    fit: Fit = setting(Fit(), "Sersic fits.", unit="", paper="3.1")
    resample: Resample = setting(Resample(), "KDE resampling.", unit="", paper="3.2")
    render: Render = setting(Render(), "GalSim images.", unit="", paper="3.2")
    degrade: Degrade = setting(Degrade(), "Low-quality images.", unit="", paper="3.2, 3.3")
    proxy: Proxy = setting(
        Proxy(), "Sets whose GT is a better image of the same sky.", unit="", paper="5"
    )
    train: Train = setting(Train(), "Network and its training.", unit="", paper="2.4")
    tune: Tune = setting(Tune(), "Parameters of the baselines.", unit="", paper="-")
    restore: Restore = setting(Restore(), "Restoration and baselines.", unit="", paper="4")
    measure: Measure = setting(Measure(), "Scores.", unit="", paper="4.1")
    shapes: Shapes = setting(Shapes(), "Morphology and photometry.", unit="", paper="4.3, 4.4")
    limits: Limits = setting(Limits(), "Tests of the limits.", unit="", paper="6, A")
    present: Present = setting(Present(), "Tables and figures.", unit="", paper="4")
    runtime: Runtime = setting(
        Runtime(), "How the work is cut up; no influence on results.", unit="", paper="-"
    )

    @model_validator(mode="after")
    def _mosaics_are_unique(self):
        names = [name for _, name, _ in self.mosaics()]
        for name in names:
            if names.count(name) > 1:
                msg = f"acquire: mosaic {name!r} enters through two doors; rename one"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _settings_name_mosaics(self):
        names = [name for _, name, _ in self.mosaics()]
        named = {
            "select.star_magnitudes": self.select.star_magnitudes,
            "fit.known_skies": self.fit.known_skies,
        }
        for key, keys in named.items():
            for name in keys:
                if name not in names:
                    msg = f"{key}: no mosaic {name!r}, there are {', '.join(names)}"
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _proxies_name_what_there_is(self):
        problems = [*self._unknown_mosaics(), *self._unknown_exposures()]
        if problems:
            sets = dict.fromkeys(key.partition(".")[0] for key, _ in problems)
            without = "proxy: {" + ", ".join(f"{name}: null" for name in sets) + "}"
            texts = "; ".join(f"proxy.{key}: {text}" for key, text in problems)
            msg = (
                f"{texts}. Name others, or go without: {without} "
                f"(--config '{without.replace(': ', '=', 1)}')"
            )
            raise ValueError(msg)
        return self

    def _unknown_mosaics(self):
        for key, telescope, name in self.proxy.named():
            names = [known for _, known, _ in self.mosaics(telescope)]
            if name not in names:
                yield key, f"no {telescope} mosaic {name!r}, there are {', '.join(names) or 'none'}"

    def _unknown_exposures(self):
        single = self.proxy.single_epoch
        if single is not None and single.simulated is not None:
            yield from self._unknown_simulated(single)
        if single is not None and single.exposures_of is not None:
            yield from self._unknown_archived(single)

    def _unknown_simulated(self, single):
        known = self.exposures()
        if single.simulated not in known:
            problem = f"no set of exposures {single.simulated!r}, there are "
            yield "single_epoch.simulated", problem + (", ".join(known) or "none")
            return
        count = len(self.acquire.simulated.exposures[single.simulated].exposure_times)
        if max(single.exposures) >= count:
            yield "single_epoch.exposures", f"{single.exposures} of {count}, counted from 0"

    def _unknown_archived(self, single):
        key, archive, name = "single_epoch.exposures_of", self.acquire.mast, single.exposures_of
        known = archive.exposures if archive else {}
        if name not in known:
            listed = ", ".join(known) or "none"
            yield key, f"no set {name!r} in acquire.mast.exposures, there are {listed}"
            return
        if not archive.taken(name):
            yield key, f"no exposures of {name!r} in {archive.lock}: run galrestore acquire resolve"
        bands = {known_name: mosaic.band for _, known_name, mosaic in self.mosaics("hst")}
        if bands.get(single.mosaic, known[name].band) != known[name].band:
            yield key, f"{name} are in {known[name].band}, their mosaic in {bands[single.mosaic]}"

    @model_validator(mode="after")
    def _names_of_methods(self):
        for name in self.restore.checkpoints:
            if name in (*self.train.variants, *BASELINES):
                msg = f"restore.checkpoints: {name!r} is another method's name; rename it"
                raise ValueError(msg)
        networks = (*self.train.variants, *self.restore.checkpoints)
        if self.present.variant not in (None, *networks):
            known = ", ".join(networks)
            msg = f"present.variant: no variant {self.present.variant!r}, there are {known}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _limits_name_methods(self):
        known = [*self.train.variants, *self.restore.checkpoints, *self.restore.baselines]
        for name in self.limits.methods:
            if name not in known:
                msg = f"limits.methods: no method {name!r}, there are {', '.join(known)}"
                raise ValueError(msg)
        return self

    def shown_variant(self):
        """Return the name of the variant whose training and architecture figures show."""
        variants = self.train.variants
        if self.present.variant in variants:
            return self.present.variant
        of_the_paper = [name for name in variants if variants[name].network == DEFAULT_NETWORK]
        return (of_the_paper or list(variants))[-1]

    def shown_method(self):
        """Return the name of the variant, or of the weights given, whose images figures show."""
        return self.present.variant or self.shown_variant()

    def lineages(self):
        """
        Return what each network was trained on, for its label.

        Returns
        -------
        lineages : dict of str to str
            ``<network>/<sets of its phases>`` by variant; ``given/<name>`` of weights given.
        """
        trained = {name: variant.model for name, variant in self.train.variants.items()}
        return trained | {name: f"given/{name}" for name in self.restore.checkpoints}

    def training_mosaics(self, telescope):
        """
        List the mosaics that fits, noise and training pairs come from.

        Parameters
        ----------
        telescope : {"hst", "jwst"}
            Whose.

        Returns
        -------
        names : list of str
            All but those that ``proxy`` holds out.
        """
        held_out = self.proxy.held_out()
        return [name for _, name, _ in self.mosaics(telescope) if name not in held_out]

    def mosaics(self, telescope=None):
        """
        List the mosaics of all doors.

        Parameters
        ----------
        telescope : {"hst", "jwst"}, optional
            Keep only this telescope's.

        Returns
        -------
        mosaics : list of (str, str, Section)
            Door (``"simulated"``, ``"local"`` or ``"mast"``), name and settings of each
            mosaic; those of the archive are described as in a local folder.
        """
        doors = {"simulated": self.acquire.simulated, "local": self.acquire.local}
        doors["mast"] = self.acquire.mast and self.acquire.mast.folder()
        return [
            (door, name, mosaic)
            for door, section in doors.items()
            if section is not None
            for name, mosaic in section.mosaics.items()
            if telescope in (None, mosaic.telescope)
        ]

    def acquisition(self, name):
        """
        Return the settings that one mosaic, or one set of ready pairs, depends on.

        Parameters
        ----------
        name : str
            Mosaic or set of pairs.

        Returns
        -------
        text : str
            JSON of an `Acquire` section that holds nothing else, so that a change of
            one mosaic reruns that mosaic alone.
        """
        kept = {}
        archive = self.acquire.mast and self.acquire.mast.folder()
        doors = [("simulated", self.acquire.simulated), ("local", self.acquire.local)]
        for door, section in [*doors, ("local", archive)]:
            for group in ("mosaics", "pairs"):
                members = getattr(section, group, {})
                if name in members:
                    local = {"mosaics": {}, "pairs": {}}
                    others = local if door == "local" else {"exposures": {}}
                    kept[door] = section.model_copy(update=others | {group: {name: members[name]}})
        return Acquire.model_construct(**kept).model_dump_json()

    def exposures(self):
        """Return the names of the sets of simulated exposures, a list of str."""
        return list(self.acquire.simulated.exposures) if self.acquire.simulated else []

    def exposure(self, name):
        """
        Return the settings that one set of simulated exposures depends on.

        Parameters
        ----------
        name : str
            Set of exposures.

        Returns
        -------
        text : str
            JSON of an `Acquire` section that holds nothing else but their mosaic.
        """
        sky = self.acquire.simulated
        kept = sky.exposures[name]
        mosaics = {kept.mosaic: sky.mosaics[kept.mosaic]}
        only = sky.model_copy(update={"mosaics": mosaics, "exposures": {name: kept}})
        return Acquire.model_construct(simulated=only).model_dump_json()

    def truth_of_exposures(self):
        """Return what the truth about single exposures depends on, JSON of an `Acquire` section."""
        sky, single = self.acquire.simulated, self.proxy.single_epoch
        exposures = {single.simulated: sky.exposures[single.simulated]}
        names = [exposures[single.simulated].mosaic, single.truth]
        only = {"mosaics": {name: sky.mosaics[name] for name in names}, "exposures": exposures}
        return Acquire.model_construct(simulated=sky.model_copy(update=only)).model_dump_json()

    def download(self, path):
        """
        Return the settings that the download of one file depends on.

        Parameters
        ----------
        path : str
            Place of the file below the archive's folder, ``<field>/<file>``.

        Returns
        -------
        text : str
            JSON of an `Acquire` section that holds nothing else.
        """
        archive = self.acquire.mast
        products = [product for product in archive.chosen() if product.path == path][:1]
        update = {"fields": None, "mosaics": {}, "exposures": {}, "products": products}
        return Acquire.model_construct(mast=archive.model_copy(update=update)).model_dump_json()

    def archived_exposures(self):
        """Return the exposures of the archive that the run restores, a list of `Product`."""
        single = self.proxy.single_epoch
        if single is None or single.exposures_of is None:
            return []
        return self.acquire.mast.taken(single.exposures_of)

    def to_fetch(self):
        """Say how much of the archive the run needs, one line for each field."""
        return self.acquire.mast.estimate({p.entry for p in self.archived_exposures()})

    def pair_sets(self):
        """Return the names of the sets of ready pairs, a list of str."""
        return list(self.acquire.local.pairs) if self.acquire.local else []

    def section(self, name):
        """
        Return one stage's settings as JSON.

        Parameters
        ----------
        name : str
            Stage.

        Returns
        -------
        text : str
            JSON in the order of the model's fields: equal settings give equal text.
        """
        return getattr(self, name).model_dump_json()


def load(config, folder="."):
    """
    Validate a configuration.

    Parameters
    ----------
    config : dict
        The configuration, as read from YAML.
    folder : str, optional
        Folder that the path of the archive's product list starts from.

    Returns
    -------
    run : RunConfig
        The settings.

    Raises
    ------
    SettingsError
        For the first bad key or value, naming both; or if the archive's product list
        cannot be used.
    """
    config = nulls(json.loads(json.dumps(config, default=str)))  # YAML reads dates as such
    leave_out_unselected(config)
    doors = config.get("acquire") or {}
    local, mast = doors.get("local"), doors.get("mast")
    for door in (local, mast):
        if config.get("data_root") and door:
            door["root"] = config["data_root"]
    if mast and mast.get("products") is None:
        lock = mast.get("lock") or Archive.model_fields["lock"].default
        mast["products"] = read_lock(os.path.join(folder, lock))
    if local and local.get("root"):
        _find_images(config, local["root"])
    return _validated(RunConfig.model_validate, config)


def archive_of(config):
    """
    Validate the archive's door alone, whatever its product list.

    Parameters
    ----------
    config : dict
        A configuration, as read from YAML; other sections are not looked at.

    Returns
    -------
    archive : Archive
        The settings ``acquire.mast``.

    Raises
    ------
    SettingsError
        If there are none, or for the first bad key or value.
    """
    mast = ((config or {}).get("acquire") or {}).get("mast")
    if not mast:
        raise SettingsError("acquire.mast", mast, "this configuration does not open the archive")
    return _validated(Archive.model_validate, json.loads(json.dumps(mast, default=str)))


def section_from_json(model):
    """
    Return a parser of a section's JSON, for the command line.

    Parameters
    ----------
    model : type of Section
        The section.

    Returns
    -------
    parse : callable
        Takes the text and returns the section; raises `SettingsError`.
    """

    def parse(text):
        return _validated(model.model_validate_json, text)

    return parse


def _find_images(config, root):
    """Put the folder of local data before the paths of images that settings name."""
    fit, degrade = (config.get(name) or {} for name in ("fit", "degrade"))
    psfs = fit.get("psf_images")
    images = list(psfs.values()) if isinstance(psfs, dict) else []
    for image in (*images, degrade.get("psf_image"), degrade.get("noise_image")):
        if isinstance(image, dict) and isinstance(image.get("path"), str):
            image["path"] = os.path.join(root, image["path"])


def _validated(validate, value):
    try:
        return validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "config"
        if first["type"] == "extra_forbidden":
            raise SettingsError(key, first["input"], "unknown key, see config/README.md") from error
        raise SettingsError(key, first["input"], first["msg"]) from error
