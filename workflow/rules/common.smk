# Settings, and the names that wildcards run over; functions that rules use for input.

import os
import sys
from glob import glob

sys.path.insert(0, workflow.basedir)

from galrestore import config as settings_of
from galrestore.errors import SettingsError
from galrestore.provenance import fingerprint
from galrestore.workflow import one_of, prepare_environment

try:
    RUN = settings_of.load(config, workflow.basedir)
except SettingsError as error:
    raise WorkflowError(error) from None

prepare_environment(workflow.basedir)

SIMULATED = {name: mosaic for door, name, mosaic in RUN.mosaics() if door == "simulated"}
LOCAL = {name: mosaic for door, name, mosaic in RUN.mosaics() if door == "local"}
MAST = [name for door, name, _ in RUN.mosaics() if door == "mast"]
PUBLISHED = sorted(name for name, mosaic in LOCAL.items() if mosaic.published is not None)
HLF = [name for name, mosaic in SIMULATED.items() if mosaic.format == "hlf"]
I2D = [name for name, mosaic in SIMULATED.items() if mosaic.format == "i2d"]
HST = RUN.training_mosaics("hst")
JWST = RUN.training_mosaics("jwst")
PROXIES = RUN.proxy.sets()
SETS = ["jwst", "galsim", *RUN.pair_sets(), *PROXIES]
VARIANTS = list(RUN.train.variants)
METHODS = [*RUN.restore.baselines, *VARIANTS]


scattergather:
    shards=RUN.runtime.shards,


def mosaic_files(wildcards):
    """Images behind a manifest: the user's own or the simulated ones; receipts of downloads."""
    return files_of(wildcards.mosaic)


def files_of(name):
    """Images of a mosaic, as `mosaic_files` gives them."""
    if name in MAST:
        products = [p for p in RUN.acquire.mast.chosen() if p.mosaic == name]
        return [f"results/downloads/{product.path}.parquet" for product in products]
    if name in LOCAL:
        files = (LOCAL[name].science, LOCAL[name].weight)
        return [os.path.join(RUN.acquire.local.root, file) for file in files if file is not None]
    ends = ("sci", "wht") if name in HLF else ("i2d",)
    return [f"results/mosaics/{name}_{end}.fits" for end in ends]


def proxy_files(wildcards):
    """Images of the mosaics that a set of stamps beside better images is made of."""
    return [file for _, _, name in RUN.proxy.named() for file in files_of(name)]


def band_titles(wildcards):
    """Columns of Figure 8b: telescope and filter of its two mosaics."""
    mosaics = {name: mosaic for _, name, mosaic in RUN.mosaics()}
    named = [(telescope, mosaics[name].band) for _, telescope, name in RUN.proxy.named()]
    return [f"{telescope.upper()} {band}" for telescope, band in named]


def exposure_files(name):
    """Simulated exposures of a set."""
    count = len(RUN.acquire.simulated.exposures[name].exposure_times)
    return [f"results/exposures/{name}/{name}_{i:02d}_flc.fits" for i in range(count)]


def published_file(wildcards):
    """Table of published fits of a file of cutouts."""
    return os.path.join(RUN.acquire.local.root, LOCAL[wildcards.mosaic].published.table)


def published_psf(wildcards):
    """Image of the PSF to compare with, if the settings of fit name one."""
    images = RUN.fit.psf_images
    return [images[wildcards.mosaic].path] if wildcards.mosaic in images else []


def stamp_files(wildcards):
    """Stamps behind a set of ready pairs; the stage explains itself if there are none."""
    folder = RUN.acquire.local
    globs = folder.pairs[wildcards.set]
    return [
        path
        for pattern in (globs.gt, globs.lq)
        for path in sorted(glob(os.path.join(folder.root, pattern)))
    ]


def earlier_weights(wildcards):
    """Weights of the phase before, or nothing for a first phase."""
    before, _, _ = wildcards.lineage.rpartition("-")
    return f"results/models/{wildcards.network}/{before}/weights.safetensors" if before else []
