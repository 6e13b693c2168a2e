"""
Requests to stop: the loop ends the step it is in, saves its state and says so.

SLURM sends SIGTERM before it takes a node away or, with ``--signal``, before the time
is over; SIGUSR1 is the usual choice there; SIGINT is Ctrl-C.
"""

import contextlib
import signal
import threading

__all__ = ["InterruptionError", "Request", "listen"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


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
        Becomes true with a signal.
    """

    def __init__(self):
        self.made = False


@contextlib.contextmanager
def listen():
    """
    Turn signals to stop into a request; handlers are put back afterwards.

    Further signals change nothing: a launcher such as torchrun passes on what the process
    group has had already; SIGQUIT ends the process at once.  Outside the main thread,
    where Python handles no signals, nothing is changed.

    Yields
    ------
    request : Request
        To be looked at between steps.
    """
    request = Request()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(_number, _frame):
        # No message from here: a handler must not write while the loop does.
        request.made = True

    before = {number: signal.signal(number, note) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
