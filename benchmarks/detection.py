"""
Detection and photometry against SExtractor: agreement and time, in one run.

    python benchmarks/detection.py [--side 2000] [--repeat 3] [--image FITS] [--map MAP_WEIGHT]

An image of the simulated sky (ACS, 0.05 arcsec), or the one given, goes through Debian's
``source-extractor`` and through the package, one after the other, each with one thread.
Printed are the fractions of SExtractor's sources that agree, and seconds of the
processor (user and system) for reading, background, detection, deblending, cleaning and
photometry.  The package's first run in the process, which may compile, is given apart.
With a map (``MAP_RMS``, or ``MAP_WEIGHT`` for relative weights) the image gets more noise
here than there, by a third, and a part without exposure, and both programs are told.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from astropy.io import fits

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from galrestore.archive.simulated import SimulatedImage
from galrestore.config.acquire import Acquire
from galrestore.config.select import Select
from galrestore.sources.background import clipped_mode
from tests.sources.sextractor import catalogue, matched, present, sextractor, within

ROOT = Path(__file__).resolve().parent.parent
COMPARED = {
    "a": "A_IMAGE",
    "b": "B_IMAGE",
    "theta": "THETA_IMAGE",
    "flux_iso": "FLUX_ISO",
    "flux_auto": "FLUX_AUTO",
    "fluxerr_auto": "FLUXERR_AUTO",
    "r50": "FLUX_RADIUS",
}


class Image:
    """An uncompressed FITS image, with what the package asks of a mosaic."""

    def __init__(self, path, noise=None, kind=None):
        self.pixels = fits.open(path, memmap=True)[0].data
        self.shape, self.noise = self.pixels.shape, noise
        self.weight_kind = {"MAP_RMS": "rms", "MAP_WEIGHT": "inverse_variance", None: ""}[kind]

    def window(self, y0, y1, x0, x1):
        """Return pixels, noise map and mask of a window."""
        science = np.array(self.pixels[y0:y1, x0:x1], dtype=np.float32)
        if self.noise is None:
            return science, None, ~np.isfinite(science)
        noise = self.noise[y0:y1, x0:x1].copy()
        return science, noise, ~np.isfinite(science + noise)


def unevenly_exposed(pixels):
    """Add noise that varies over an image; return both, infinite noise where none is exposed."""
    rms = clipped_mode(pixels.astype(np.float32))[1]
    y, x = np.indices(pixels.shape)
    noise = (rms * (1.5 + 0.5 * np.sin(x / 90) * np.cos(y / 70))).astype(np.float32)
    added = np.sqrt(noise.astype(float) ** 2 - rms**2 * (1 - 1e-6))
    pixels = pixels + added * np.random.default_rng(7).normal(0, 1, pixels.shape)
    noise[300:420, 500:] = np.inf
    return pixels, noise


def simulated(side):
    """Return an image of the demonstration's sky, of a side in pixels."""
    settings = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["acquire"]
    settings["simulated"] |= {"width": side * 0.05, "height": side * 0.05}
    image = SimulatedImage("acs_f814w", Acquire.model_validate(settings).simulated, 1)
    scene, marks = image.scene(), image.hits()
    strips = range(0, image.frame.height, 512)
    return np.concatenate(
        [
            image.strip(scene, marks, y, min(y + 512, image.frame.height))["science"].astype("f4")
            for y in strips
        ]
    )


def seconds(who):
    """Return the processor time of this process or of its children."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def timed(who, function, *args):
    """Return what a function returns, and its processor time."""
    start = seconds(who)
    result = function(*args)
    return result, seconds(who) - start


def report(ours, theirs):
    """Print how many of SExtractor's sources agree."""
    distance, same = matched(ours, theirs)
    print(f"sources: {len(theirs)} of SExtractor, {len(ours)} of the package")
    print(f"  within 1 pixel  {np.mean(distance < 1):8.4%}")
    print(f"  isophotal area  {np.mean(same['area'] == theirs['ISOAREA_IMAGE']):8.4%} identical")
    same["theta"] = np.rad2deg(same["theta"])
    for name, other in COMPARED.items():
        parts = [within(same[name], theirs[other], level) for level in (1e-3, 1e-5)]
        print(f"  {other:<15} {parts[0]:8.4%} within 1e-3, {parts[1]:8.4%} within 1e-5")


def main():
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--side", type=int, default=2000, help="of the simulated image [pixel]")
    parser.add_argument("--repeat", type=int, default=3, help="measurements; the median counts")
    parser.add_argument("--image", type=Path, help="FITS image to use instead")
    parser.add_argument("--map", choices=["MAP_RMS", "MAP_WEIGHT"], help="noise map to add")
    args = parser.parse_args()
    if not present():
        sys.exit("Debian's source-extractor is not installed")
    pixels = fits.getdata(args.image) if args.image else simulated(args.side)
    pairs, noise, given = [], None, None
    if args.map:
        pixels, noise = unevenly_exposed(pixels)
        seen = np.isfinite(noise)
        given = noise**-2.0 if args.map == "MAP_WEIGHT" else np.where(seen, noise, 1e31)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        fits.writeto(folder / "science.fits", pixels.astype(np.float32))
        del pixels
        image, settings = Image(folder / "science.fits", noise, args.map), Select()
        _, first = timed(resource.RUSAGE_SELF, catalogue, image, settings, 2048)
        for _ in range(args.repeat):
            (theirs, _), their_time = timed(
                resource.RUSAGE_CHILDREN, sextractor, None, folder, given, args.map or "", True
            )
            ours, our_time = timed(resource.RUSAGE_SELF, catalogue, image, settings, 2048)
            pairs.append((our_time, their_time, our_time / their_time))
    print(f"image: {image.shape[0]} x {image.shape[1]} pixels")
    report(ours, theirs)
    ours, theirs, ratio = np.median(pairs, axis=0)
    print(f"processor: package {ours:.2f} s (first run {first:.2f} s), SExtractor {theirs:.2f} s")
    print(f"ratio: {ratio:.2f} (median of {args.repeat})")


if __name__ == "__main__":
    main()
