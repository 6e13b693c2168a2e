"""What a finished run worked through, and what a planned one will."""

from galrestore.planning.archive import hst_pixels, nircam_bytes, nircam_pixels, pointings
from galrestore.planning.parts import Scale

__all__ = ["expected_scale", "measured_scale"]


def measured_scale(settings, mosaics, stamps, splits, cost):
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
    return Scale(
        pixels={name: float(row["height"] * row["width"]) for name, row in selected.items()},
        mosaics=dict.fromkeys(selected, 1),
        fetched={},
        hst_stamps=accepted["hst"],
        jwst_stamps=accepted["jwst"],
        galaxies=sum(splits["galsim"].values()),
        tested={name: splits[name].get("test", 0) for name in splits},
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
    hst, files = _hst(settings)
    count = pointings(stamps["jwst"], small.jwst_stamps / area)
    channel = nircam_pixels()
    nircam = count * 2 * (channel["short"] + channel["long"])
    test = settings.degrade.split[2]
    return Scale(
        pixels={"hst mosaics": sum(hst), "jwst mosaics": nircam},
        mosaics={"hst mosaics": len(hst), "jwst mosaics": 4 * count},
        fetched={
            "hst": (files, 2 * 4 * sum(hst)),
            "nircam": (4 * count, nircam_bytes(nircam)),
        },
        hst_stamps=stamps["hst"],
        jwst_stamps=stamps["jwst"],
        galaxies=settings.resample.size,
        tested={
            "jwst": round(test * stamps["jwst"]),
            "galsim": round(test * settings.resample.size),
        },
        validated=min(settings.tune.stamps, round(settings.degrade.split[1] * stamps["jwst"])),
        **_settings(settings),
        **_cost(cost),
    )


def _hst(settings):
    """Pixels of the HST mosaics to train with, and the number of their files."""
    archive = settings.acquire.mast
    products = [p for p in archive.chosen() if archive.mosaics[p.entry].telescope == "hst"]
    science = [p for p in products if p.role == "sci"]
    scales = {p.mosaic: archive.mosaics[p.entry].pixel_scale for p in science}
    pixels = [hst_pixels(p.field, scales[p.mosaic], p.size) for p in science]
    return pixels, len(products)


def _settings(settings):
    train = settings.train
    return {
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
