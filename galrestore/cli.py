"""
Command line of the package: dispatch, logging and exit codes.

``galrestore <stage> ...`` runs one stage.  Exit status 0 is success, 2 an error the
user can mend (one line on the terminal), 1 a defect of the package (traceback).
"""

import argparse
import importlib
import logging
import os
import platform
import sys
from pathlib import Path

from galrestore import __version__
from galrestore.errors import GalrestoreError

__all__ = ["main"]

# In pipeline order, with the help line of each: stages are imported only when run.
STAGES = {
    "acquire": "bring mosaics in: local folder, archive MAST, or simulated sky",
    "expose": "take single exposures of the simulated sky, and drizzle them",
    "select": "detect, measure, reject with a reason and cut stamps",
    "fit": "fit PSF-convolved Sersic profiles to stamps",
    "compare": "compare fits of galaxy cutouts with published ones",
    "resample": "draw a population from the five-dimensional KDE of the fits",
    "render": "render the population with GalSim",
    "degrade": "make low-quality images of ground truth, and split by sky",
    "proxy": "pair HST stamps with a better image of the same sky",
    "train": "train a network for one phase",
    "limits": "make the sets that show where restoration ends",
    "tune": "choose the parameters of a baseline on validation images",
    "image": "restore the galaxies of an image of your own",
    "restore": "restore a test set with a network or a baseline",
    "measure": "score restored images against the ground truth",
    "shapes": "measure morphology and photometry of restored images",
    "measure_limits": "measure restored sets of the limits",
    "present": "make a table or a figure",
    "present_scheme": "draw the network and the phases of training",
    "present_calibration": "tell bias and scatter of flux, size and index in bins",
    "present_limits": "make tables and figures of the limits",
    "present_claims": "set the paper's claims beside the figures of a run",
    "present_page": "write the texts of the report, or a page to send to others",
    "check": "test the artefacts and compare fingerprints",
    "estimate": "estimate what a run will need from the benchmark files of another",
    "weights": "convert published weights, or say what a file of weights holds",
    "gather": "join the shards of a table or of a cube",
}

logger = logging.getLogger("galrestore")

_MORE_MEMORY = (
    "give the job more memory, or less at once: raise runtime.shards, lower runtime.tile, "
    "restore.batch_size or train.micro_batch"
)


def main(argv=None):
    """
    Run one command.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    status : int
        0 for success, 2 for an error the user can mend, 1 for a defect.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = _parser(argv[0] if argv and argv[0] in STAGES else None)
    args = parser.parse_args(argv)
    if args.stage is None:
        parser.print_help()
        return 0
    try:
        _start_logging(args.stage, args.log)
        args.run(args)
    except GalrestoreError as error:
        return _fail(str(error), 2)
    except OSError as error:
        name = error.filename or "a file"
        return _fail(f"{name}: {error.strerror or error}", 2)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except Exception as error:
        if _lacks_memory(error):
            said = str(error).partition("\n")[0] or type(error).__name__
            return _fail(f"out of memory: {said}; {_MORE_MEMORY}", 2)
        logger.exception("a defect of galrestore, please report it")
        return 1
    return 0


def _lacks_memory(error):
    """Tell whether an allocation failed: torch says so with errors of its own."""
    texts = ("out of memory", "allocate memory")
    return isinstance(error, MemoryError) or any(text in str(error) for text in texts)


def _fail(message, status):
    if os.environ.get("GALRESTORE_DEBUG"):
        logger.exception("error: %s", message)
    else:
        logger.error("error: %s", message)
    return status


def _parser(wanted):
    """Parser of all stages; only the wanted one is imported and filled in."""
    parser = argparse.ArgumentParser(
        prog="galrestore", description="Restore Hubble galaxy images to JWST quality."
    )
    parser.add_argument("--version", action="version", version=f"galrestore {__version__}")
    parser.set_defaults(stage=None)
    commands = parser.add_subparsers(metavar="stage")
    for name, text in STAGES.items():
        sub = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        sub.set_defaults(stage=name)
        if name == wanted:
            module = importlib.import_module(f"galrestore.stages.{name}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run, log=None)
            for leaf in _leaves(sub):
                leaf.add_argument("--log", type=Path, help="file to keep the messages in")
    return parser


def _leaves(parser):
    """Parsers that take a stage's files: the stage's own, or those of its subcommands."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [leaf for group in groups for leaf in group.choices.values()] or [parser]


def _start_logging(stage, path):
    """Messages go to the terminal, where jobs mix, and to a file, which says what Python ran."""
    handlers = [logging.StreamHandler(sys.stderr)]
    job = stage if path is None or path.stem == stage else f"{stage} {path.stem}"
    handlers[0].setFormatter(logging.Formatter(job.replace("%", "%%") + ": %(message)s"))
    first = _is_first_process()
    if path is not None and first:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
        handlers[1].setFormatter(
            logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
    for handler in logger.handlers:
        handler.close()
    logger.handlers = handlers
    logger.setLevel(logging.INFO if first else logging.WARNING)
    logger.propagate = False
    if len(handlers) == 2:
        python = f"Python {platform.python_version()}, {sys.executable}"
        record = logger.makeRecord(logger.name, logging.INFO, "", 0, python, (), None)
        handlers[1].handle(record)


def _is_first_process():
    """Tell the first of several processes that train together from the others."""
    ranks = ("RANK", "LOCAL_RANK", "SLURM_PROCID")
    return all(os.environ.get(rank, "0") == "0" for rank in ranks)
