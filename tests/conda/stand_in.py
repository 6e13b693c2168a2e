"""
Stand-in for the program `conda`: a test double with a real solver.

It answers what Snakemake asks and refuses all else.  Packages are solved, linked and checked
by rattler, from one channel in a folder, whatever channel the environment file names.

    python stand_in.py CHANNEL BASE <arguments of conda>
"""

import asyncio
import json
import os
import sys
from pathlib import Path

VERSION = "25.1.0"
PRIORITY = {"channel_priority": "strict", "get": {"channel_priority": "strict"}}


async def create(channel, file, prefix):
    """Solve an environment file and link what was found."""
    import rattler
    import yaml

    wanted = yaml.safe_load(Path(file).read_text())["dependencies"]
    machine = rattler.VirtualPackage.detect()
    platforms = ["linux-64", "noarch"]
    records = await rattler.solve([channel], wanted, platforms=platforms, virtual_packages=machine)
    cache = Path(channel).parent / "packages"
    await rattler.install(records, prefix, cache_dir=cache, show_progress=False)


def answer(channel, base, arguments):
    """Answer one command line."""
    match arguments:
        case ["--version"]:
            sys.stdout.write(f"conda {VERSION}\n")
        case ["info", "--json"]:
            sys.stdout.write(json.dumps({"conda_prefix": base, "platform": "linux-64"}) + "\n")
        case ["config", "--get", "channel_priority", "--json"]:
            sys.stdout.write(json.dumps(PRIORITY) + "\n")
        case ["env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", to]:
            asyncio.run(create(channel, file, to))
        case ["clean", "-y", "--tarballs"]:
            pass  # the archives are the channel's own
        case _:
            sys.exit(f"this stand-in for conda knows no {arguments}")


if __name__ == "__main__":
    try:
        answer(sys.argv[1], sys.argv[2], sys.argv[3:])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may crash the interpreter as it ends
