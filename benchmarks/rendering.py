"""
Images per second of the renderers, and how far they are from each other.

    python benchmarks/rendering.py [galaxies]

Galaxies without PSF in 64 x 64 pixels over the whole range that can be drawn: n 0.3 to 6.2,
r50 0.8 to 20 pixels and flux log-uniform, q 0.15 to 1.  Times are CPU times of one process,
without compilation.  "GalSim, fine cells" is `galrestore.synthesis.rendering.render`;
"GalSim, FFT" is GalSim's own ``drawImage`` at its default accuracy, on twenty mild galaxies
(n below 2, r50 above 3 pixels, q above 0.3): others need transforms of gigabytes.
"""

import sys
import time

import galsim
import numpy as np

from galrestore.rng import stream
from galrestore.synthesis.gaussians import render_gaussians
from galrestore.synthesis.rendering import render

SIZE = 64
NAMES = ("flux", "r50", "n", "q", "theta", "dx", "dy")


def draw_galaxies(count):
    """Draw a population over the whole range."""
    generator = stream(1, "benchmark.rendering")

    def log_uniform(low, high):
        return np.exp(generator.uniform(np.log(low), np.log(high), count))

    return {
        "flux": log_uniform(1, 1000),
        "r50": log_uniform(0.8, 20),
        "n": log_uniform(0.3, 6.2),
        "q": generator.uniform(0.15, 1, count),
        "theta": generator.uniform(0, np.pi, count),
        "dx": generator.uniform(-0.5, 0.5, count),
        "dy": generator.uniform(-0.5, 0.5, count),
    }


def with_fine_cells(galaxies):
    """Draw with the package's GalSim renderer."""
    rows = zip(*(galaxies[name] for name in NAMES), strict=True)
    return np.stack([render(*row, size=SIZE) for row in rows])


def with_transforms(galaxies):
    """Draw with GalSim's own transforms."""
    images = []
    for flux, r50, n, q, theta, dx, dy in zip(*(galaxies[name] for name in NAMES), strict=True):
        profile = galsim.Sersic(n, half_light_radius=r50, flux=flux)
        profile = profile.shear(q=q, beta=theta * galsim.radians).shift(dx + 0.5, dy + 0.5)
        images.append(profile.drawImage(nx=SIZE, ny=SIZE, scale=1).array)
    return np.stack(images)


def timed(function, *arguments):
    """Return the result and the CPU time."""
    start = time.process_time()
    result = function(*arguments)
    return result, time.process_time() - start


def agreement(images, others):
    """Median, 95th percentile and maximum over images of the largest error over the peak."""
    errors = np.abs(images - others).max(axis=(1, 2)) / others.max(axis=(1, 2))
    return "median {:.1e}, p95 {:.1e}, max {:.1e}".format(*np.quantile(errors, [0.5, 0.95, 1]))


def main():
    """Print the comparison."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    galaxies = draw_galaxies(count)
    render_gaussians(galaxies, SIZE)  # compiles
    mild = np.flatnonzero((galaxies["n"] < 2) & (galaxies["r50"] > 3) & (galaxies["q"] > 0.3))[:20]
    few = {name: values[mild] for name, values in galaxies.items()}
    fine, fine_time = timed(with_fine_cells, galaxies)
    fast, fast_time = timed(render_gaussians, galaxies, SIZE)
    transformed, transformed_time = timed(with_transforms, few)
    usual = {name: values[galaxies["n"] > 0.45] for name, values in galaxies.items()}
    _, usual_time = timed(render_gaussians, usual, SIZE)
    speed = count / fast_time
    print(f"{count} galaxies, images per second of one core:")
    for name, rate in (
        ("GalSim, FFT", len(transformed) / transformed_time),
        ("GalSim, fine cells", count / fine_time),
        ("Gaussians", speed),
        ("Gaussians, n > 0.45", len(usual["n"]) / usual_time),
    ):
        print(f"  {name:20s} {rate:9.0f}   Gaussians / this: {speed / rate:6.1f}")
    print("largest difference in an image over its peak:")
    print(f"  Gaussians to fine cells   {agreement(fast, fine)}")
    print(f"  FFT to fine cells         {agreement(transformed, fine[mild])}")


if __name__ == "__main__":
    main()
