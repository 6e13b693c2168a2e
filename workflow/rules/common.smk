# Settings, fingerprints and the names that wildcards run over.

import os
import sys

sys.path.insert(0, workflow.basedir)

from galrestore import config as settings_of
from galrestore.errors import SettingsError
from galrestore.provenance import fingerprint

try:
    RUN = settings_of.load(config)
except SettingsError as error:
    raise WorkflowError(error) from None

# Jobs find the package beside this workflow, and the Python that runs Snakemake unless a
# conda environment puts its own in front.
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")])
)
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
os.environ.setdefault("GALRESTORE_PROGRESS", "lines")

SIMULATED = {name: mosaic for door, name, mosaic in RUN.mosaics() if door == "simulated"}
LOCAL = {name: mosaic for door, name, mosaic in RUN.mosaics() if door == "local"}
HST = [name for _, name, _ in RUN.mosaics("hst")]
JWST = [name for _, name, _ in RUN.mosaics("jwst")]
SETS = ["jwst", "galsim", *RUN.pair_sets()]
VARIANTS = list(RUN.train.variants)
METHODS = [*RUN.restore.baselines, *VARIANTS]


scattergather:
    shards=RUN.runtime.shards,


def one_of(names):
    """Pattern of a wildcard that runs over names, or over nothing."""
    return "|".join(names) or "(?!)"
