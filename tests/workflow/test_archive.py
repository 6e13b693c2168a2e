"""A field of the archive, from the product list to its manifests, through Snakemake."""

import json

import pytest

from galrestore.files.contracts.downloads import DOWNLOADS
from galrestore.files.mosaics import open_mosaic
from galrestore.files.tables import read_provenance, read_table
from tests.archive.loopback import hlf, i2d, loopback_mast

pytestmark = pytest.mark.workflow

HLF = "hlsp_hlf_hst_acs-60mas_patch_f814w_v2.0_{}.fits"
I2D = "mast:JWST/product/jw00001-o00{}_t001_nircam_clear-f115w_i2d.fits"
DOOR = {
    "root": "fetched",
    "lock": "config/small.tsv",
    "fields": ["patch"],
    "transfer": {"read_timeout": 5, "backoff": 0.05},
    "mosaics": {
        "patch_f814w": {
            "telescope": "hst", "instrument": "ACS/WFC", "band": "F814W", "field": "patch",
            "format": "hlf", "psf_fwhm": 0.1,
            "query": {
                "collection": "HLSP", "provenance": "HLF",
                "science": HLF.format("sci"), "weight": HLF.format("wht"),
            },
        },
        "patch_f115w": {
            "telescope": "jwst", "instrument": "NIRCAM", "band": "F115W", "field": "patch",
            "format": "i2d", "psf_fwhm": 0.05,
            "query": {
                "collection": "JWST", "instrument": "NIRCAM/IMAGE",
                "released_by": "2023-08-31", "science": "jw*_nircam_clear-f115w_i2d.fits",
            },
        },
        "far_f115w": {
            "telescope": "jwst", "instrument": "NIRCAM", "band": "F115W", "field": "far",
            "format": "i2d", "psf_fwhm": 0.05, "science": I2D.format(9),
        },
    },
}  # fmt: skip
MOSAICS = ["patch_f814w", "patch_f115w_00001_o001_t001"]


@pytest.fixture
def archive():
    with loopback_mast() as server:
        about = {"obs_collection": "HLSP", "provenance_name": "HLF", "filters": "F814W"}
        server.add(f"mast:HLSP/hlf/{HLF.format('sci')}", hlf(1), **about)
        weight = f"mast:HLSP/hlf/{HLF.format('wht')}"
        server.files[weight] = hlf(2)
        server.list(weight, len(hlf(2)))
        server.add(I2D.format(1), i2d(1), t_obs_release=60000.0)
        server.files[I2D.format(9)] = i2d(9)
        yield server


def test_a_field_is_resolved_fetched_and_described(archive, copy_of_sources, tmp_path, monkeypatch):
    flow = copy_of_sources(tmp_path / "flow")
    none = {"multi_epoch": None, "single_epoch": None}
    door = json.dumps({"acquire": {"simulated": None, "mast": DOOR}, "proxy": none})
    (flow.folder / "config/small.yaml").write_text(door)  # JSON is YAML
    server = {"GALRESTORE_MAST_SERVER": archive.url}
    said = flow.galrestore("acquire", "resolve", "--configfile", "config/small.yaml", **server)
    total = 2 * len(hlf()) + len(i2d())
    assert f"patch: 3 file(s), {total / 1e9:.2f} GB" in said
    # The list alone is enough to plan: the archive may be away.
    archive.requests.clear()
    targets = [f"results/mosaics/{name}.parquet" for name in MOSAICS]
    config = "config/small.yaml"
    options = ["--cores", "2", *targets]
    away = {"GALRESTORE_MAST_SERVER": "http://127.0.0.1:9"}
    planned = flow.snakemake("-n", *options, configfile=config, **away).stdout
    assert planned.count("rule download:") == 3
    assert archive.requests == []

    archive.faults[I2D.format(1)] = [503, ("cut", 30000)]
    done = flow.snakemake(*options, configfile=config, **server)
    assert "patch: 3 file(s)" in done.stdout + done.stderr
    monkeypatch.chdir(flow.folder)
    for name in MOSAICS:
        with open_mosaic(f"results/mosaics/{name}.parquet") as mosaic:
            assert mosaic.field == "patch"
            assert mosaic.window(0, 9, 0, 9)[1] is not None
    receipts = sorted((flow.folder / "results/downloads/patch").iterdir())
    assert len(receipts) == 3
    assert not (flow.folder / "fetched/far").exists()
    row = read_table(receipts[-1], DOWNLOADS).iloc[0]
    assert (row["uri"], row["calibration"]) == (I2D.format(1), "1.11.4")
    assert row["retrieved"] not in read_provenance(receipts[-1]).to_json()


def test_the_papers_run_is_planned_without_the_archive(copy_of_sources, tmp_path):
    flow = copy_of_sources(tmp_path / "flow")
    away = {"GALRESTORE_MAST_SERVER": "http://127.0.0.1:9"}
    fields = "acquire={mast: {fields: [hudf, hudfp2, goods_n, goods_s, ceers, abell2744]}}"
    section5 = {"single_epoch", "multi_epoch", "fig08a_single_epoch", "fig08b_mosaic"}
    section5 |= {"fig09_morphology", "fig10_photometry"}
    small = ("--config", "runtime={shards: 1}")
    jobs = flow.planned(*small, configfile="config/paper.yaml", **away)
    # Eight images of HST with their weight maps, four of NIRCam, four exposures of the HUDF.
    assert (jobs["download"], jobs["local_mosaic"], jobs["select"]) == (24, 12, 12)
    assert section5 & set(jobs) == section5 - {"multi_epoch", "fig08b_mosaic"}
    # Abell 2744 brings two images, the weight map of one, and Figure 8b; only the HST image's
    # sources are selected.
    jobs = flow.planned(*small, fields, configfile="config/paper.yaml", **away)
    assert (jobs["download"], jobs["local_mosaic"], jobs["select"]) == (27, 14, 13)
    assert section5 <= set(jobs)
