"""A channel and a stand-in for conda, made once."""

import asyncio
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ACTIVATE = """\
export CONDA_PREFIX="$1"
export PATH="$1/bin:$PATH"
"""


def install(folder, channel):
    """Put the stand-in for conda into a folder of programs, and return that."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    script = Path(__file__).with_name("stand_in.py")
    # What solves must not import from the workflow that is under test.
    command = f"exec env -u PYTHONPATH '{sys.executable}' '{script}' '{channel}' '{folder}'"
    (programs / "conda").write_text(f'#!/bin/sh\n{command} "$@"\n')
    (programs / "conda").chmod(0o755)
    (programs / "activate").write_text(ACTIVATE)
    return programs


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Folder of programs of a conda whose channel has the packages of envs/galrestore.yaml."""
    from tests.conda import channel  # its imports take a second

    folder = tmp_path_factory.mktemp("conda")
    made = channel.make(folder / "channel", ROOT / "envs" / "galrestore.yaml")
    asyncio.run(channel.write_index(made))
    return install(folder, made)
