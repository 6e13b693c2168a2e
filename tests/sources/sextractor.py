"""SExtractor as a referee: catalogues of Debian's program and of the package."""

import shutil
import subprocess
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from astropy.io import fits
from scipy.spatial import cKDTree

from galrestore.sources import measurement
from galrestore.sources.background import measure_background
from galrestore.sources.scanning import scan
from galrestore.sources.survey import _read
from galrestore.sources.tiles import grown, tiles

COLUMNS = (
    *("X_IMAGE", "Y_IMAGE", "A_IMAGE", "B_IMAGE", "THETA_IMAGE", "ISOAREA_IMAGE"),
    *("FLUX_ISO", "FLUXERR_ISO", "FLUX_AUTO", "FLUXERR_AUTO", "FLUX_RADIUS", "FLAGS"),
    *("BACKGROUND", "THRESHOLD"),
)
PROGRAM = "source-extractor"
KERNEL = "CONV NORM\n1 2 1\n2 4 2\n1 2 1\n"
# Settings of the paper (5 pixels above 1.5 rms), and the program's defaults.
SETTINGS = {
    "CATALOG_TYPE": "FITS_1.0",
    "VERBOSE_TYPE": "QUIET",
    "SATUR_LEVEL": "1e29",
    "SATUR_KEY": "NONE",
    "GAIN": 0,
    "GAIN_KEY": "NONE",
    "DETECT_MINAREA": 5,
    "DETECT_THRESH": 1.5,
    "ANALYSIS_THRESH": 1.5,
    "MEMORY_OBJSTACK": 10_000,
    "MEMORY_PIXSTACK": 3_000_000,
}


def present():
    """Tell whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def sextractor(science, folder, noise=None, kind="MAP_RMS", plain=False, **settings):
    """
    Run the program on an image, and return its catalogue and its background.

    Without an image, it is the one in the folder; if plain, no background is written.
    """
    if science is not None:
        fits.writeto(folder / "science.fits", science.astype(np.float32), overwrite=True)
    (folder / "columns.param").write_text("\n".join(COLUMNS))
    (folder / "kernel.conv").write_text(KERNEL)
    (folder / "empty.sex").write_text("")
    settings = SETTINGS | {
        "CATALOG_NAME": "catalogue.fits",
        "PARAMETERS_NAME": "columns.param",
        "FILTER_NAME": "kernel.conv",
        "CHECKIMAGE_TYPE": "NONE" if plain else "BACKGROUND",
        "CHECKIMAGE_NAME": "background.fits",
        **settings,
    }
    if noise is not None:
        fits.writeto(folder / "noise.fits", noise.astype(np.float32), overwrite=True)
        # Interpolation would invent data where there are none.
        settings |= {"WEIGHT_TYPE": kind, "WEIGHT_IMAGE": "noise.fits", "INTERP_TYPE": "NONE"}
    options = [text for key, value in settings.items() for text in (f"-{key}", str(value))]
    command = [PROGRAM, "science.fits", "-c", "empty.sex", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    table = fits.getdata(folder / "catalogue.fits", 1)
    columns = {name: np.asarray(table[name]).astype(float) for name in table.names}
    return pd.DataFrame(columns), None if plain else fits.getdata(folder / "background.fits")


def catalogue(image, settings, tile):
    """Run what stage select does up to photometry, on sources of any size."""
    mesh, size = settings.background_mesh, settings.background_filter
    background = measure_background(image.shape, image.window, mesh, size)
    read = partial(_read, image, background)
    found = scan(image.shape, read, tiles(image.shape, tile), settings)
    tables = []
    for core in tiles(image.shape, tile):
        box = grown(core, measurement.measuring_reach(settings.maximum_width), image.shape)
        segments, roles = found.window(box)
        row = np.floor(found.table["y"] + 0.5)
        table = found.table[(row >= core[0]) & (row < core[1])]
        window = replace(read(box), roles=roles)
        tables.append(table.assign(**measurement.auto_photometry(window, segments, table)))
    table = pd.concat(tables, ignore_index=True)
    error = np.sqrt(table["variance"])
    return table.assign(area=table["tnpix"], flux_iso=table["flux"], fluxerr_iso=error)


def matched(ours, theirs):
    """Return the distance to the nearest of our sources, and that source."""
    tree = cKDTree(ours[["x", "y"]].to_numpy())
    distance, index = tree.query(theirs[["X_IMAGE", "Y_IMAGE"]].to_numpy() - 1)
    return distance, ours.iloc[index].reset_index(drop=True)


def within(ours, theirs, tolerance):
    """Return the fraction of values that agree to a relative tolerance."""
    return np.mean(np.abs(ours - theirs) <= tolerance * np.abs(theirs))
