"""
Which single exposures of a field to take: long ones, at several rolls.

The archive lists exposures as members of observations and tells the time and the outline
of an observation alone; so an exposure's time is the mean of its observation's, and its
roll that of the outline's longest side, which for a square detector is known modulo 90
degrees.
"""

import re
from dataclasses import dataclass

import numpy as np

__all__ = ["Candidate", "choose", "roll_of"]

_POLYGON = re.compile(r"POLYGON\s+(?:[A-Z]\w*\s+)?((?:[-+.\deE]+\s*)+)")
_TURN = 90.0  # deg


@dataclass(frozen=True)
class Candidate:
    """
    An exposure that could be taken.

    Attributes
    ----------
    name : str
        Name of the file.
    observation : str
        Observation that it is a member of.
    time : float
        Exposure time [s]; 0 if it is not known.
    roll : float or None
        Roll of the detector on the sky, modulo 90 [deg]; None if it is not known.
    """

    name: str
    observation: str
    time: float
    roll: float | None


def choose(candidates, count, step):
    """
    Choose exposures, the same whatever order they come in.

    Exposures go from the longest to the shortest, equal ones by name.  First those are
    taken that are the first of their observation and whose roll differs from all taken
    before by ``step``; then, if there are not enough, the others in the same order.

    Parameters
    ----------
    candidates : iterable of Candidate
        What there is.
    count : int
        How many to take at most.
    step : float
        Least difference of two rolls that count as distinct [deg].

    Returns
    -------
    chosen : list of Candidate
        From the longest to the shortest, equal ones by name.
    """
    order = sorted(candidates, key=lambda c: (-c.time, c.name))
    taken = []
    for candidate in order:
        if len(taken) < count and all(_differs(candidate, other, step) for other in taken):
            taken.append(candidate)
    taken += [candidate for candidate in order if candidate not in taken][: count - len(taken)]
    return sorted(taken, key=order.index)


def roll_of(footprint):
    """
    Measure the roll of an outline on the sky.

    Parameters
    ----------
    footprint : str
        Outline in the archive's words (STC-S, ``POLYGON ra dec ra dec ...`` in degrees);
        of several polygons the first.

    Returns
    -------
    roll : float or None
        Position angle of the longest side, modulo 90 [deg]; None without a polygon.
    """
    found = _POLYGON.search(footprint)
    numbers = [] if found is None else [float(word) for word in found[1].split()]
    if len(numbers) < 6 or len(numbers) % 2:
        return None
    ra, dec = np.array(numbers).reshape(-1, 2).T
    north = np.roll(dec, -1) - dec
    across = (np.roll(ra, -1) - ra + 180) % 360 - 180
    east = across * np.cos(np.radians(dec.mean()))
    longest = int(np.argmax(np.hypot(east, north)))
    return float(np.degrees(np.arctan2(east[longest], north[longest])) % _TURN)


def _differs(first, second, step):
    if first.observation == second.observation:
        return False
    if first.roll is None or second.roll is None:
        return first.roll is not second.roll
    apart = abs(first.roll - second.roll) % _TURN
    return min(apart, _TURN - apart) >= step
