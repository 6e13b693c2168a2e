"""Settings of simulated exposures: what depends on what."""

import json

from galrestore.config import load

ACS = {
    "telescope": "hst",
    "instrument": "ACS/WFC",
    "band": "F606W",
    "format": "hlf",
    "pixel_scale": 0.05,
    "wavelength": 0.592,
    "psf_fwhm": 0.094,
    "depth": 28.0,
}


def settings(depth=28.0, sky=0.12):
    exposures = {"exposure_times": [500, 500], "sky": sky}
    return load(
        {
            "seed": 1,
            "acquire": {
                "simulated": {
                    "width": 20,
                    "height": 20,
                    "mosaics": {"acs": ACS | {"depth": depth}, "other": ACS},
                    "exposures": {
                        "first": exposures | {"mosaic": "acs"},
                        "second": exposures | {"mosaic": "other", "sky": 0.1},
                    },
                }
            },
        }
    )


def test_a_set_depends_on_itself_and_its_mosaic_alone():
    run = settings()
    assert run.exposures() == ["first", "second"]
    kept = json.loads(run.exposure("first"))["simulated"]
    assert (list(kept["mosaics"]), list(kept["exposures"])) == (["acs"], ["first"])
    assert settings(depth=27.0).exposure("first") != run.exposure("first")
    assert settings(depth=27.0).exposure("second") == run.exposure("second")
    assert settings(sky=0.2).exposure("first") != run.exposure("first")


def test_mosaics_do_not_depend_on_exposures():
    assert settings(sky=0.2).acquisition("acs") == settings().acquisition("acs")


def test_a_run_without_a_simulated_sky_has_none():
    local = {"root": "data", "mosaics": {}, "pairs": {"ours": {"gt": "g*.npy", "lq": "l*.npy"}}}
    assert load({"seed": 1, "acquire": {"local": local}}).exposures() == []
