"""Images with known sources, as the reader of mosaics would give them."""

from types import SimpleNamespace

import numpy as np
import pytest


class ArrayMosaic:
    """A mosaic in memory, with the interface of galrestore.files.mosaics.Mosaic."""

    def __init__(self, science, noise=None, **attributes):
        self.science, self.noise, self.shape = science, noise, science.shape
        self.name, self.telescope, self.band, self.field = "test", "hst", "F814W", "sky"
        self.weight_kind, self.pixel_scale, self.psf_fwhm = "", 0.05, 0.1
        self.windows, self.wcs, self.n_images = [], None, 1
        self.__dict__.update(attributes)

    def window(self, y0, y1, x0, x1):
        self.windows.append((y0, y1, x0, x1))
        science = self.science[y0:y1, x0:x1].copy()
        mask = ~np.isfinite(science)
        if self.noise is None:
            return science, None, mask
        noise = self.noise[y0:y1, x0:x1].copy()
        mask |= ~(np.isfinite(noise) & (noise > 0))
        noise[mask] = np.inf
        return science, noise, mask

    def sky(self, x, y):
        if self.wcs is None:
            return np.full(x.shape, np.nan), np.full(y.shape, np.nan)
        return tuple(self.wcs.all_pix2world(x, y, 0))


def add_disc(image, x, y, flux, scale, q=1.0, theta=0.0, extent=9):
    """Add an elliptical exponential disc, sampled at pixel centres."""
    reach = int(extent * scale) + 3
    y0, x0 = max(int(y) - reach, 0), max(int(x) - reach, 0)
    part = image[y0 : int(y) + reach, x0 : int(x) + reach]
    dy = np.arange(part.shape[0])[:, None] + y0 - y
    dx = np.arange(part.shape[1]) + x0 - x
    along = dx * np.cos(theta) + dy * np.sin(theta)
    across = (-dx * np.sin(theta) + dy * np.cos(theta)) / q
    part += flux / (2 * np.pi * scale**2 * q) * np.exp(-np.hypot(along, across) / scale)


def add_gaussian(image, x, y, flux, sigma):
    """Add a round Gaussian, sampled at pixel centres."""
    dy, dx = np.arange(image.shape[0])[:, None] - y, np.arange(image.shape[1]) - x
    image += flux / (2 * np.pi * sigma**2) * np.exp(-0.5 * (dx**2 + dy**2) / sigma**2)


def crowded_sky(shape, count, seed=5):
    """Discs on tilted sky with noise of unit rms, one of them large, and a hole in the data."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    for _ in range(count):
        add_disc(
            image,
            rng.uniform(0, shape[1]),
            rng.uniform(0, shape[0]),
            10 ** rng.uniform(1.8, 4.2),
            rng.uniform(1.3, 4),
            rng.uniform(0.3, 1),
            rng.uniform(0, np.pi),
        )
    add_disc(image, 0.52 * shape[1], 0.47 * shape[0], 8e5, 24, 0.5, 0.7)
    image += rng.normal(3, 1, shape) + np.linspace(0, 2, shape[0])[:, None]
    image[200:214, 300:323] = np.nan
    return image.astype(np.float32)


@pytest.fixture(scope="session")
def make():
    """Builders of test images."""
    return SimpleNamespace(
        mosaic=ArrayMosaic, disc=add_disc, gaussian=add_gaussian, crowded=crowded_sky
    )
