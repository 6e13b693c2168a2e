"""One run of the checks: pytest in a process of its own, and what its report says."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from galrestore.checks import (
    plugin,
    test_baselines,
    test_flux,
    test_limits,
    test_models,
    test_pairs,
    test_provenance,
    test_scores,
    test_shapes,
    test_sources,
)
from galrestore.checks.artefacts import list_files
from galrestore.errors import EmptyError, InputError
from galrestore.files.atomic import atomic

__all__ = ["run_checks"]

logger = logging.getLogger(__name__)

_CHECKS = (
    test_provenance,
    test_sources,
    test_pairs,
    test_models,
    test_baselines,
    test_scores,
    test_shapes,
    test_limits,
    test_flux,
)
_PASSED, _FAILED = 0, 1
_NAMED = 5


def run_checks(results, report, files=None):
    """
    Check the files of a run.

    Parameters
    ----------
    results : Path
        Folder of results.
    report : Path
        JUnit report to write; if a check fails it is written to ``failed.xml`` beside
        it instead.  It holds no times, so that equal results give equal reports.
    files : sequence of Path, optional
        Files of the run; by default all results below the folder.

    Raises
    ------
    EmptyError
        If there are no files.
    InputError
        If a file is missing, or if checks fail: names the first of them.
    RuntimeError
        If pytest itself breaks.
    """
    files = list_files(results) if files is None else sorted(files)
    if not files:
        raise EmptyError(f"{results}: holds no tables, images or weights to check")
    for path in files:
        if not path.is_file():
            raise InputError(path, "does not exist", "run snakemake")
    failed = report.with_name("failed.xml")
    logger.info("checking %d files below %s", len(files), results)
    with atomic(failed) as part:
        _run_pytest(results, files, part)
        cases = _tidy(part)
    failures = [(name, message) for name, status, message in cases if status == "failure"]
    if failures:
        report.unlink(missing_ok=True)
        for name, message in failures:
            logger.error("failed: %s: %s", name, message)
        names = ", ".join(name for name, _ in failures[:_NAMED])
        more = ", ..." if len(failures) > _NAMED else ""
        raise InputError(failed, f"{len(failures)} of {len(cases)} checks failed: {names}{more}")
    os.replace(failed, report)
    skipped = sum(status == "skipped" for _, status, _ in cases)
    logger.info("%d checks passed, %d did not apply", len(cases) - skipped, skipped)


def _run_pytest(results, files, report):
    """Run pytest, out of reach of the settings of the folder and of its user."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "files.txt")
        listing.write_text("".join(f"{path}\n" for path in files), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-c", os.devnull, "-q", "--tb=short"]
        command += ["--rootdir", str(Path(__file__).parent), "--import-mode=importlib"]
        command += ["-p", "no:cacheprovider", "-p", plugin.__name__]
        command += [f"--results={results}", f"--files={listing}", f"--junitxml={report}"]
        command += [module.__file__ for module in _CHECKS]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (_PASSED, _FAILED):
        msg = f"pytest ended with status {done.returncode}:\n{done.stdout}{done.stderr}"
        raise RuntimeError(msg)


def _tidy(report):
    """Take times and host out of the report, and list name, status, message of its cases."""
    tree = ElementTree.parse(report)
    for element in tree.iter():
        for name in ("timestamp", "hostname", "time"):
            element.attrib.pop(name, None)
    tree.write(report, encoding="utf-8", xml_declaration=True)
    return [_case(element) for element in tree.iter("testcase")]


def _case(element):
    name = f"{element.get('classname').rpartition('.')[2]}.{element.get('name')}"
    for status in ("failure", "error", "skipped"):
        found = element.find(status)
        if found is not None:
            status = "failure" if status == "error" else status
            lines = (found.get("message") or "").splitlines() or [""]
            return name, status, lines[0].removeprefix("AssertionError: ")
    return name, "passed", ""
