"""Where compiled code is kept."""

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
from galrestore.sersic import fitting, stamp
rows, columns = np.indices((24, 24))
radius = np.hypot(rows - 12.2, 1.4 * (columns - 11.7))
stamps = [900 * np.exp(-radius / scale) for scale in (1, 2, 3)]
found = fitting.fit_sersic(np.array(stamps), 2.0, rms=1.0)
print(",".join(value.hex() for name in ("n", "r50", "q", "chi2") for value in found[name]))
print(sum(stamp.fit_block.stats.cache_hits.values()))
"""


def run(program, **environment):
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.split()


def test_compiled_code_is_found_again(tmp_path):
    folder = tmp_path / "not there yet"
    first = run(PROGRAM, GALRESTORE_COMPILED=str(folder))
    second = run(PROGRAM, GALRESTORE_COMPILED=str(folder))
    assert (first[1], second[1]) == ("0", "1")
    # To the last bit, or shards would depend on which of them came first.
    assert second[0] == first[0]


def test_nothing_is_kept_unless_asked_for(tmp_path):
    where = "from galrestore.sersic import stamp; print(stamp.fit_block.stats.cache_path)"
    assert run(where, GALRESTORE_COMPILED="", NUMBA_CACHE_DIR=str(tmp_path)) == ["None"]
    (tmp_path / "file").touch()
    assert run(where, GALRESTORE_COMPILED=str(tmp_path / "file" / "below")) == ["None"]
