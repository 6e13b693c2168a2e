"""
Peaks of images by their prominence, and peaks that one image has and another has not.

The prominence of a peak is how far one has to go down from it to reach a higher one.
"""

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima

__all__ = ["find_peaks", "unmatched"]

_AROUND = np.ones((3, 3))


def find_peaks(image, prominence):
    """
    Find peaks.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Image.
    prominence : float
        Least prominence [unit of the image].

    Returns
    -------
    positions : ndarray of int, shape (K, 2)
        Row and column of each peak's highest pixel, by rows; at most one peak in a frame
        that is flat to this prominence.

    References
    ----------
    Soille (2003), Morphological Image Analysis, section 6.3.4: h-maxima.
    """
    image = np.asarray(image, dtype=float)
    if not np.ptp(image) > prominence:
        return np.zeros((0, 2), dtype=int)
    regions, count = ndimage.label(h_maxima(image, prominence), structure=_AROUND)
    found = ndimage.maximum_position(image, regions, range(1, count + 1))
    return np.array(sorted(found), dtype=int).reshape(-1, 2)


def unmatched(positions, others, distance):
    """
    Mark the peaks that have no other close by.

    Parameters
    ----------
    positions : ndarray, shape (K, 2)
        Peaks of an image [pixel].
    others : ndarray, shape (M, 2)
        Peaks of another image [pixel].
    distance : float
        Peaks this close or closer are one peak [pixel].

    Returns
    -------
    alone : ndarray of bool, shape (K,)
        Whether no peak of the other image is that close.
    """
    separations = np.asarray(positions)[:, None] - np.asarray(others)[None]
    return ~(np.hypot(*np.moveaxis(separations, -1, 0)) <= distance).any(axis=1)
