"""
What makes environments behind the stand-in for `conda`: a test double with a real solver.

Packages are solved, linked and checked by rattler, from one channel in a folder, whatever channel
the environment file names.  `tests.conda.programs` answers what Snakemake asks besides; all
else is refused.

    python stand_in.py CHANNEL <arguments of conda>
"""

import asyncio
import os
import sys
from pathlib import Path


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


def answer(channel, arguments):
    """Answer one command line."""
    match arguments:
        case ["env", "create", "--quiet", "--no-default-packages", "--file", file, "--prefix", to]:
            asyncio.run(create(channel, file, to))
        case ["clean", "-y", "--tarballs"]:
            pass  # the archives are the channel's own
        case _:
            sys.exit(f"this stand-in for conda knows no {arguments}")


if __name__ == "__main__":
    try:
        answer(sys.argv[1], sys.argv[2:])
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may crash the interpreter as it ends
