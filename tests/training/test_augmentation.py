"""Augmentation: group laws and mixing weights."""

from collections import Counter

import numpy as np
import torch

from galrestore.rng import stream
from galrestore.training.augmentation import displace, mix, turn


def _batch(count, height, width):
    values = torch.arange(2.0 * count * height * width)
    return values.view(2, count, 1, height, width)


def test_all_displacements_come_equally_often_and_alike_for_both_images():
    one = torch.arange(5.0 * 7).view(1, 1, 1, 5, 7)
    images = torch.cat([one, one + 100]).expand(2, 4500, 1, 5, 7)
    displaced = displace(images, stream(7, "displace"), 2)
    torch.testing.assert_close(displaced[1] - displaced[0], torch.full((4500, 1, 5, 7), 100.0))
    stamp = one[0, 0, 0].numpy()
    expected = {np.roll(stamp, by, (0, 1)).tobytes() for by in np.ndindex(3, 3)}
    counts = Counter(x.numpy().tobytes() for x in displaced[0, :, 0])
    assert set(counts) == expected
    # 500 each, standard deviation sqrt(4500 * 1/9 * 8/9) = 21: five of them.
    assert all(abs(count - 500) < 105 for count in counts.values())


def test_no_displacement_without_a_distance():
    images, generator = _batch(5, 3, 4), stream(7, "displace")
    assert displace(images, generator, 0) is images
    # Nor is a number drawn: other augmentations are those of before.
    assert generator.random() == stream(7, "displace").random()


def test_all_eight_symmetries_come_equally_often_and_alike_for_both_images():
    one = torch.arange(6.0**2).view(1, 1, 1, 6, 6)
    images = torch.cat([one, one + 100]).expand(2, 4000, 1, 6, 6)
    turned = turn(images, stream(7, "turn"))
    torch.testing.assert_close(turned[1] - turned[0], torch.full((4000, 1, 6, 6), 100.0))
    stamp = one[0, 0, 0].numpy()
    expected = {np.rot90(x, k).tobytes() for x in (stamp, stamp.T) for k in range(4)}
    counts = Counter(x.numpy().tobytes() for x in turned[0, :, 0])
    assert set(counts) == expected
    # 500 each, standard deviation sqrt(4000 * 1/8 * 7/8) = 21: five of them.
    assert all(abs(count - 500) < 105 for count in counts.values())


def test_oblong_stamps_keep_their_shape():
    turned = turn(_batch(50, 5, 7), stream(7, "turn"))
    assert turned.shape == (2, 50, 1, 5, 7)
    assert torch.equal(turned.sort(-1)[0].sum(), _batch(50, 5, 7).sum())


def test_turning_leaves_its_input_alone():
    images = _batch(8, 6, 6)
    before = images.clone()
    turn(images, stream(7, "turn"))
    assert torch.equal(images, before)


def test_mixing_is_linear_with_one_weight_for_the_batch_and_alike_for_both_images():
    images = _batch(5, 3, 4)
    found = 0
    for number in range(40):
        mixed = mix(images, stream(7, "mix", number), 1.2)
        if mixed is images:
            continue
        found += 1
        # Pixels of stamp i are 12 i + c, those of GT 60 more: mixing keeps both offsets.
        torch.testing.assert_close(mixed[1] - mixed[0], torch.full((5, 1, 3, 4), 60.0))
        base = (mixed[0, :, 0] - torch.arange(12.0).view(3, 4)) / 12
        torch.testing.assert_close(base, base[:, :1, :1].expand(5, 3, 4))
        # A permutation with one weight keeps the batch's mean of i = 0..4.
        assert abs(base[:, 0, 0].mean() - 2) < 1e-5
    # Half of the batches: 20 +- 5 * sqrt(40)/2.
    assert 4 < found < 36


def test_no_mixing_without_a_parameter():
    images = _batch(5, 3, 4)
    assert all(mix(images, stream(7, "mix", number), 0) is images for number in range(20))
