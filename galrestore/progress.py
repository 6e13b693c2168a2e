"""
Progress of long work: a bar on a terminal, a line now and then elsewhere.

Under Snakemake several jobs share one terminal, where bars would overwrite each
other; the workflow sets ``GALRESTORE_PROGRESS=lines``.
"""

import logging
import os
import sys
import time

__all__ = ["track", "track_bytes"]

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 10.0


def track(items, label, total=None, detail=None):
    """
    Yield from an iterable and show how far it is.

    Parameters
    ----------
    items : iterable
        What to work through.
    label : str
        What the work is, for the bar or the line.
    total : int, optional
        Number of items, where ``len(items)`` does not say.
    detail : callable, optional
        Returns what to say behind the numbers, such as the loss.

    Yields
    ------
    item : object
        The items, unchanged.
    """
    total = len(items) if total is None else total
    if os.environ.get("GALRESTORE_PROGRESS") != "lines" and sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(items, desc=label, total=total) as bar:
            for item in bar:
                yield item
                if detail is not None:
                    bar.set_postfix_str(detail(), refresh=False)
        return
    start = last = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            left = (now - start) / done * (total - done)
            more = f", {detail()}" if detail is not None else ""
            logger.info("%s: %d of %d, %.0f s left%s", label, done, total, left, more)


def track_bytes(pieces, label, done=0, total=0):
    """
    Yield from the pieces of a transfer and show how far and how fast it is.

    Parameters
    ----------
    pieces : iterable of bytes
        The pieces.
    label : str
        What is transferred.
    done : int, optional
        Bytes that an earlier transfer has brought.
    total : int, optional
        Bytes of the whole; 0 if that is not known.

    Yields
    ------
    piece : bytes
        The pieces, unchanged.
    """
    if os.environ.get("GALRESTORE_PROGRESS") != "lines" and sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(desc=label, total=total or None, initial=done, unit="B", unit_scale=True) as bar:
            for piece in pieces:
                yield piece
                bar.update(len(piece))
        return
    start = last = time.monotonic()
    arrived = 0
    for piece in pieces:
        yield piece
        arrived += len(piece)
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            whole = f" of {total / 1e6:.1f}" if total else ""
            rate = arrived / (now - start) / 1e6
            logger.info("%s: %.1f%s MB, %.1f MB/s", label, (done + arrived) / 1e6, whole, rate)
