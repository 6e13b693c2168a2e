"""A Snakemake that has nothing beside it parses the settings and builds the DAG."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.workflow

# Snakemake asks a real `conda` for its version and folders before it builds a DAG with
# environments.  This stand-in answers those questions and nothing else: a test double.
CONDA = """#!/bin/sh
case "$*" in
*--version*) echo "conda 25.1.0" ;;
*info*) echo '{"conda_prefix": "/none", "platform": "linux-64"}' ;;
*channel_priority*) echo '{"channel_priority": "strict", "get": {"channel_priority": "strict"}}' ;;
*) echo "not a real conda: $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Folder of programs of a virtual environment with Snakemake alone."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    constraints = Path(__file__).resolve().parents[2] / "constraints.txt"
    subprocess.run(
        [folder / "bin/pip", "install", "-q", "--disable-pip-version-check"]
        + ["-c", constraints, f"snakemake=={version('snakemake')}"],
        check=True,
    )
    conda = folder / "bin" / "conda"
    conda.write_text(CONDA)
    conda.chmod(0o755)
    return folder / "bin"


@pytest.mark.parametrize("configfile", ["config/config.yaml", "config/smoke.yaml"])
def test_dag_with_conda(bare, tmp_path, copy_of_sources, configfile):
    flow = copy_of_sources(tmp_path / "flow")
    env = {"PATH": f"{bare}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [bare / "python", "-m", "snakemake", "-n", "--use-conda", "--cores", "2"]
        + ["--configfile", configfile],
        cwd=flow.folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-3000:]
    assert "simulate_i2d" in text
    assert "envs/galrestore.yaml" in text
