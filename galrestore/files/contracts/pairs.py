"""Pairs of ground truth and low quality: one row for each pair."""

from galrestore.files.tables import Column

__all__ = ["PAIRS", "SPLITS"]

SPLITS = ("train", "validation", "test")

PAIRS = (
    Column("id", "int64", "", "object"),
    Column("source", "str", "", "mosaic, or galsim, or file of ready pairs"),
    Column("split", "str", "", "train, validation or test"),
    Column("group", "int64", "", "pairs of one group stay in one split"),
    Column("noise", "float64", "", "rms of the noise in the min-max normalised LQ"),
    Column("noise_sigma", "float64", "", "sigma of the noise that was added [GT's own unit]"),
    Column("noise_lag1", "float64", "", "its correlation between neighbours; 0 for white noise"),
    Column("kernel_fwhm", "float64", "pixel", "width of the Gaussian that blurs noise as the PSF"),
    Column("gt_min", "float64", "", "value that became 0 in GT"),
    Column("gt_max", "float64", "", "value that became 1 in GT"),
    Column("lq_min", "float64", "", "value that became 0 in LQ"),
    Column("lq_max", "float64", "", "value that became 1 in LQ"),
)
