"""
Restore HST images with a trained network.

From Python::

    import galrestore
    from astropy.io import fits

    stamp = fits.getdata("my_galaxy.fits")          # one image, (H, W)
    restored = galrestore.restore_stamps(stamp[None])[0]

What to give it: stamps of one galaxy each, centred, best 64 x 64 pixels at about
0.05 arcsec a pixel, free of cosmic rays and hot pixels (the network sharpens them into
false sources), in any unit and with any sky level.

What comes back: the image on a scale where its sky is near 0 and its brightest pixel
near 1, with about the sharpness of NIRCam, and without the noise.  The zero point and
the scale of the input are lost; photometry needs a rescaling against the input, see
section 4.3 of Park et al. (2024).

A network restores an image and its mirror image differently.  With ``self_ensemble`` each
image is restored in its eight orientations and the mean is taken: nothing then depends on
how a galaxy lies in its stamp, and errors of the network that differ between orientations
average out, for eight times the work.
"""

from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

from galrestore.networks.arithmetic import reproducible
from galrestore.networks.weights import load_network
from galrestore.progress import track
from galrestore.weights import shipped

__all__ = ["apply_network", "normalise", "restore_stamps"]

# The network reflects up to 7 pixels at the bottom and right, so it needs more than that.
_SMALLEST = 8


def restore_stamps(stamps, weights=None, self_ensemble=None, batch_size=16, threads=1):
    """
    Restore images with trained weights; see `galrestore.restore_stamps`.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit; finite; sides of 8 pixels or more, equal or not.
    weights : str or Path, optional
        safetensors file of a network trained by galrestore, or the name of one that
        comes with the package; by default the best of those.
    self_ensemble : bool, optional
        Take the mean over the eight orientations of each image; by default for the
        weights that come with the package, and not for others.
    batch_size : int, optional
        Images restored at once.
    threads : int, optional
        CPU threads of the arithmetic.

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Restored images on the scale of the min-max normalised input; not clipped.

    Raises
    ------
    ValueError
        If the stamps are not (N, H, W), too small, or have pixels that are not finite.
    InputError
        If the file is missing, broken or foreign.
    """
    stamps = normalise(stamps)  # refuses bad images before weights are read
    if weights is None:
        weights = shipped()
    elif isinstance(weights, str) and weights.isidentifier():
        weights = shipped(weights)
    if self_ensemble is None:
        self_ensemble = Path(weights).resolve().parent == shipped().resolve().parent
    return apply_network(load_network(weights), stamps, batch_size, threads, self_ensemble)


def apply_network(network, stamps, batch_size=16, threads=1, self_ensemble=False):
    """
    Restore images with a network.

    Parameters
    ----------
    network : torch.nn.Module
        Takes and returns (N, 1, H, W), such as `load_network` gives; used on the
        device where it is.
    stamps : ndarray, shape (N, H, W)
        Images, in any unit; finite; sides of 8 pixels or more, equal or not.
    batch_size : int, optional
        Images restored at once.  Memory grows with it; the images of a batch have no
        influence on each other beyond rounding.
    threads : int, optional
        CPU threads of the arithmetic.
    self_ensemble : bool, optional
        Take the mean over the eight orientations of each image (Lim et al. 2017, CVPR
        workshops, section 3.4, arXiv:1707.02921).

    Returns
    -------
    restored : ndarray of float32, shape (N, H, W)
        Restored images on the scale of the min-max normalised input; not clipped.

    Raises
    ------
    ValueError
        If the stamps are not (N, H, W), too small, or have pixels that are not finite.
    """
    stamps = normalise(stamps)
    device = next(network.parameters()).device
    restored = np.empty_like(stamps)
    starts = range(0, len(stamps), batch_size)
    apply = partial(_in_all_orientations, network) if self_ensemble else network
    training = network.training
    network.eval()
    with reproducible(threads), torch.inference_mode():
        for start in track(starts, "restore"):
            batch = torch.from_numpy(stamps[start : start + batch_size, None]).to(device)
            restored[start : start + batch_size] = apply(batch)[:, 0].float().cpu().numpy()
    network.train(training)
    return restored


def _in_all_orientations(network, images):
    """Return the mean of what a network makes of images, (N, 1, H, W), in all orientations."""
    total = torch.zeros_like(images)
    for mirrored, turns in product((False, True), range(4)):
        turned = torch.rot90(images.flip(-1) if mirrored else images, turns, (-2, -1))
        restored = torch.rot90(network(turned.contiguous()), -turns, (-2, -1))
        total += restored.flip(-1) if mirrored else restored
    return total / 8


def normalise(stamps):
    """
    Bring each image to the range from 0 to 1.

    Parameters
    ----------
    stamps : ndarray, shape (N, H, W)
        Images, in any unit.

    Returns
    -------
    normalised : ndarray of float32, shape (N, H, W)
        ``(x - min) / (max - min)`` of each image; a constant image becomes 0.

    Raises
    ------
    ValueError
        If the stamps are not (N, H, W), too small, or have pixels that are not finite.
    """
    stamps = np.asarray(stamps, dtype=float)
    if stamps.ndim != 3 or min(stamps.shape[1:]) < _SMALLEST:
        msg = f"stamps must be (N, H, W) with sides of {_SMALLEST} or more, got {stamps.shape}"
        raise ValueError(msg)
    if not np.isfinite(stamps).all():
        bad = np.flatnonzero(~np.isfinite(stamps).all(axis=(1, 2)))
        msg = f"{len(bad)} of {len(stamps)} stamps have pixels that are not finite, first {bad[0]}"
        raise ValueError(msg)
    low = stamps.min(axis=(1, 2), keepdims=True)
    span = stamps.max(axis=(1, 2), keepdims=True) - low
    return ((stamps - low) / np.where(span > 0, span, 1)).astype(np.float32)
