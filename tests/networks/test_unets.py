"""NAFNet and the plain U-Net: sizes, batches, what a new network does."""

import pytest
import torch
from torch.nn import functional

from galrestore.networks.architectures import build, fresh_network

NAFNET = {"width": 4, "encoder_blocks": (1, 2), "middle_blocks": 1, "decoder_blocks": (1, 0)}
UNET = {"width": 4, "levels": 3}
BOTH = [("nafnet", NAFNET), ("unet", UNET)]


def _images(count, height, width):
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(1))


def _parameters(architecture, size):
    return sum(p.numel() for p in build(architecture, size).parameters())


def test_parameters_of_nafnet():
    # A block of c channels: two norms 4c, expand and ffn_expand 2 (2c^2 + 2c), depthwise
    # 20c, attention, project and ffn_project 3 (c^2 + c), beta and gamma 2c: 7c^2 + 33c.
    block = {c: 7 * c**2 + 33 * c for c in (4, 8, 16)}
    blocks = block[4] + 2 * block[8] + block[16] + block[8]
    downs = (4 * 8 * 4 + 8) + (8 * 16 * 4 + 16)
    ups = 16 * 32 + 8 * 16
    ends = (9 * 4 + 4) + (9 * 4 + 1)
    assert _parameters("nafnet", NAFNET) == blocks + downs + ups + ends


def test_parameters_of_the_unet():
    def double(a, b):
        return 9 * a * b + b + 9 * b * b + b

    down = double(1, 4) + double(4, 8) + double(8, 16)
    up = (16 * 8 * 4 + 8) + double(16, 8) + (8 * 4 * 4 + 4) + double(8, 4)
    assert _parameters("unet", UNET) == down + up + 4 + 1


@pytest.mark.parametrize(("architecture", "size"), BOTH)
def test_a_batch_is_its_images_one_by_one(architecture, size):
    network = fresh_network(architecture, size, 3)
    images = _images(3, 16, 24)
    together = network(images)
    alone = torch.cat([network(image[None]) for image in images])
    # Rounding of sums of some hundred terms of order one, in single precision.
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("architecture", "size"), BOTH)
def test_any_size_is_padded_by_reflection_and_cut_back(architecture, size):
    network = fresh_network(architecture, size, 3)
    images = _images(2, 15, 22)
    padded = functional.pad(images, (0, 2, 0, 1), mode="reflect")
    torch.testing.assert_close(network(images), network(padded)[..., :15, :22])


def test_a_new_nafnet_adds_only_what_its_ends_do():
    network = fresh_network("nafnet", NAFNET, 3)
    images = _images(2, 16, 16)
    # beta and gamma are zero: blocks are the identity.
    blocks = [*network.encoders, network.middle, *network.decoders]
    features = network.intro(images)
    torch.testing.assert_close(blocks[0](features), features)
    assert not torch.equal(network(images), images)


def test_levels_must_agree():
    with pytest.raises(ValueError, match="2 levels on the way down, 1 on the way up"):
        build("nafnet", NAFNET | {"decoder_blocks": (1,)})
