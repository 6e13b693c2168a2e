"""
A MAST on the loopback interface: queries, product lists, downloads, and their faults.

Requests and replies have the shapes that astroquery 0.4.11 exchanges with the archive;
the columns are those its recorded replies hold.  Files can be made to fail in the ways
that archives and networks do, once or always.
"""

import gzip
import io
import json
import math
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from astropy.io import fits

from galrestore.archive.simulated_detector import Pointing, chip_wcs, distortion_hdus

OBSERVATION = {
    "obsid": "string", "obs_collection": "string", "obs_id": "string", "filters": "string",
    "instrument_name": "string", "proposal_id": "string", "provenance_name": "string",
    "calib_level": "int", "dataproduct_type": "string", "intentType": "string",
    "dataRights": "string", "t_obs_release": "float", "s_ra": "float", "s_dec": "float",
    "s_region": "string", "t_exptime": "float",
}  # fmt: skip
PRODUCT = {
    "obsID": "string", "obs_collection": "string", "obs_id": "string", "dataURI": "string",
    "productType": "string", "productSubGroupDescription": "string",
    "productFilename": "string", "size": "int", "parent_obsid": "string", "calib_level": "int",
}  # fmt: skip
_MAST_TYPES = {"string": "char", "int": "int", "float": "double"}
_HTML = b"<html><body>The archive is down for maintenance.</body></html>"


class LoopbackMast(ThreadingHTTPServer):
    """The server; fill ``observations``, ``products``, ``files`` and ``faults``."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.observations, self.products, self.files = [], [], {}
        # For each URI, or "query": what goes wrong, request by request; then all is well.
        self.faults = {}
        self.requests = []  # (method, what, headers)
        self.tags = ""  # "W/" for tags that do not promise equal bytes
        self.closing = threading.Event()

    def add(self, uri, content, listed=None, **observation):
        """Hold a file and list it as a product of an observation of its own."""
        number = str(60000 + len(self.observations))
        name = uri.rsplit("/", 1)[-1]
        base = {
            "obsid": number, "obs_collection": "JWST", "obs_id": name.rsplit("_", 1)[0],
            "filters": "F115W", "instrument_name": "NIRCAM/IMAGE", "proposal_id": "2756",
            "provenance_name": "CALJWST", "calib_level": 3, "dataproduct_type": "image",
            "intentType": "science", "dataRights": "PUBLIC", "t_obs_release": 59900.5,
            "s_ra": 3.58, "s_dec": -30.4, "s_region": "POLYGON  3.5 -30.4 3.6 -30.4 3.6 -30.3",
            "t_exptime": 1000.0,
        }  # fmt: skip
        self.observations.append(base | observation)
        self.files[uri] = content
        self.list(uri, len(content) if listed is None else listed)

    def list(self, uri, size, name=None):
        """List one more product of the last observation."""
        observation = self.observations[-1]
        self.products.append({
            "obsID": observation["obsid"], "obs_collection": observation["obs_collection"],
            "obs_id": observation["obs_id"], "dataURI": uri, "productType": "SCIENCE",
            "productSubGroupDescription": uri.rsplit("_", 1)[-1].split(".")[0].upper(),
            "productFilename": uri.rsplit("/", 1)[-1] if name is None else name,
            "size": size, "parent_obsid": observation["obsid"], "calib_level": 3,
        })  # fmt: skip

    def fault(self, what):
        """Return what goes wrong with this request, or None."""
        waiting = self.faults.get(what, [])
        return waiting.pop(0) if waiting else None

    def asked(self, method, what):
        """Headers of the requests of one kind, in their order."""
        return [headers for m, w, headers in self.requests if (m, w) == (method, what)]

    def handle_error(self, request, client_address):
        """Say nothing of clients that hang up: tests do that on purpose."""


@contextmanager
def loopback_mast():
    """Run a `LoopbackMast` in a thread."""
    server = LoopbackMast()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/portal/Mashup/Mashup.asmx/columnsconfig":
            self._json(_columns(body.removeprefix("colConfigId=")))
            return
        assert self.path == "/api/v0/invoke", self.path
        request = json.loads(parse_qs(body)["request"][0])
        self.server.requests.append(("POST", request["service"], dict(self.headers) | request))
        fault = self.server.fault("query")
        if fault == "html":
            self._reply(200, _HTML, "text/html")
        elif fault == "error":
            self._json({"status": "ERROR", "msg": "the database is away"})
        elif fault is not None:
            self._refuse(fault)
        else:
            self._json(_answer(self.server, request))

    def do_HEAD(self):
        uri = self._uri()
        self.server.requests.append(("HEAD", uri, dict(self.headers)))
        content = self.server.files.get(uri)
        if content is None:
            self._refuse(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def do_GET(self):
        uri = self._uri()
        self.server.requests.append(("GET", uri, dict(self.headers)))
        content, fault = self.server.files.get(uri), self.server.fault(uri)
        if content is None or isinstance(fault, int):
            self._refuse(404 if content is None else fault)
        elif fault == "html":
            self._reply(200, _HTML, "text/html")
        elif fault == "garbage":
            self._reply(200, b"\xa5" * len(content))
        elif fault == "gzip":
            self._reply(200, gzip.compress(content), **{"Content-Encoding": "gzip"})
        elif fault == "gzip, cut":
            body = gzip.compress(content)
            self._reply(200, body, sent=len(body) // 2, **{"Content-Encoding": "gzip"})
        elif fault == "no length":
            self._reply(200, content, length=None)
        elif isinstance(fault, tuple) and fault[0] == "cut, no length":
            self._reply(200, content, length=None, sent=fault[1])
        else:
            self._file(content, fault)

    def _file(self, content, fault):
        """Send a file, or the part asked for; a fault (kind, bytes) ends it after so many."""
        tag, date = f'{self.server.tags}"{hash(content)}"', "Thu, 31 Aug 2023 00:00:00 GMT"
        stamps = {"ETag": tag, "Last-Modified": date}
        asked, first = self.headers.get("Range"), 0
        status = 200
        if asked and fault != "range ignored" and self.headers.get("If-Range") in (tag, date):
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            stamps["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            status = 206
        kind, sent = fault if isinstance(fault, tuple) else (None, None)
        self._reply(status, content[first:], sent=sent, **stamps)
        if kind == "stall":
            self.server.closing.wait(20)

    def _reply(self, status, body, kind="application/fits", length=True, sent=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length:
            self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body if sent is None else body[:sent])
        self.wfile.flush()

    def _json(self, value):
        self._reply(200, json.dumps(value).encode(), "application/json")

    def _refuse(self, status):
        after = {"Retry-After": "0"} if status == 429 else {}
        self._reply(status, b"no", "text/plain", **after)

    def _uri(self):
        parts = urlsplit(self.path)
        if parts.path == "/api/v0.1/Download/file":
            return parse_qs(parts.query)["uri"][0]
        return self.server.url + parts.path


def _columns(config):
    """Description of a table's columns, as the archive sends it."""
    types = PRODUCT if config.endswith("Products") else OBSERVATION
    columns = {name: {"text": name, "vot.datatype": _MAST_TYPES[types[name]]} for name in types}
    for name in {"filters", "obs_collection"} & set(columns):
        columns[name]["separator"] = ";"
    return columns


def _answer(server, request):
    service, params = request["service"], request["params"]
    if service == "Mast.Caom.Products":
        wanted = params["obsid"].split(",")
        assert len(wanted) <= 5
        rows = [row for row in server.products if row["obsID"] in wanted]
        return _table(rows, PRODUCT)
    rows = [row for row in server.observations if _passes(row, params["filters"])]
    if service == "Mast.Caom.Filtered.Position":
        ra, dec, radius = (float(part) for part in params["position"].split(","))
        rows = [row for row in rows if _distance(row, ra, dec) <= radius]
    else:
        assert service == "Mast.Caom.Filtered"
    return _table(rows, OBSERVATION)


def _passes(row, filters):
    for entry in filters:
        found = row[entry["paramName"]]
        for value in entry["values"]:
            if isinstance(value, dict):
                if value["min"] <= found <= value["max"]:
                    break
            elif value in str(found).split(entry.get("separator", "\n")):
                break
        else:
            return False
    return True


def _distance(row, ra, dec):
    across = (row["s_ra"] - ra) * math.cos(math.radians(dec))
    return math.hypot(across, row["s_dec"] - dec)


def _table(rows, types):
    paging = {"page": 1, "pageSize": 50000, "pagesFiltered": 1}
    paging |= dict.fromkeys(("rows", "rowsFiltered", "rowsTotal"), len(rows))
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return {"status": "COMPLETE", "msg": "", "data": rows, "fields": fields, "paging": paging}


def i2d(seed=1, shape=(24, 20), size=0.031):
    """Bytes of a file like a NIRCam mosaic: seven images and a table."""
    pixels = np.random.default_rng(seed).normal(1, 0.1, shape).astype(np.float32)
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=3.0, CRPIX2=4.0, CRVAL1=3.58)
    header.update(CRVAL2=-30.4, CDELT1=-size / 3600, CDELT2=size / 3600, BUNIT="MJy/sr")
    primary = fits.PrimaryHDU()
    primary.header.update(CAL_VER="1.11.4", CRDS_CTX="jwst_1130.pmap", DATE="2023-08-30T01:02:03")
    hdus = [primary]
    for name in ("SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"):
        plane = np.ones((1, *shape), np.int32) if name == "CON" else pixels
        hdus.append(fits.ImageHDU(plane, header if name == "SCI" else None, name=name))
    hdus.append(fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])], name="ASDF"))
    return _bytes(hdus)


def hlf(seed=1, shape=(30, 25), size=0.06):
    """Bytes of a file like an HLF image or weight map: one image in the first HDU."""
    pixels = np.random.default_rng(seed).normal(5, 0.1, shape).astype(np.float32)
    header = fits.Header()
    header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CRPIX1=3.0, CRPIX2=4.0, CRVAL1=53.1)
    header.update(CRVAL2=-27.8, CDELT1=-size / 3600, CDELT2=size / 3600)
    return _bytes([fits.PrimaryHDU(pixels, header)])


def flc(seed=1, shape=(8, 16)):
    """Bytes of a file like an ACS/WFC exposure: two chips, three images each, and tables."""
    pixels = np.random.default_rng(seed).normal(5, 0.1, shape).astype(np.float32)
    hdus, tables = [fits.PrimaryHDU()], []
    hdus[0].header["EXPTIME"] = 1208.0
    for version in (1, 2):
        wcs = chip_wcs(shape, 4, 2, version, Pointing(53.16, -27.79, 40.0))
        cards, more = distortion_hdus(wcs, version)
        hdus.append(fits.ImageHDU(pixels, cards, name="SCI", ver=version))
        hdus.append(fits.ImageHDU(pixels, name="ERR", ver=version))
        hdus.append(fits.ImageHDU(np.zeros(shape, np.int16), name="DQ", ver=version))
        tables += more
    return _bytes(hdus + tables)


def _bytes(hdus):
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()
