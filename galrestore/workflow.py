"""What the Snakefile needs beside settings and fingerprints; standard library only."""

import os
import sys

from galrestore.provenance import fingerprint

__all__ = ["one_of", "prepare_environment", "software_changed", "work_in_place"]


def prepare_environment(folder):
    """
    Let jobs find the package, the right Python and what earlier jobs compiled.

    The package is the one beside the workflow, whatever is installed; Python is the one
    that runs Snakemake, unless a rule's conda environment puts its own in front.

    Parameters
    ----------
    folder : str
        Folder of the Snakefile.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, before] if before else [folder])
    programs = os.path.dirname(sys.executable)
    os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])
    os.environ.setdefault("GALRESTORE_PROGRESS", "lines")
    # Fits compile for seconds otherwise, in every job; see galrestore.sersic.kernel.
    code = fingerprint("sersic.stamp")
    os.environ["GALRESTORE_COMPILED"] = os.path.abspath(f".snakemake/compiled/{code}")


def one_of(names):
    """
    Return the pattern of a wildcard that runs over names.

    Parameters
    ----------
    names : iterable of str
        The names; with none, the pattern matches nothing.

    Returns
    -------
    pattern : str
        Regular expression.
    """
    return "|".join(names) or "(?!)"


def software_changed(dag):
    """
    Say that finished jobs run again because their software is another.

    That is so for all results when ``--use-conda`` is switched on or off.

    Parameters
    ----------
    dag : snakemake.dag.DAG
        Jobs, with the reasons of those that are to run.

    Returns
    -------
    message : str or None
        How many jobs, and how to keep their results; None if there are none.
    """
    redone = [job for job in dag.needrun_jobs() if dag.reason(job).software_stack_changed]
    if not redone:
        return None
    return (
        f"finished jobs run again ({len(redone)} for this reason): their results were made with"
        " another envs/galrestore.yaml, or with --use-conda on where it is off now or the reverse."
        " To keep them, stop now and add --rerun-triggers mtime params input code (docs/reruns.md)"
    )


def work_in_place(workflow, apart):
    """
    Let a job of SLURM do its work in the Snakemake that it starts.

    The plugin has that Snakemake start another one, as a step of the job.  Nothing changes in
    any other process: not in the one that submits, and not in a task of an array but its first,
    as the others start with the first one's job and only the plugin's step knows theirs.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        The workflow, with all its rules.
    apart : set of str
        Rules that stay steps, such as those that act on SLURM's signals, which go to steps.
    """
    task, first = (os.environ.get(f"SLURM_ARRAY_TASK_{what}") for what in ("ID", "MIN"))
    if workflow.remote_exec and "SLURM_JOB_ID" in os.environ and task == first:
        workflow.localrules(*({rule.name for rule in workflow.rules} - apart))
