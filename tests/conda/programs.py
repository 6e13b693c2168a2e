"""A channel and a stand-in for conda in a folder."""

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ACTIVATE = """\
export CONDA_PREFIX="$1"
export PATH="$1/bin:$PATH"
"""


def make_channel(folder):
    """Make a channel of the packages of envs/galrestore.yaml in a folder, and return it."""
    from tests.conda import channel  # its imports take a second

    made = channel.make(folder, ROOT / "envs" / "galrestore.yaml")
    asyncio.run(channel.write_index(made))
    return made


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
