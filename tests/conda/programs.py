"""A channel and a stand-in for conda in a folder."""

import asyncio
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Each start of Snakemake asks twice or more, and a shell answers at once.  What solves must not
# import from the workflow that is under test.
CONDA = """\
#!/bin/sh
case "$*" in
"--version") echo "conda 25.1.0" ;;
"info --json") echo '{{"conda_prefix": "{folder}", "platform": "linux-64"}}' ;;
"config --get channel_priority --json")
    echo '{{"channel_priority": "strict", "get": {{"channel_priority": "strict"}}}}' ;;
*) exec env -u PYTHONPATH '{python}' '{script}' '{channel}' "$@" ;;
esac
"""
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
    values = {"folder": folder, "python": sys.executable, "script": script, "channel": channel}
    (programs / "conda").write_text(CONDA.format(**values))
    (programs / "conda").chmod(0o755)
    (programs / "activate").write_text(ACTIVATE)
    return programs
