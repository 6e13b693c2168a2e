# Settings, and the names that wildcards run over; functions that rules use for input.

import os
import sys
from glob import glob

sys.path.insert(0, workflow.basedir)

from galrestore import config as settings_of
from galrestore.errors import SettingsError
from galrestore.page.contents import entry_of, in_order
from galrestore.provenance import content_digest, fingerprint
from galrestore.weights import checkpoint_file
from galrestore.workflow import one_of, prepare_environment, software_changed, work_in_place

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
CHECKPOINTS = RUN.restore.checkpoints
NETWORKS = [*VARIANTS, *CHECKPOINTS]
METHODS = [*RUN.restore.baselines, *NETWORKS]
LINEAGES = [f"{name}={lineage}" for name, lineage in RUN.lineages().items()]


onstart:
    if MAST:
        logger.info(RUN.to_fetch())
    if software_changed(workflow.dag):
        logger.warning(software_changed(workflow.dag))


scattergather:
    shards=RUN.runtime.shards,


def reported(path, of=None):
    """Mark a result for the report; it goes by its own name, or by that of what it shows."""
    entry = entry_of(of or path)
    labels = {"result": entry.title, "paper": entry.paper}
    return report(
        path,
        caption=os.path.abspath(f"results/report/captions/{os.path.basename(of or path)}.rst"),
        category=entry.category,
        subcategory=entry.kind,
        labels=labels | ({"set": entry.pairs} if entry.kind == "Tables" else {}),
    )


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


def methods_of(name):
    """Methods that restore a set."""
    if name in PROXIES and RUN.proxy.methods == "shown":
        return [method for method in METHODS if method in ("none", RUN.shown_method())]
    return METHODS


def shaped(wildcards):
    """Methods whose images are measured; no training is LQ, measured with every set."""
    return [method for method in methods_of(wildcards.set) if method != "none"]


def multi_epoch_files(wildcards):
    """Images of the mosaics of the set `multi_epoch`."""
    named = RUN.proxy.multi_epoch
    return [file for name in (named.hst, named.jwst) for file in files_of(name)]


def single_epoch_files(wildcards):
    """Exposures (receipts of the archive's) and mosaic of the set `single_epoch`, by name."""
    single = RUN.proxy.single_epoch
    if single.simulated is None:
        receipts = [f"results/downloads/{p.path}.parquet" for p in RUN.archived_exposures()]
        return {
            "exposures": receipts or exposures_restored(wildcards),
            "mosaic": f"results/mosaics/{single.mosaic}.parquet",
            "catalogue": f"results/stamps/{single.mosaic}.parquet",
            "files": files_of(single.mosaic),
        }
    return {
        "exposures": exposures_restored(wildcards),
        "mosaic": f"results/exposures/{single.simulated}_mosaic.parquet",
        "catalogue": f"results/exposures/{single.simulated}_catalogue.parquet",
        "files": expand(
            "results/exposures/{name}_{kind}.fits", name=single.simulated, kind=["sci", "wht"]
        ),
    }


def exposures_restored(wildcards):
    """Files of the exposures of the set `single_epoch`, in the order of the settings."""
    single = RUN.proxy.single_epoch
    if single.simulated is not None:
        exposures = exposure_files(single.simulated)
        return [exposures[number] for number in single.exposures]
    archived = [os.path.join(RUN.acquire.mast.root, p.path) for p in RUN.archived_exposures()]
    folder = RUN.acquire.local.root if RUN.acquire.local else RUN.acquire.mast.root
    return archived or [os.path.join(folder, file) for file in single.files]


def truth_files(wildcards):
    """Truth about the exposures, for the set that has it."""
    numbers = RUN.proxy.single_epoch.exposures if wildcards.set == "single_epoch_truth" else []
    return [f"results/exposures/truth/{number:02d}.fits" for number in numbers]


def band_titles(wildcards):
    """Columns of Figure 8b: telescope and filter of its two mosaics."""
    mosaics = {name: mosaic for _, name, mosaic in RUN.mosaics()}
    named = RUN.proxy.multi_epoch
    return [f"HST {mosaics[named.hst].band}", f"JWST {mosaics[named.jwst].band}"]


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


def weights_of(wildcards):
    """Weights of a network: those that stage train writes, or the ones given."""
    if wildcards.method in CHECKPOINTS:
        return checkpoint_file(CHECKPOINTS[wildcards.method])
    return f"results/models/{RUN.train.variants[wildcards.method].model}/weights.safetensors"


def earlier_weights(wildcards):
    """Weights of the phase before, or nothing for a first phase."""
    before, _, _ = wildcards.lineage.rpartition("-")
    return f"results/models/{wildcards.network}/{before}/weights.safetensors" if before else []
