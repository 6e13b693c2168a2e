"""
Random streams keyed by (seed, stage, object).

Every random number of the package comes from such a stream, so that a result does
not depend on the order of work, the number of shards, tiles or cores.
"""

import hashlib

import numpy as np

__all__ = ["integer_seed", "stream"]


def stream(seed, stage, *idents):
    """
    Return the generator of one object in one stage.

    Parameters
    ----------
    seed : int
        Seed of the run (setting ``seed``), non-negative.
    stage : str
        Name of the stage, or of a purpose within it such as ``"degrade.noise"``.
    *idents : int
        What the numbers are for, such as an object id or a cell's row and column.
        Any sign and up to 64 bits.

    Returns
    -------
    generator : numpy.random.Generator
        The same for the same arguments, independent of all others.
    """
    # NOTE: a list of integers would not do as a key: NumPy's SeedSequence drops trailing
    # zeros, so that (seed, stage) and (seed, stage, 0) would be one stream.
    key = "/".join([str(int(seed)), stage, *(str(int(i)) for i in idents)])
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def integer_seed(seed, stage, *idents):
    """
    Return a positive 31-bit seed for libraries with generators of their own.

    Parameters
    ----------
    seed, stage, *idents
        As in `stream`.

    Returns
    -------
    value : int
        In [1, 2**31 - 1]; GalSim and torch both accept it.
    """
    return int(stream(seed, stage, *idents).integers(1, 2**31))
