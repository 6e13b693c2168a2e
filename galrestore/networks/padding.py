"""Padding of images to sizes that halve without remainder."""

from torch.nn import functional

__all__ = ["pad"]


def pad(image, multiple):
    """
    Reflect an image at the bottom and right.

    Parameters
    ----------
    image : torch.Tensor, shape (N, C, H, W)
        Images; sides larger than what is added.
    multiple : int
        What the sides are to be multiples of.

    Returns
    -------
    padded : torch.Tensor, shape (N, C, >= H, >= W)
        The image at the top left.
    """
    height, width = image.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    if right == bottom == 0:
        return image
    return functional.pad(image, (0, right, 0, bottom), mode="reflect")
