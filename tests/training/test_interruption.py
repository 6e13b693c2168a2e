"""Requests to stop: which signals, and handlers put back."""

import signal
import threading

import pytest

from galrestore.training.interruption import listen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals_are_a_request_however_often_they_come(number):
    before = signal.getsignal(number)
    with listen() as request:
        assert not request.made
        for _ in range(2):
            signal.raise_signal(number)
            assert request.made
    assert signal.getsignal(number) is before


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="broken"), listen():
        raise ValueError("broken")
    assert signal.getsignal(signal.SIGTERM) is before


def test_threads_leave_signals_alone():
    seen = []

    def work():
        with listen() as request:
            seen.append((request.made, signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
