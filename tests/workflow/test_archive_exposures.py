"""Exposures of the archive, from the query to the set `single_epoch`, through Snakemake."""

import contextlib
import json
import shutil

import pytest
import yaml
from numpy.testing import assert_array_equal

from galrestore.cli import main
from galrestore.config import Proxy
from galrestore.files.contracts.downloads import DOWNLOADS
from galrestore.files.cubes import read_cube
from galrestore.files.tables import read_table
from tests.archive.loopback import loopback_mast

pytestmark = pytest.mark.workflow

URI = "mast:HST/product/j8wc7c00{}_flc.fits"
OUTLINE = "POLYGON 53.15 -27.74 53.17 -27.74 53.17 -27.73 53.15 -27.73"
ACQUIRE = {
    "local": {
        "root": "deep",
        "mosaics": {
            "deep": {
                "telescope": "hst", "instrument": "ACS/WFC", "band": "F814W", "field": "epochs",
                "psf_fwhm": 0.1, "unit": "electron/s", "weight_kind": "inverse_variance",
                "science": "epochs_f814w_sci.fits", "weight": "epochs_f814w_wht.fits",
            },
        },
    },
    "mast": {
        "root": "fetched",
        "lock": "config/small.tsv",
        "transfer": {"read_timeout": 5, "backoff": 0.05},
        "exposures": {
            "epochs_flc": {
                "instrument": "ACS/WFC", "band": "F814W", "field": "epochs", "count": 2,
                "query": {
                    "collection": "HST", "instrument": "ACS/WFC", "proposals": ["9978"],
                    "science": "j????????_flc.fits",
                },
            },
        },
    },
}  # fmt: skip
SINGLE = {"exposures_of": "epochs_flc", "mosaic": "deep", "held_out": True}
PROXY = {"multi_epoch": None, "single_epoch": SINGLE | {"simulated": None, "truth": None}}


@pytest.fixture
def archive(editable):
    """The run's own exposures as an archive's, each with an observation of its time."""
    about = {"obs_collection": "HST", "instrument_name": "ACS/WFC", "filters": "F814W;CLEAR2L"}
    about |= {"proposal_id": "9978", "s_region": OUTLINE}
    with loopback_mast() as server:
        for number, time in enumerate((500.0, 1200.0, 1200.0)):
            name = f"results/exposures/epochs_f814w/epochs_f814w_{number:02d}_flc.fits"
            content = (editable.folder / name).read_bytes()
            # The third is listed as the shortest: of two the first two are taken.
            server.add(URI.format(number), content, t_exptime=time - 900 * (number == 2), **about)
        yield server


def test_exposures_are_resolved_planned_and_fetched(editable, archive):
    flow, server = editable, {"GALRESTORE_MAST_SERVER": archive.url}
    settings = yaml.safe_load((flow.folder / "config/smoke.yaml").read_text())
    settings |= {"acquire": settings["acquire"] | ACQUIRE, "proxy": PROXY}
    config = "config/small.yaml"
    (flow.folder / config).write_text(json.dumps(settings))  # JSON is YAML
    (flow.folder / "deep").mkdir()
    for kind in ("sci", "wht"):
        name = f"epochs_f814w_{kind}.fits"
        shutil.copy(flow.folder / "results/exposures" / name, flow.folder / "deep")
    said = flow.galrestore("acquire", "resolve", "--configfile", config, **server)
    size = len(archive.files[URI.format(0)]) + len(archive.files[URI.format(1)])
    assert "epochs_flc: 2 of 3 exposures found" in said
    assert f"epochs: 2 file(s), {size / 1e9:.2f} GB" in said

    # The archive may be away while the set is planned: its rule is given the files themselves.
    away = {"GALRESTORE_MAST_SERVER": "http://127.0.0.1:9"}
    target = ("--cores", "2", "-n", "-p", "results/pairs/single_epoch.fits")
    planned = flow.snakemake(*target, configfile=config, **away).stdout
    counts = [planned.count(f"rule {rule}:") for rule in ("download", "single_epoch")]
    assert counts == [2, 1]
    files = [f"fetched/epochs/j8wc7c00{number}_flc.fits" for number in (0, 1)]
    assert f"proxy single_epoch --exposures {files[0]} {files[1]} --mosaic" in planned

    # One exposure arrives cut in a chip at first, at the end of a block.
    archive.faults[URI.format(0)] = [("cut", 288_000)]
    receipts = [f"results/downloads/{file.removeprefix('fetched/')}.parquet" for file in files]
    flow.snakemake("--cores", "2", *receipts, configfile=config, **server)
    assert len(archive.asked("GET", URI.format(0))) == 2
    assert archive.asked("GET", URI.format(2)) == []
    times = [
        read_table(flow.folder / receipt, DOWNLOADS)["exposure_time"].item() for receipt in receipts
    ]
    assert times == [500.0, 1200.0]
    assert_pairs_are_those_of_the_run(flow.folder, files, settings["proxy"]["single_epoch"])


def assert_pairs_are_those_of_the_run(folder, files, single):
    """Cut the sources of the run's mosaic out of the files fetched, and compare with its pairs."""
    made = folder / "results/exposures"
    paths = {"mosaic": made / "epochs_f814w_mosaic.parquet"}
    paths["catalogue"] = made / "epochs_f814w_catalogue.parquet"
    paths |= {"images": folder / "again.fits", "table": folder / "again.parquet"}
    command = ["proxy", "single_epoch", "--exposures", *(str(folder / file) for file in files)]
    for option, path in paths.items():
        command += [f"--{option}", str(path)]
    command += ["--settings", Proxy(single_epoch=single).model_dump_json(), "--seed", "1"]
    with contextlib.chdir(folder):  # the manifest names files below results/
        assert main([*command, "--code", "c"]) == 0
    for plane in ("LQ", "GT"):
        images = read_cube(paths["images"], plane)
        assert len(images) >= 2
        assert_array_equal(images, read_cube(folder / "results/pairs/single_epoch.fits", plane))
