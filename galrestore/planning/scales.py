"""What a finished run worked through, and what a planned one will."""

from galrestore.planning.archive import (
    EXPOSURE_BYTES,
    EXPOSURE_PIXELS,
    EXPOSURE_SKY,
    POINTING_SKY,
    hst_pixels,
    nircam_bytes,
    nircam_pixels,
    pointings,
)
from galrestore.planning.parts import Scale

__all__ = ["expected_scale", "measured_scale"]


_DRIZZLED, _SHEARED = 3, 16  # images of a galaxy in these sets of the limits
_ARCSEC2 = 3600.0  # in an arcmin^2


def measured_scale(settings, mosaics, stamps, splits, limits, cost):
    """
    Count what a finished run worked through.

    Parameters
    ----------
    settings : RunConfig
        Its settings.
    mosaics : dict of str to mapping
        Manifest rows by mosaic (contract ``manifest``).
    stamps : dict of str to int
        Accepted stamps by mosaic.
    splits : dict of str to dict of str to int
        Pairs of each split, by set.
    limits : dict of str to int
        Images of the sets of the limits.
    cost : tuple of int
        As `galrestore.networks.operations.count_operations` returns it.

    Returns
    -------
    scale : Scale
        The counts.
    """
    accepted = {
        telescope: sum(
            count
            for name, count in stamps.items()
            if name in mosaics and mosaics[name]["telescope"] == telescope
        )
        for telescope in ("hst", "jwst")
    }
    selected = {name: mosaics[name] for name in stamps if name in mosaics}
    proxies = [name for name in settings.proxy.sets() if name in splits]
    tested = {name: splits[name].get("test", 0) for name in splits}
    return Scale(
        pixels={name: float(row["height"] * row["width"]) for name, row in selected.items()},
        mosaics=dict.fromkeys(selected, 1),
        fetched={},
        hst_stamps=accepted["hst"],
        jwst_stamps=accepted["jwst"],
        galaxies=sum(splits["galsim"].values()),
        tested={name: count for name, count in tested.items() if name not in proxies},
        proxied={name: tested[name] for name in proxies},
        cut={name: sum(splits[name].values()) for name in proxies},
        exposure_pixels=_simulated_pixels(settings),
        limits=limits,
        validated=min(settings.tune.stamps, splits["jwst"].get("validation", 0)),
        **_settings(settings),
        **_cost(cost),
    )


def expected_scale(settings, small, stamps, area, cost):
    """
    Count what a planned run will work through.

    Parameters
    ----------
    settings : RunConfig
        Its settings; its mosaics come from the archive.
    small : Scale
        The measured run, whose stamps have the density to expect.
    stamps : dict of str to int
        Stamps to expect of ``hst`` and ``jwst``.
    area : float
        Sky of the measured run [arcmin^2].
    cost : tuple of int
        As `galrestore.networks.operations.count_operations` returns it.

    Returns
    -------
    scale : Scale
        The counts, with as many NIRCam pointings as the stamps need.
    """
    hst, sky, files = _hst(settings)
    count = pointings(stamps["jwst"], small.jwst_stamps / area)
    channel = nircam_pixels()
    nircam = count * 2 * (channel["short"] + channel["long"])
    test = settings.degrade.split[2]
    tested = {
        "jwst": round(test * stamps["jwst"]),
        "galsim": round(test * settings.resample.size),
    }
    exposures = settings.archived_exposures()
    seen = {"single_epoch": len(exposures) * EXPOSURE_SKY, "multi_epoch": POINTING_SKY}
    cut = {name: round(seen[name] * stamps["hst"] / sky) for name in settings.proxy.sets()}
    return Scale(
        pixels={"hst mosaics": sum(hst), "jwst mosaics": nircam},
        mosaics={"hst mosaics": len(hst), "jwst mosaics": 4 * count},
        fetched={
            "hst": (files, 2 * 4 * sum(hst)),
            "nircam": (4 * count, nircam_bytes(nircam)),
            "exposures": (len(exposures), sum(p.size or EXPOSURE_BYTES for p in exposures)),
        },
        hst_stamps=stamps["hst"],
        jwst_stamps=stamps["jwst"],
        galaxies=settings.resample.size,
        tested=tested,
        proxied=cut,
        cut=cut,
        exposure_pixels=EXPOSURE_PIXELS,
        limits=_limits(settings.limits, tested["jwst"], 4 * count),
        validated=min(settings.tune.stamps, round(settings.degrade.split[1] * stamps["jwst"])),
        **_settings(settings),
        **_cost(cost),
    )


def _hst(settings):
    """Pixels of the HST mosaics to train with, sky of them all [arcmin^2], number of files."""
    archive, names = settings.acquire.mast, settings.training_mosaics("hst")
    products = [product for product in archive.chosen() if product.mosaic in names]
    science = [product for product in products if product.role == "sci"]
    scales = [archive.mosaics[product.entry].pixel_scale for product in science]
    pixels = [hst_pixels(p.field, scale, p.size) for p, scale in zip(science, scales, strict=True)]
    sky = sum(n * scale**2 / _ARCSEC2 for n, scale in zip(pixels, scales, strict=True))
    return pixels, sky, len(products)


def _limits(limits, galaxies, mosaics):
    """Images of the sets of the limits, of so many test galaxies and JWST mosaics."""
    blanks = limits.blanks.seeds * limits.blanks.count
    return {
        "blanks": blanks,
        "blanks_raw": blanks,
        "drizzle": _DRIZZLED * min(limits.drizzling.galaxies, galaxies),
        "ladder": len(limits.ladder.noise) * min(limits.ladder.galaxies, galaxies),
        "shear": _SHEARED * limits.shearing.galaxies,
        "stars": limits.stars.count * mosaics,
    }


def _simulated_pixels(settings):
    """Pixels of one of the simulated exposures that are restored; 0 without any."""
    single = settings.proxy.single_epoch
    if single is None or single.simulated is None:
        return 0.0
    exposures = settings.acquire.simulated.exposures[single.simulated]
    return float(exposures.chips * exposures.rows * exposures.columns)


def _settings(settings):
    train, shown = settings.train, settings.shown_variant()
    methods = (*settings.restore.baselines, *train.variants)
    only = settings.proxy.methods == "shown"
    return {
        "shown": tuple(m for m in methods if not only or m in ("none", shown)),
        "limit_methods": tuple(dict.fromkeys((shown, *settings.limits.methods))),
        "shards": settings.runtime.shards,
        "tile": settings.runtime.tile,
        "phases": len(train.models()),
        "steps": train.iterations,
        "batch": train.batch_size,
        "validations": train.iterations // train.validate_every,
        "validation_stamps": train.validation_stamps,
        "networks": tuple(train.variants),
        "baselines": settings.restore.baselines,
        "micro_batch": train.micro_batch,
    }


def _cost(cost):
    return dict(zip(("operations", "kept", "parameters"), cost, strict=True))
