"""Reproducible arithmetic of torch: fixed threads and deterministic algorithms."""

import contextlib
import os

import torch

__all__ = ["reproducible"]


@contextlib.contextmanager
def reproducible(threads):
    """
    Let torch give the same result each time, and put its switches back afterwards.

    Parameters
    ----------
    threads : int
        CPU threads; sums depend on their number by rounding.

    Yields
    ------
    None
        Nothing; the switches hold within the block.
    """
    # cuBLAS reads this when it starts; without it deterministic algorithms are refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Fills each new tensor, a tenth of the time of a step; nothing here reads such memory.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled
