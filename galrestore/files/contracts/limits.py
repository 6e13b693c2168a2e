"""Sets that show the limits: pairs as in `PAIRS` with what each set adds, and measurements."""

from galrestore.files.contracts.pairs import PAIRS
from galrestore.files.tables import Column

__all__ = [
    "BLANKS",
    "BLANK_MEASUREMENTS",
    "BLANK_SUMMARY",
    "DRIZZLED",
    "DRIZZLE_SUMMARY",
    "FAILURES",
    "FAILURE_RATES",
    "FALSE_PEAKS",
    "FALSE_PEAK_RATES",
    "LADDER",
    "SHEARED",
    "SHEAR_BIASES",
    "STARS_SET",
    "STAR_SUMMARY",
]

BLANKS = (
    *PAIRS,
    Column("seed_index", "int64", "", "number of the random seed, from 0"),
    Column("copied_from", "int64", "", "training image that mean and sigma are those of"),
    Column("mean", "float64", "", "mean of the noise, as the sky of that image's LQ"),
    Column("sigma", "float64", "", "its standard deviation, likewise"),
)

BLANK_MEASUREMENTS = (
    Column("id", "int64", "", "blank image"),
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "blanks: min-max normalised; blanks_raw: as drawn"),
    Column("seed_index", "int64", "", "number of the random seed, from 0"),
    Column("sigma", "float64", "", "noise as drawn, unit of the image it was copied from"),
    Column("lq_mean", "float64", "", "mean of the input"),
    Column("lq_std", "float64", "", "standard deviation of the input"),
    Column("rs_mean", "float64", "", "mean of the restored image"),
    Column("rs_std", "float64", "", "its standard deviation"),
    Column("rs_peak", "float64", "", "highest pixel above the median [standard deviation of LQ]"),
    Column("lq_sources", "int64", "", "sources detected in LQ above its own noise"),
    Column("rs_sources", "int64", "", "sources detected in RS above the noise of LQ"),
    Column("rs_sources_own", "int64", "", "sources detected in RS above its own noise"),
)

BLANK_SUMMARY = (
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "blanks: min-max normalised; blanks_raw: as drawn"),
    Column("by", "str", "", "all, seed or noise: what the rows of a kind are apart in"),
    Column("class_index", "int64", "", "seed, or class of noise from 0"),
    Column("sigma", "float64", "", "median noise as drawn"),
    Column("n", "int64", "", "images"),
    Column("lq_mean", "float64", "", "mean of the inputs' means"),
    Column("lq_std", "float64", "", "mean of their standard deviations"),
    Column("rs_mean", "float64", "", "mean of the restored images' means"),
    Column("rs_mean_scatter", "float64", "", "standard deviation of those among images"),
    Column("rs_std", "float64", "", "mean of their standard deviations"),
    Column("rs_std_scatter", "float64", "", "standard deviation of those among images"),
    Column("rs_peak", "float64", "", "highest pixel of any of them [standard deviation of LQ]"),
    Column("lq_sources", "int64", "", "sources detected in LQ above its own noise"),
    Column("rs_sources", "int64", "", "sources detected in RS above the noise of LQ"),
    Column("rs_sources_own", "int64", "", "sources detected in RS above its own noise"),
)

STARS_SET = (
    *PAIRS,
    Column("x", "float64", "pixel", "centre, column, 0-based"),
    Column("y", "float64", "pixel", "centre, row, 0-based"),
    Column("fwhm", "float64", "pixel", "PSF of the JWST mosaic, pixel not included"),
)

STAR_SUMMARY = (
    Column("method", "str", "", "network or baseline"),
    Column("source", "str", "", "JWST mosaic whose PSF the stars have"),
    Column("n", "int64", "", "stars"),
    Column("noise_low", "float64", "", "least noise of LQ"),
    Column("noise_high", "float64", "", "most noise of LQ"),
    Column("fwhm", "float64", "pixel", "PSF of the mosaic, pixel not included"),
    Column("fwhm_gt", "float64", "pixel", "Gaussian fitted to the stack of GT, likewise"),
    Column("fwhm_rs", "float64", "pixel", "Gaussian fitted to the stack of RS, likewise"),
    Column("fwhm_lq", "float64", "pixel", "Gaussian fitted to the stack of LQ, likewise"),
    Column("ratio", "float64", "", "fwhm_rs / fwhm_gt"),
    Column("ratio_error", "float64", "", "its standard error, jackknife over the stars"),
    Column("r50_gt", "float64", "pixel", "radius that encircles half of the light, GT"),
    Column("r50_rs", "float64", "pixel", "radius that encircles half of the light, RS"),
    Column("r80_gt", "float64", "pixel", "radius that encircles four fifths of the light, GT"),
    Column("r80_rs", "float64", "pixel", "radius that encircles four fifths of the light, RS"),
    Column("residual", "float64", "", "largest |GT - RS| of the stacks, unit of GT's peak"),
)

LADDER = (
    *PAIRS,
    Column("galaxy", "int64", "", "id among the pairs of the set jwst"),
    Column("rung", "int64", "", "number of the noise level, from 0"),
)

FAILURES = (
    Column("id", "int64", "", "image"),
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "jwst: the test images; ladder: some of them under rising noise"),
    Column("rung", "int64", "", "rung of the ladder, from 0; -1 in other sets"),
    Column("noise", "float64", "", "rms of the noise in the min-max normalised LQ"),
    Column("e_gt", "float64", "", "ellipticity (a - b) / (a + b) of GT by second moments"),
    Column("e_rs", "float64", "", "that of RS over the same pixels"),
    Column("e_lq", "float64", "", "that of LQ over the same pixels"),
    Column("angle_gt", "float64", "deg", "position angle of GT from the column axis"),
    Column("angle_rs", "float64", "deg", "that of RS"),
    Column("angle_lq", "float64", "deg", "that of LQ"),
    Column("residual", "float64", "", "rms of GT - RS on the source / rms of GT there"),
    Column("peaks", "int64", "", "peaks of the object in the middle of GT"),
    Column("lost_peaks", "int64", "", "those that RS has not"),
    Column("false_peaks", "int64", "", "peaks of RS that GT has not"),
    Column("lost_structure_excess", "float64", "", "residual over its threshold"),
    Column("wrong_angle_excess", "float64", "", "error over its threshold; NaN for round GT"),
    Column("too_round_excess", "float64", "", "lost part of e over its threshold; NaN likewise"),
    Column("lost_peak_excess", "float64", "", "lost peaks; NaN where GT has fewer than two"),
)

FALSE_PEAKS = (
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "set of images"),
    Column("excess_low", "float64", "", "least noise of LQ over 3 x 3 pixels [its sigma]"),
    Column("excess_high", "float64", "", "where the next class begins"),
    Column("pixels", "int64", "", "pixels with that noise beneath"),
    Column("false_peaks", "int64", "", "peaks of RS among them that GT has not"),
)

FAILURE_RATES = (
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "set of images"),
    Column("class_index", "int64", "", "class of noise, from 0 in rising noise"),
    Column("noise", "float64", "", "median noise of LQ"),
    Column("noise_low", "float64", "", "least noise"),
    Column("noise_high", "float64", "", "most noise"),
    Column("kind", "str", "", "kind of failure; any of the four; false_peak"),
    Column("images", "int64", "", "images that it applies to"),
    Column("failed", "int64", "", "failures among them"),
    Column("events", "int64", "", "false peaks; else as failed"),
    Column("rate", "float64", "", "failed / images"),
    Column("low", "float64", "", "lower end of its 68 per cent interval (Wilson)"),
    Column("high", "float64", "", "upper end"),
)

FALSE_PEAK_RATES = (
    *FALSE_PEAKS,
    Column("rate", "float64", "", "false peaks for each million pixels"),
    Column("low", "float64", "", "lower end of its 68 per cent interval (Poisson)"),
    Column("high", "float64", "", "upper end"),
)

DRIZZLED = (
    *PAIRS,
    Column("galaxy", "int64", "", "id among the pairs of the set jwst"),
    Column("kernel", "str", "", "square or lanczos3; white: exposures without dithers"),
    Column("white_sigma", "float64", "", "noise of single pixels without dithers [GT's unit]"),
    *(
        Column(f"lag_{k}", "float64", "", f"correlation of the noise {k} pixels apart")
        for k in (1, 2, 3)
    ),
)

DRIZZLE_SUMMARY = (
    Column("method", "str", "", "network or baseline"),
    Column("kernel", "str", "", "square or lanczos3; white: exposures without dithers"),
    Column("n", "int64", "", "galaxies"),
    Column("noise", "float64", "", "mean noise of LQ after min-max normalisation"),
    Column("rms_ratio", "float64", "", "rms of single pixels / that without dithers"),
    Column("rms_ratio_error", "float64", "", "standard error of its mean"),
    *(
        column
        for k in (1, 2, 3)
        for column in (
            Column(f"lag_{k}", "float64", "", f"mean correlation {k} pixels apart"),
            Column(f"lag_{k}_error", "float64", "", "standard error of the mean"),
        )
    ),
    Column("residual", "float64", "", "mean rms of GT - RS on the source / rms of GT there"),
    Column("residual_error", "float64", "", "standard error of the mean"),
    Column("outskirts", "float64", "", "mean rms of GT - RS off the source, unit of GT's range"),
    Column("outskirts_error", "float64", "", "standard error of the mean"),
    Column("residual_to_white", "float64", "", "mean difference to the same without dithers"),
    Column("residual_to_white_error", "float64", "", "standard error of that mean"),
    Column("outskirts_to_white", "float64", "", "mean difference to the same without dithers"),
    Column("outskirts_to_white_error", "float64", "", "standard error of that mean"),
    Column("false_peaks", "float64", "", "peaks of RS that GT has not, a stamp"),
    Column("false_peaks_error", "float64", "", "standard error of the mean"),
)

SHEARED = (
    *PAIRS,
    Column("galaxy", "int64", "", "id in the population"),
    Column("orientation", "float64", "deg", "turn of the galaxy before it is sheared"),
    Column("g1", "float64", "", "reduced shear along the axes"),
    Column("g2", "float64", "", "reduced shear along the diagonals"),
)

SHEAR_BIASES = (
    Column("method", "str", "", "network or baseline"),
    Column("image", "str", "", "GT, LQ or RS"),
    Column("estimator", "str", "", "fit: Sersic, for LQ with its PSF; adaptive: moments"),
    Column("component", "int64", "", "1 or 2"),
    Column("n", "int64", "", "galaxies"),
    Column("lost", "int64", "", "galaxies without an ellipticity in some image"),
    Column("m", "float64", "", "multiplicative bias of shear"),
    Column("m_error", "float64", "", "its standard error"),
    Column("c", "float64", "", "additive bias of shear"),
    Column("c_error", "float64", "", "its standard error"),
)
