"""
Methods without training, tuned alike, against filters of scikit-image before Richardson-Lucy.

    python benchmarks/baselines.py results/pairs

Each method is tuned on the validation images of ``jwst.fits``, by class of noise, and
scored on its test images: affine-matched PSNR, NRMSE on the source, seconds.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from galrestore.baselines.methods import METHODS, restore
from galrestore.baselines.richardson_lucy import iterate
from galrestore.baselines.tuning import choices_of, tune
from galrestore.config import Tune
from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.cubes import read_cube
from galrestore.files.tables import read_table
from galrestore.measurement.image_quality import scores
from galrestore.synthesis.degradation import gaussian_kernel

# Strengths of the filters to try, in sigma of the noise.
PEERS = {
    "total variation": (0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0),
    "non-local means": (0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6),
}


def total_variation(images, noise, kernel, weight):
    """Filter by total variation (Chambolle 2004), then deconvolve."""
    filtered = [
        denoise_tv_chambolle(image, weight=weight * sigma, eps=1e-4, max_num_iter=100)
        for image, sigma in zip(images, noise, strict=True)
    ]
    return iterate(np.array(filtered), kernel, np.zeros(len(images)))


def non_local_means(images, noise, kernel, strength):
    """Filter by non-local means (Buades et al. 2005), then deconvolve."""
    filtered = [
        denoise_nl_means(
            image, patch_size=5, patch_distance=8, h=strength * sigma, sigma=sigma, fast_mode=True
        )
        for image, sigma in zip(images, noise, strict=True)
    ]
    return iterate(np.array(filtered), kernel, np.zeros(len(images)))


def main():
    """Tune and score all methods."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("pairs", type=Path, help="folder with jwst.fits and jwst.parquet")
    parser.add_argument("--fwhm", type=float, default=1.88, help="width of the PSF [pixel]")
    args = parser.parse_args()

    settings, kernel = Tune(), gaussian_kernel(args.fwhm, 7)
    (lq, gt), (test_lq, test_gt) = (pairs(args.pairs, name) for name in ("validation", "test"))
    lq, gt = lq[: settings.stamps], gt[: settings.stamps]
    values = {
        name: getattr(settings, f"{name}_{parameter}") for name, (_, parameter) in METHODS.items()
    }
    METHODS["total variation"] = total_variation, "weight"
    METHODS["non-local means"] = non_local_means, "strength"

    print(f"{len(lq)} validation and {len(test_lq)} test images")
    report("none", scores(test_lq, test_gt), 0, 0, [])
    for name, tried in (values | PEERS).items():
        start = time.process_time()
        iterations = (1,) if name == "wiener" else settings.iterations
        grid, _ = tune(name, lq, gt, kernel, tried, iterations, settings.noise_classes)
        tuned = time.process_time()
        restored = restore(name, test_lq, kernel, *choices_of(grid))
        done = time.process_time()
        chosen = grid[grid["chosen"]].sort_values("noise_class")
        text = [f"{row.value:g}/{row.iterations}{'!' * row.at_edge}" for row in chosen.itertuples()]
        report(name, scores(restored, test_gt), tuned - start, done - tuned, text)


def pairs(folder, split):
    """Read the images of one split."""
    rows = np.flatnonzero(read_table(folder / "jwst.parquet", PAIRS)["split"] == split)
    return (read_cube(folder / "jwst.fits", name, rows) for name in ("LQ", "GT"))


def report(name, found, tuning, restoring, chosen):
    """Print one line; choices at an edge of the grid have a mark."""
    psnr, error = found["psnr_matched"].mean(), np.nanmean(found["nrmse_source"])
    print(
        f"{name:16s} {psnr:6.2f} dB {error:6.3f}   {tuning:5.1f} s tuning, {restoring:5.1f} s"
        f"   {' '.join(chosen)}"
    )


if __name__ == "__main__":
    main()
