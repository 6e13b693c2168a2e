"""
Connection to the archive: addresses, time-outs, repeated attempts, the user's token.

``GALRESTORE_MAST_SERVER`` names another server than MAST's; ``MAST_API_TOKEN`` holds
a token for data that are not public.  The token goes to that server alone, and into
no message.
"""

import os
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from galrestore import __version__

__all__ = ["Session", "server", "url_of"]

_SERVER = "https://mast.stsci.edu"
# Refusals that may pass: time-out, too many requests, and failures of the server.
_PASSING = (408, 429, 500, 502, 503, 504)


def server():
    """Return the address of the archive, without a slash at its end."""
    return os.environ.get("GALRESTORE_MAST_SERVER", _SERVER).rstrip("/")


def url_of(uri):
    """
    Return the address a file is fetched from.

    Parameters
    ----------
    uri : str
        Archive URI (``mast:...``), or a URL, which is returned as it is.

    Returns
    -------
    url : str
        The address.
    """
    if not uri.startswith("mast:"):
        return uri
    return f"{server()}/api/v0.1/Download/file?uri={quote(uri, safe=':/')}"


class Session(requests.Session):
    """
    Session that waits neither for ever nor gives up at once.

    Each request is repeated, with pauses, while the server cannot be reached, answers
    too late, or refuses for now (429 and 5xx, ``Retry-After`` honoured).

    Parameters
    ----------
    transfer : Transfer
        Settings of the door.
    """

    def __init__(self, transfer):
        super().__init__()
        retry = Retry(
            total=transfer.attempts - 1,
            status_forcelist=_PASSING,
            allowed_methods=None,  # POST as well: queries change nothing
            # urllib3 pauses 2 ** n times its factor, n from 1, before attempt n + 1.
            backoff_factor=transfer.backoff / 2,
            backoff_max=transfer.longest_pause,
            retry_after_max=transfer.longest_pause,
            raise_on_status=False,
        )
        timeout = (transfer.connect_timeout, transfer.read_timeout)
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(timeout, max_retries=retry))
        self.headers["User-Agent"] = f"galrestore/{__version__}"
        self.auth = _Token()


class _Adapter(HTTPAdapter):
    """Adapter with time-outs for requests that name none."""

    def __init__(self, timeout, **options):
        self._timeout = timeout
        super().__init__(**options)

    def send(self, request, stream=False, timeout=None, **options):
        return super().send(request, stream=stream, timeout=timeout or self._timeout, **options)


class _Token(AuthBase):
    """Authorization by the user's token, for the archive alone."""

    def __call__(self, request):
        token = os.environ.get("MAST_API_TOKEN")
        if token and urlsplit(request.url).netloc == urlsplit(server()).netloc:
            request.headers["Authorization"] = f"token {token}"
        return request
