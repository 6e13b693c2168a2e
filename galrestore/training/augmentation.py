"""Augmentation of batches: displacements, turns and mixup; the same for LQ and GT."""

import torch

__all__ = ["displace", "mix", "turn"]


def displace(images, generator, most):
    """
    Displace each pair of a batch; what leaves it at one edge comes in at the other.

    A network that halves its images k times sees a lattice of 2^k pixels, and learns where
    on it the galaxies lie, if all training stamps have them in the middle.

    Parameters
    ----------
    images : torch.Tensor, shape (K, N, 1, H, W)
        LQ and GT, or GT alone.
    generator : numpy.random.Generator
        Source of the random numbers.
    most : int
        Rows and columns of each pair move by 0 to ``most`` pixels, all equally likely; 0
        for no displacement.

    Returns
    -------
    displaced : torch.Tensor, shape (K, N, 1, H, W)
        The images of a pair displaced alike.  No pixel is lost, so ranges stay.
    """
    if most == 0:
        return images
    count, (height, width) = images.shape[1], images.shape[-2:]
    dy, dx = torch.from_numpy(generator.integers(most + 1, size=(2, count, 1)))
    rows = (torch.arange(height) - dy) % height
    columns = (torch.arange(width) - dx) % width
    each = torch.arange(count)[:, None, None]
    return images[:, each, 0, rows[:, :, None], columns[:, None, :]][:, :, None]


def turn(images, generator):
    """
    Flip and turn each pair of a batch by one of the eight symmetries of the square.

    Parameters
    ----------
    images : torch.Tensor, shape (K, N, 1, H, W)
        LQ and GT, or GT alone.
    generator : numpy.random.Generator
        Source of the random numbers.

    Returns
    -------
    turned : torch.Tensor, shape (K, N, 1, H, W)
        The images of a pair turned alike; all symmetries are equally likely.  Stamps
        that are not square are flipped and turned by half a turn, but never transposed.
    """
    square = images.shape[-1] == images.shape[-2]
    which = torch.from_numpy(generator.integers(8 if square else 4, size=images.shape[1]))
    turned = images.clone()
    for rows, flip in ((1, -2), (2, -1)):
        chosen = (which & rows).bool()
        turned[:, chosen] = turned[:, chosen].flip(flip)
    if square:
        chosen = which >= 4
        turned[:, chosen] = turned[:, chosen].transpose(-1, -2)
    return turned


def mix(images, generator, parameter):
    """
    Mix the pairs of a batch with each other, or leave them, with equal probability.

    Parameters
    ----------
    images : torch.Tensor, shape (K, N, 1, H, W)
        LQ and GT, or GT alone.
    generator : numpy.random.Generator
        Source of the random numbers.
    parameter : float
        The weight l is drawn from Beta(parameter, parameter), one for the batch; 0 for
        no mixing.

    Returns
    -------
    mixed : torch.Tensor, shape (2, N, 1, H, W)
        ``l x + (1 - l) x'`` with x' the batch in another order, the same for LQ and GT.

    References
    ----------
    Zhang et al. (2018), ICLR, "mixup", arXiv:1710.09412.
    """
    if parameter == 0 or generator.random() < 0.5:
        return images
    weight = generator.beta(parameter, parameter)
    other = torch.from_numpy(generator.permutation(images.shape[1]))
    return weight * images + (1 - weight) * images[:, other]
