"""Figure 8: real HST images restored, beside better images of the same sky."""

import numpy as np
from matplotlib.figure import Figure

from galrestore.figures.fig05_examples import stretched
from galrestore.figures.style import WIDTH, style
from galrestore.measurement.image_quality import affine_match, sky_level

__all__ = ["MULTI_EPOCH", "SHALLOW_EPOCH", "SINGLE_EPOCH", "draw"]

# What readers must know before they compare (sections 5.1, 5.2).
MULTI_EPOCH = (
    "The JWST image is no truth: F606W and F115W show other stars and dust, so that only a "
    "visual comparison is possible, and its PSF, drizzled to these pixels, is not that of the "
    "RS images."
)


SINGLE_EPOCH = (
    "MT-HQ is a proxy of the truth: the same telescope's PSF is in it, so that RS is sharper, and "
    "its own noise; SG-LQ is noisier than the mosaic. Compact sources of RS that MT-HQ lacks "
    "trace hot pixels and rests of cosmic rays of the exposure (section 6.4)."
)


SHALLOW_EPOCH = (
    "The noise is added, white and with the photons of the source; the light and MT-HQ are the "
    "mosaic's own, on pixels of the detector's size, so that its noise is in both; beyond the "
    "stamp that selection cuts about a galaxy is noise alone. MT-HQ is no truth: it has the "
    "telescope's PSF, so that RS is sharper."
)


def draw(images, noise, scores, method, intro, caveats):
    """
    Draw rows of images of the same galaxy.

    Parameters
    ----------
    images : dict of str to ndarray, shape (N, H, W)
        Columns by title, the first of them LQ; the last sets zero point and scale.
    noise : ndarray, shape (N,)
        rms of the noise of each LQ.
    scores : dict of str to (ndarray, ndarray), shape (M,)
        By title of a column: PSNR of all LQ and RS images of the set against it, after the
        best affine match [dB].
    method : str
        What restored the images.
    intro : str
        What the columns are.
    caveats : str
        What readers must know.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    caption : str
        What it shows, with its numbers.

    References
    ----------
    Park et al. (2024), Figure 8.
    """
    reference = list(images.values())[-1]
    sky, sigma = sky_level(reference)
    with style():
        count, columns = len(reference), len(images)
        width = WIDTH["gallery"] * columns / 4
        figure = Figure(figsize=(width, 1.37 * count + 0.2), layout="constrained")
        axes = figure.subplots(count, columns, squeeze=False)
        for panels, (title, stack) in zip(axes.T, images.items(), strict=True):
            shown = stack if stack is reference else affine_match(stack, reference)[0]
            panels[0].set_title(title)
            for row, panel in enumerate(panels):
                low, high = sky[row] - 3 * sigma[row], reference[row].max()
                image = stretched(shown[row], low, high)
                panel.imshow(image, cmap="gray", vmin=0, vmax=1)
                panel.set(xticks=[], yticks=[])
                panel.spines[:].set_visible(True)
        for row, panel in enumerate(axes[:, 0]):
            panel.set_ylabel(f"noise rms {noise[row]:.3f}")
    return figure, _caption(images, noise, scores, method, intro, caveats)


def _caption(images, noise, scores, method, intro, caveats):
    titles = ", ".join(title.replace("\n", " ") for title in images)
    count = len(next(iter(scores.values()))[1])
    return (
        f"{intro} Columns: {titles}; RS by {method}, trained for other images and used as it is. "
        f"Rows are the {len(noise)} equally populated classes of noise of the {count} "
        f"images of the set, rms {noise[0]:.3f} to {noise[-1]:.3f} after min-max normalisation, "
        "each represented by the image with the most asymmetric light in its last column. "
        f"Mean PSNR of the set after the best affine match: {_means(scores)}. {caveats} For "
        "display only, all images are brought to the last one's zero point and scale; one asinh "
        "stretch per row."
    )


def _means(scores):
    texts = []
    for title, (before, after) in scores.items():
        with np.errstate(invalid="ignore"):  # infinite where images are equal
            gain = np.asarray(after) - np.asarray(before)
            error = np.std(gain, ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
        texts.append(
            f"against {title} {np.mean(before):.2f} dB (LQ) and {np.mean(after):.2f} dB (RS), "
            f"{np.mean(gain):+.2f} +- {error:.2f} dB"
        )
    return "; ".join(texts)
