"""Figure 5: examples of restored images, in rising noise."""

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from galrestore.figures.style import WIDTH, style
from galrestore.measurement.image_quality import affine_match, psnr, sky_level, source_mask

__all__ = ["choose", "draw", "stretched"]

# Noise of single pixels is smoothed away before light is compared [pixel, sigma].
_REACH = 0.2
_FINE = 1.0
# Centres of rotation tried: up to one pixel from the stamp's, in halves of a pixel.
_CENTRES = [(row, column) for row in range(-2, 3) for column in range(-2, 3)]
# Softening of the asinh stretch, in units of the range: faint outskirts become visible.
_SOFTENING = 0.05


def choose(truth, noise, count):
    """
    Choose examples by a rule: the richest structure in each class of noise.

    Parameters
    ----------
    truth : ndarray, shape (N, H, W)
        Ground truth of the test images.
    noise : ndarray, shape (N,)
        rms of the noise of each LQ.
    count : int
        Examples wanted.

    Returns
    -------
    rows : ndarray of int, shape (min(count, N),)
        One image of each of ``count`` equally populated classes of noise, in rising
        noise: the one with the most asymmetric light in its GT.

    Notes
    -----
    Asymmetric light is the sum of |I - I turned by 180 degrees| / 2 over the object in
    the middle of the stamp, smoothed by 1 pixel, for the centre of rotation that makes
    it smallest: arms, clumps and tails count, by their light; a smooth profile and
    neighbours do not.  Only the middle of the stamp counts, out to a fifth of its side.

    References
    ----------
    Conselice (2003), ApJS 147, 1, section 3.3: asymmetry and its centre.
    """
    truth = np.asarray(truth, dtype=float)
    parts = zip(truth, sky_level(truth)[0], source_mask(truth), strict=True)
    structure = np.array([_asymmetric_light(*part) for part in parts])
    by_noise = np.argsort(noise, kind="stable")
    classes = np.array_split(by_noise, min(count, len(by_noise)))
    return np.array([members[np.argmax(structure[members])] for members in classes])


def _asymmetric_light(image, sky, mask):
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count == 0:
        return 0.0
    height, width = image.shape
    rows, columns = np.nonzero(mask)
    nearest = np.argmin((rows - height // 2) ** 2 + (columns - width // 2) ** 2)
    own = labels == labels[rows[nearest], columns[nearest]]
    # Neighbours that touch the object lie farther out than its own structure.
    y, x = np.ogrid[:height, :width]
    own &= np.hypot(y - height // 2, x - width // 2) <= _REACH * min(height, width)
    light = np.where(own, ndimage.gaussian_filter(image, _FINE) - sky, 0)
    turned = light[::-1, ::-1]
    # The stamp's centre is pixel S // 2, reversal turns about (S - 1) / 2.
    centre = np.array([1 - height % 2, 1 - width % 2])
    return min(
        np.abs(light - np.roll(turned, tuple(centre + shift), axis=(0, 1))).sum() / 2
        for shift in _CENTRES
    )


def draw(low_quality, restored, truth, noise, method):
    """
    Draw the examples: LQ, RS, GT and their difference.

    Parameters
    ----------
    low_quality, restored, truth : ndarray, shape (N, H, W)
        Images of the examples, min-max normalised.
    noise : ndarray, shape (N,)
        rms of the noise of each LQ.
    method : str
        What restored the images.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.

    Notes
    -----
    Min-max normalisation gives each image a zero point and a scale of its own.  LQ and RS
    are brought to the GT's by the best affine match, for display alone: the PSNR in the
    panels is that of the images as they are.

    References
    ----------
    Park et al. (2024), Figure 5.
    """
    low_shown, restored_shown = (affine_match(i, truth)[0] for i in (low_quality, restored))
    sky, sigma = sky_level(truth)
    ratios = psnr(low_quality, truth), psnr(restored, truth)
    with style():
        count = len(truth)
        figure = Figure(figsize=(WIDTH["gallery"], 1.37 * count + 0.2), layout="constrained")
        axes = figure.subplots(count, 4, squeeze=False)
        for row, panels in enumerate(axes):
            _show(panels, low_shown[row], restored_shown[row], truth[row], sky[row], sigma[row])
            panels[0].set_ylabel(f"noise rms {noise[row]:.3f}")
            for panel, ratio in zip(panels, ratios, strict=False):
                _inscribe(panel, f"{ratio[row]:.1f} dB")
        for panel, title in zip(axes[0], ("LQ", "RS", "GT", "GT - RS"), strict=True):
            panel.set_title(title)
    return figure, _caption(noise, *ratios, method)


def _show(panels, low_quality, restored, truth, sky, sigma):
    low, high = sky - 3 * sigma, truth.max()
    for panel, image in zip(panels, (low_quality, restored, truth), strict=False):
        panel.imshow(stretched(image, low, high), cmap="gray", vmin=0, vmax=1)
    residual = truth - restored
    # A symmetric range that a few hot pixels do not stretch.
    reach = float(np.quantile(np.abs(residual), 0.995)) or 1.0
    panels[3].imshow(residual, cmap="gray", vmin=-reach, vmax=reach)
    _inscribe(panels[3], f"±{reach:.2g}")
    for panel in panels:
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)


def stretched(image, low, high):
    """
    Stretch an image so that faint outskirts and bright cores are seen.

    Parameters
    ----------
    image : ndarray
        Pixels.
    low, high : float
        Values that become 0 and 1; beyond them the image is cut off.

    Returns
    -------
    shown : ndarray of float, same shape
        In [0, 1], by the inverse hyperbolic sine.
    """
    part = np.clip((image - low) / (high - low), 0, 1)
    return np.arcsinh(part / _SOFTENING) / np.arcsinh(1 / _SOFTENING)


def _inscribe(panel, text):
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    panel.text(0.03, 0.04, text, transform=panel.transAxes, fontsize=7, bbox=box)


def _caption(noise, before, after, method):
    return (
        f"Low-quality (LQ), restored (RS, by {method}), ground-truth (GT) images and the "
        f"difference GT - RS. Rows are the {len(noise)} equally populated classes of noise of "
        f"the test images, rms {noise[0]:.3f} to {noise[-1]:.3f} after min-max normalisation; "
        "each is represented by the image with the most asymmetric light in its GT. Panels give "
        f"their PSNR (eq. 4), on average {np.mean(before):.2f} dB (LQ) and "
        f"{np.mean(after):.2f} dB (RS), of the images as they are. For display only, LQ and RS "
        "are brought to the GT's zero point and scale; one asinh stretch per row. "
        "Differences are linear, mid-grey is zero."
    )
