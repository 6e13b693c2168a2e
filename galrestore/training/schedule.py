"""Learning rate by step: fixed then cosine, or one cosine over several phases; warm-up."""

import math

__all__ = ["fixed_then_cosine", "learning_rate", "one_cosine"]


def learning_rate(step, phase):
    """
    Return the learning rate of one step of a phase.

    Parameters
    ----------
    step : int
        Steps done before, from 0.
    phase : Phase
        Settings of the phase.

    Returns
    -------
    rate : float
        That of the schedule; over the first ``warmup`` steps it rises to it evenly.
    """
    ends = phase.learning_rate, phase.learning_rate_end
    if phase.schedule == "paper":
        rate = one_cosine(step, phase.iterations, *ends, phase.position, phase.phases)
    else:
        rate = fixed_then_cosine(step, phase.iterations, *ends, phase.fixed_fraction)
    return rate * (step + 1) / phase.warmup if step < phase.warmup else rate


def fixed_then_cosine(step, steps, rate, rate_end, fixed_fraction):
    """
    Return the learning rate of one step: constant, then half a cosine.

    Parameters
    ----------
    step : int
        Steps done before, from 0.
    steps : int
        Steps of the phase.
    rate, rate_end : float
        Largest and last learning rate.
    fixed_fraction : float
        Part of the phase at ``rate``, in [0, 1).

    Returns
    -------
    rate : float
        ``rate`` for the first ``fixed_fraction * steps`` steps, then falling like a
        cosine so that it would be ``rate_end`` after the last step.

    Notes
    -----
    The authors' files hold 46,000 fixed steps of 150,000 (fraction 0.307); the paper
    speaks of a cosine only.
    """
    fixed = round(fixed_fraction * steps)
    if step < fixed:
        return rate
    return _cosine((step - fixed) / (steps - fixed), rate, rate_end)


def one_cosine(step, steps, rate, rate_end, phase=0, phases=1):
    """
    Return the learning rate of one step of one cosine over several phases.

    Parameters
    ----------
    step : int
        Steps of this phase done before, from 0.
    steps : int
        Steps of each phase.
    rate, rate_end : float
        Largest and last learning rate.
    phase : int, optional
        Phases done before.
    phases : int, optional
        Phases in all.

    Returns
    -------
    rate : float
        Learning rate, as section 2.4 of the paper describes it.
    """
    return _cosine((phase * steps + step) / (phases * steps), rate, rate_end)


def _cosine(done, rate, rate_end):
    return rate_end + 0.5 * (rate - rate_end) * (1 + math.cos(math.pi * done))
