"""
Download of one file from the archive, that ends in a verified file or in one error.

The file grows under the name ``<file>.part`` and takes its own once it is whole and
verified.  A break is mended by continuing where it happened, if the server still has
the same file, or else from the start; so is an ended job by the next one.
"""

import contextlib
import datetime
import json
import logging
import os
import re
import shutil
import time
from pathlib import Path

import requests
from astropy.io import fits
from filelock import FileLock, Timeout

from galrestore.archive.connection import Session, url_of
from galrestore.archive.verify import verify
from galrestore.errors import InputError
from galrestore.progress import track_bytes
from galrestore.provenance import sha256_of

__all__ = ["fetch"]

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16  # bytes; what a break loses at most
_RESOLVE = "run galrestore acquire resolve for the present product list"


class _BrokenError(Exception):
    """The transfer ended too early; another attempt may succeed."""


def fetch(product, root, transfer):
    """
    Fetch a file, or find it there, and verify it.

    Jobs that want the same file wait for each other.  A file that is already there is
    used if it passes the verification, and set aside if not.

    Parameters
    ----------
    product : Product
        What to fetch.
    root : str or Path
        Folder of the files fetched.
    transfer : Transfer
        Time-outs and attempts.

    Returns
    -------
    row : dict
        Row of the receipt, contract ``downloads``.

    Raises
    ------
    InputError
        If the file cannot be had: the archive does not have it or refuses it, it does
        not arrive whole, or is not what the product list says; or if the product only
        stands in for one that the archive must name.
    """
    path = Path(root) / product.path
    if product.state == "stand-in":
        problem = f"stands in the product list for one of the exposures {product.entry}"
        raise InputError(path, problem, "have them named: galrestore acquire resolve")
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        row = _found(product, path)
        if row is None:
            part = path.with_name(path.name + ".part")
            row = _fetch(product, path, part, transfer)
            try:
                _require_listed(product, path, row)
            except InputError:
                _discard(part)
                raise
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(part, path)
            _sidecar(part).unlink(missing_ok=True)
        row["file"] = str(path)
        logger.info("%s: %d bytes, verified", path, row["size"])
        return row


@contextlib.contextmanager
def _alone(path):
    """Keep other jobs from the same file; the system frees the lock of a job that dies."""
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("%s: waiting for another job that fetches it", path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _found(product, path):
    """Row of a file that is already there, or None."""
    if not path.exists():
        return None
    try:
        header = verify(path, product.role, product.size)
        row = _described(product, path, header)
        _require_listed(product, path, row)
    except InputError as error:
        aside = path.with_name(path.name + ".refused")
        os.replace(path, aside)
        logger.warning("%s: %s; set aside as %s", path, error.problem, aside.name)
        return None
    logger.info("%s: already there", path)
    return row


def _described(product, path, header):
    """Row of a verified file; a file was last written when it arrived."""
    arrived = datetime.datetime.fromtimestamp(int(path.stat().st_mtime), tz=datetime.UTC)
    return {
        **product.model_dump(include={"field", "role", "uri"}),
        "size": path.stat().st_size,
        "sha256": sha256_of(path),
        "calibration": _card(header, "CAL_VER"),
        "context": _card(header, "CRDS_CTX"),
        "made": _card(header, "DATE"),
        "exposure_time": _seconds(header),
        "retrieved": arrived.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _require_listed(product, path, row):
    if product.sha256 not in ("", row["sha256"]):
        problem = f"has sha256 {row['sha256']}, the product list says {product.sha256}"
        raise InputError(path, problem, _RESOLVE)


def _seconds(header):
    time = header.get("EXPTIME")
    return float(time) if isinstance(time, int | float) and time > 0 else float("nan")


def _card(header, key):
    value = header.get(key, "")
    return "" if isinstance(value, fits.card.Undefined) else str(value)


def _fetch(product, path, part, transfer):
    """Attempt the transfer until the partial file is whole and verified."""
    url = url_of(product.uri)
    reason = ""
    with Session(transfer) as session:
        for attempt in range(transfer.attempts):
            if reason:
                pause = min(transfer.backoff * 2 ** (attempt - 1), transfer.longest_pause)
                logger.warning("%s: %s; another attempt in %g s", path, reason, pause)
                time.sleep(pause)
            try:
                _transfer(session, url, path, part, product.size)
            except _BrokenError as error:
                reason = str(error)
                continue
            try:
                header = verify(part, product.role, product.size)
            except InputError as error:
                _discard(part)
                reason = error.problem
                continue
            return _described(product, part, header)
    problem = f"could not be had whole from {url} in {transfer.attempts} attempt(s): {reason}"
    raise InputError(path, problem, "try again later")


def _transfer(session, url, path, part, listed):
    """Bring the partial file to its end, or raise."""
    kept = _kept(part, url)
    done = part.stat().st_size if kept else 0
    if kept and done == kept["size"]:
        return  # the job before this one ended between transfer and verification
    headers = {"Accept-Encoding": "identity"}
    if kept:
        headers |= {"Range": f"bytes={done}-", "If-Range": kept["etag"] or kept["modified"]}
    try:
        response = session.get(url, headers=headers, stream=True)
    except requests.RequestException as error:  # attempted often enough by the session
        problem = f"could not be fetched from {url} ({_cause(error)})"
        raise InputError(path, problem, "check the network, then try again") from error
    with response:
        if kept and not _continues(response, done, kept):
            done = 0
        if response.status_code in (206, 416) and not done:
            _discard(part)
            raise _BrokenError("the server has another file than before")
        if response.status_code not in (200, 206):
            raise _refusal(response, url, path)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise _BrokenError("the server answered with a page instead of the file")
        total = _total(response, done)
        if listed and total and total != listed:
            _discard(part)
            problem = f"has {total} bytes at {url}, the product list says {listed}"
            raise InputError(path, problem, _RESOLVE)
        _require_space(path, (total or listed) - done)
        if not done:
            _begin(part, url, response, total)
        _write(response, part, done, total or listed, path.name)
    arrived = part.stat().st_size
    if (total or listed) and arrived != (total or listed):
        raise _BrokenError(f"{arrived} of {total or listed} bytes arrived")


def _write(response, part, done, total, name):
    with open(part, "ab") as file:
        pieces = response.iter_content(_CHUNK)
        try:
            for piece in track_bytes(pieces, name, done, total):
                file.write(piece)
        except requests.RequestException as error:
            file.flush()
            raise _BrokenError(f"broke after {file.tell()} bytes ({_cause(error)})") from error


def _total(response, done):
    """Size of the whole file as the server states it; 0 if it does not."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return 0  # the length is that of the packed body
    length = response.headers.get("Content-Length", "")
    return done + int(length) if length.isdigit() else 0


def _continues(response, done, kept):
    """Whether an answer continues the partial file, and nothing else."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
    same = all(
        response.headers.get(header, kept[key]) == kept[key]
        for key, header in (("etag", "ETag"), ("modified", "Last-Modified"))
        if kept[key]
    )
    return (
        response.status_code == 206
        and found is not None
        and (int(found[1]), int(found[2])) == (done, kept["size"])
        and same
    )


def _sidecar(part):
    return part.with_name(part.name + ".json")


def _kept(part, url):
    """Return what is known of a partial file that can be continued, or None."""
    try:
        kept = json.loads(_sidecar(part).read_text(encoding="utf-8"))
        same = kept["url"] == url and 0 < part.stat().st_size <= kept["size"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if same else None


def _begin(part, url, response, total):
    """Empty the partial file and note what the server says of the file, if it can be continued."""
    _discard(part)
    part.touch()
    etag = response.headers.get("ETag", "")
    kept = {
        "url": url,
        "size": total,
        "etag": "" if etag.startswith("W/") else etag,  # weak ones do not promise equal bytes
        "modified": response.headers.get("Last-Modified", ""),
    }
    if total and (kept["etag"] or kept["modified"]):
        _sidecar(part).write_text(json.dumps(kept), encoding="utf-8")


def _discard(part):
    _sidecar(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def _require_space(path, wanted):
    free = shutil.disk_usage(path.parent).free
    if wanted > free:
        problem = f"needs {wanted / 1e9:.2f} GB, {free / 1e9:.2f} GB are free"
        raise InputError(path, problem, "make room, or give another folder (acquire.mast.root)")


def _refusal(response, url, path):
    status = response.status_code
    remedies = {
        401: "data that are not public need a token in MAST_API_TOKEN",
        403: "data that are not public need a token in MAST_API_TOKEN",
        404: _RESOLVE,
    }
    problem = f"is refused by {url}: {status} {response.reason}"
    return InputError(path, problem, remedies.get(status, "try again later"))


def _cause(error):
    """Name the innermost cause of an error in a few words."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}".splitlines()[0]
