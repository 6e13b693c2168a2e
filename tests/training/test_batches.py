"""Batches: they follow from seed, lineage and step, and LQ and GT belong together."""

import numpy as np
import pytest
import torch

from galrestore.config.train import Phase
from galrestore.rng import stream
from galrestore.synthesis.degradation import gaussian_kernel
from galrestore.training.batches import Batches
from galrestore.training.online import Degradation
from galrestore.training.pairs import Pairs

DEGRADATION = Degradation(gaussian_kernel(1.88, 7))


def _batches(lineage="jwst", noise=None, exchange=False, **changes):
    gt = stream(1, "gt").uniform(size=(12, 16, 16)).astype(np.float32)
    noise = np.full(12, 0.02) if noise is None else noise
    pairs = Pairs(gt + 0.5, gt, "test", noise, exchange)
    settings = {"batch_size": 4, "micro_batch": 4, "mixup": 0.0, "dihedral": False}
    network = {"architecture": "unet"}
    phase = Phase(**settings | changes, network=network, lineage=lineage)
    return pairs, Batches(pairs, phase, 3, torch.device("cpu"), DEGRADATION)


def test_lq_comes_before_the_gt_of_the_same_stamps():
    pairs, batches = _batches()
    lq, gt = batches(0)
    assert lq.shape == gt.shape == (4, 1, 16, 16)
    torch.testing.assert_close(lq, gt + 0.5)
    known = {image.tobytes() for image in pairs.gt}
    seen = {image.numpy().tobytes() for step in range(3) for image in batches(step)[1]}
    assert seen == known  # one pass over all stamps


def test_stamps_are_displaced_with_all_their_pixels_and_lq_with_gt():
    _, batches = _batches()
    _, displaced = _batches(displacement=7)
    for step in range(3):
        (_, at_home), (lq, gt) = batches(step), displaced(step)
        torch.testing.assert_close(lq, gt + 0.5)
        assert not torch.equal(gt, at_home)
        assert torch.equal(gt.flatten(1).sort()[0], at_home.flatten(1).sort()[0])


@pytest.mark.parametrize("degrade", ["fixed", "online"])
def test_a_batch_follows_from_seed_lineage_and_step(degrade):
    settings = {"degrade": degrade, "mixup": 1.2, "dihedral": True}
    (_, first), (_, again), (_, other) = (
        _batches(lineage, **settings) for lineage in ("jwst", "jwst", "galsim")
    )
    first(0)  # what came before must not matter
    assert torch.equal(first(5), again(5))
    assert not torch.equal(first(5), other(5))
    assert not torch.equal(first(5), first(6))


def test_images_degraded_online_have_fresh_noise_of_the_level_asked_for():
    _, batches = _batches(degrade="online")
    (low, truth), (later, _) = batches(0), batches(3)  # step 3 begins the second pass
    assert low.amin() == 0
    assert low.amax() == 1
    assert not torch.equal(low, later)
    assert truth.shape == low.shape


def test_only_objects_whose_noise_is_their_own_keep_it():
    levels = np.arange(12.0)
    generator = stream(5, "noise")
    own, _ = _batches(noise=levels)
    assert own.draw_noise(np.array([3, 1]), generator).tolist() == [3, 1]
    free, _ = _batches(noise=levels, exchange=True)
    drawn = free.draw_noise(np.zeros(600, dtype=int), generator)
    assert set(drawn) == set(levels)  # missing one of twelve: 12 (11/12)^600 = 2e-22


def test_degrading_online_needs_the_degradation():
    pairs, batches = _batches(degrade="online")
    with pytest.raises(ValueError, match="give the degradation"):
        Batches(pairs, batches.phase, 3, torch.device("cpu"))


@pytest.mark.parametrize(("room", "where"), [(1.99, "cpu"), (2.0, "meta")])
def test_stamps_move_to_a_device_with_twice_their_room(monkeypatch, room, where):
    pairs, batches = _batches()
    size = pairs.lq.nbytes + pairs.gt.nbytes
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (room * size, 1e12))
    # Device "meta" stands in for CUDA: tensors can move there on any computer.
    placed = Batches(pairs, batches.phase, 3, torch.device("meta"))
    assert {cube.device.type for cube in placed.images} == {where}
