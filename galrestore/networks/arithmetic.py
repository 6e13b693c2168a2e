"""Reproducible arithmetic of torch: fixed threads and deterministic algorithms."""

import contextlib
import os

import torch

__all__ = ["reproducible"]


@contextlib.contextmanager
def reproducible(threads, compiled=False):
    """
    Let torch give the same result each time, and put its switches back afterwards.

    Parameters
    ----------
    threads : int
        CPU threads; sums depend on their number by rounding.
    compiled : bool, optional
        Whether torch.compile is to know of it too; its import takes longer than all of torch.

    Yields
    ------
    None
        Nothing; the switches hold within the block.
    """
    # cuBLAS reads this when it starts; without it deterministic algorithms are refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")
    if compiled:
        torch.use_deterministic_algorithms(True)
    # Fills each new tensor, a tenth of the time of a step; nothing here reads such memory.
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        if compiled:
            torch.use_deterministic_algorithms(False)
        torch.set_deterministic_debug_mode(before[1])
        torch.utils.deterministic.fill_uninitialized_memory = filled
