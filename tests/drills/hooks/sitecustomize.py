"""Kill the process where a file is whole under its temporary name, and not yet renamed."""

import os
import signal

_REPLACE = os.replace


def _kill_or_replace(source, target, **options):
    if os.fspath(target).endswith(os.environ["DRILL_KILL_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    _REPLACE(source, target, **options)


os.replace = _kill_or_replace
