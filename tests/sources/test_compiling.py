"""Compiled functions, with and without a folder to keep them in."""

import numpy as np
import pytest

from galrestore.sources.compiling import compiled

SOURCE = """
def total(values):
    result = 0.0
    for value in values:
        result += value
    return result / len(values)
"""


@pytest.fixture
def homeless():
    """Compile a function that has no file, hence no folder for its machine code."""
    namespace = {}
    exec(SOURCE, namespace)
    return compiled(namespace["total"])


def test_a_function_without_a_folder_works_all_the_same(homeless):
    assert homeless(np.array([1.0, 2.0, 6.0])) == 3
    assert np.isnan(homeless(np.zeros(0)))  # numpy's division by zero
