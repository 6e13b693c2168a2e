"""
Speed of morphology and photometry, against a loop of other programs over the same stamps.

    python benchmarks/measure.py [--stamps 10000] [--peers 200]

Gaussian and Sersic galaxies with noise stand for GT, LQ and RS.  Ours: stage ``shapes``'s
measurement of all three kinds (areas, scale, fluxes, pixels, spectra, three fits and the fit
with the PSF).  The peer does a part of that work, stamp by stamp: sep's background,
segmentation, Kron and isophotal fluxes and astropy's Sersic2D by its least squares, without PSF.
"""

import argparse
import os
import time

import numpy as np
import pandas as pd
import sep
from astropy.modeling import fitting, models

from galrestore.measurement.shapes import measure_shapes
from galrestore.rng import stream
from galrestore.sersic.fitting import model_images
from galrestore.synthesis.degradation import degrade, gaussian_kernel, normalise

SIDE = 64


def galaxies(count):
    """Draw galaxies as the pairs hold them: GT, LQ, RS and the table."""
    rng = stream(1, "benchmark.measure")
    parameters = {
        "x": SIDE // 2 + rng.uniform(-0.5, 0.5, count),
        "y": SIDE // 2 + rng.uniform(-0.5, 0.5, count),
        "model_flux": np.full(count, 100.0),
        "r50": rng.uniform(2.5, 6, count),
        "n": rng.uniform(0.7, 3, count),
        "q": rng.uniform(0.4, 0.95, count),
        "theta": rng.uniform(0, np.pi, count),
    }
    clean = model_images(parameters, (SIDE, SIDE), 1.2)
    clean = clean / clean.max(axis=(1, 2), keepdims=True)
    truth = clean + 0.003 * rng.normal(size=clean.shape)
    ids = np.arange(count)
    noise = rng.uniform(0.01, 0.08, count)
    gt, lq, columns = degrade(truth, ids, noise, gaussian_kernel(1.88, 7), 1)
    rs = normalise(clean + 0.001 * rng.normal(size=clean.shape))[0].astype(np.float32)
    return gt, lq, rs, pd.DataFrame(columns).assign(id=ids)


def ours(gt, lq, rs, pairs, threads):
    """Measure all kinds; return seconds by the clock and of processors."""
    start, used = time.perf_counter(), time.process_time()
    for k in range(0, len(gt), 256):
        rows = slice(k, k + 256)
        measure_shapes(
            gt[rows],
            lq[rows],
            {"rs": rs[rows]},
            pairs.iloc[rows],
            kernel=gaussian_kernel(1.88, 7),
            psf=1.88,
            seed=1,
            pixels=16,
            bins=16,
            detection={},
            fit={"threads": threads},
        )
    return time.perf_counter() - start, time.process_time() - used


def peer_loop(gt, lq, rs):
    """Measure the three kinds with sep and astropy; return seconds of processors."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    fitter = fitting.TRFLSQFitter()
    used = time.process_time()
    for images in zip(gt, lq, rs, strict=True):
        low = sep.Background(images[1], bw=SIDE, bh=SIDE, fw=1, fh=1)
        data = images[1] - low.globalback
        sources, segments = sep.extract(data, 1.5, err=low.globalrms, segmentation_map=True)
        one = sources[np.hypot(sources["x"] - 32, sources["y"] - 32).argmin()]
        shape = [np.atleast_1d(one[name]) for name in ("x", "y", "a", "b", "theta")]
        kron = sep.kron_radius(data, *shape, 6.0)[0]
        isophote = segments == segments[SIDE // 2, SIDE // 2]
        for image in images:
            above = image - sep.Background(image, bw=SIDE, bh=SIDE, fw=1, fh=1).globalback
            sep.sum_ellipse(above, *shape, np.maximum(2.5 * kron, 3.5))
            above[isophote].sum()
            guess = models.Sersic2D(above.max() / 5, 4, 1, 32, 32, 0.3, 0.5)
            guess.n.bounds, guess.r_eff.bounds, guess.ellip.bounds = (0.3, 8), (0.3, 60), (0, 0.95)
            fitter(guess + models.Const2D(0), columns, rows, above.astype(float), maxiter=200)
    return time.process_time() - used


def main():
    """Measure and print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--stamps", type=int, default=10_000)
    parser.add_argument("--peers", type=int, default=200, help="stamps for the peer's loop")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    images = galaxies(args.stamps)
    ours(*(part[:64] for part in images), args.threads)  # compiles
    seconds, used = ours(*images, args.threads)
    print(
        f"ours: {args.stamps} stamps of GT, LQ, RS in {seconds:.1f} s with {args.threads} threads "
        f"of the fits; {used:.1f} s of processors, {1e3 * used / args.stamps:.2f} ms each"
    )
    if args.peers:
        peer = peer_loop(*(part[: args.peers] for part in images[:3]))
        ratio = (peer / args.peers) / (used / args.stamps)
        print(
            f"sep and astropy: {args.peers} stamps in {peer:.1f} s of processors, "
            f"{1e3 * peer / args.peers:.1f} ms each: {ratio:.0f} times ours"
        )


if __name__ == "__main__":
    main()
