"""Reproducible arithmetic: the same bytes each time, and nothing left behind."""

import subprocess
import sys

import pytest
import torch

from galrestore.networks.arithmetic import reproducible
from galrestore.networks.restormer import Restormer


def test_a_step_gives_the_same_bytes_again_and_the_switches_go_back():
    torch.manual_seed(1)
    network = Restormer(8, (1, 1, 1, 1), 1, (1, 2, 4, 8), 2.66)
    image = torch.rand(3, 1, 24, 16)
    gradients = []
    for _ in range(2):
        network.zero_grad()
        with reproducible(1):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.get_num_threads() == 1
            network(image).abs().mean().backward()
        gradients.append([value.grad.clone() for value in network.parameters()])
    assert all(map(torch.equal, *gradients))
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.parametrize("compiled", [False, True])
def test_the_compiler_knows_if_there_is_one_and_is_not_imported_otherwise(compiled):
    code = f"""
import sys, torch
from galrestore.networks.arithmetic import reproducible
with reproducible(1, {compiled}):
    assert torch.get_deterministic_debug_mode() == 2
    compiler = sys.modules.get("torch._inductor.config")
    print(compiler is not None and compiler.deterministic)
print(torch.get_deterministic_debug_mode(), compiler is not None and compiler.deterministic)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(compiled), "0", "False"]
