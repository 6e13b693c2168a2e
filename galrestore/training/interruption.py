"""
Requests to stop: the loop ends the step it is in, saves its state and says so.

SLURM sends SIGTERM before it takes a node away or, with ``--signal``, before the time
is over; SIGUSR1 is the usual choice there; SIGINT is Ctrl-C.
"""

import contextlib
import logging
import signal
import threading

__all__ = ["InterruptionError", "Request", "listen"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

logger = logging.getLogger(__name__)


class InterruptionError(Exception):
    """
    Training stopped because it was asked to; it can go on from its state.

    Parameters
    ----------
    step : int
        Steps done.
    """

    def __init__(self, step):
        super().__init__(f"stopped as asked after step {step}")
        self.step = step


class Request:
    """
    Whether the process was asked to stop.

    Attributes
    ----------
    made : bool
        Becomes true with the first signal.
    """

    def __init__(self):
        self.made = False


@contextlib.contextmanager
def listen():
    """
    Turn the first signal to stop into a request; a second one acts as usual.

    Outside the main thread, where Python handles no signals, nothing is changed.

    Yields
    ------
    request : Request
        To be looked at between steps.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number, _frame):
        request.made = True
        put_back()
        logger.info("%s: ending the step to save the state", signal.Signals(number).name)

    def put_back():
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield request
    finally:
        put_back()
