"""Table 1: one row for each method, its scores on one set."""

from galrestore.files.tables import Column

__all__ = ["TABLE1"]

# Score: unit, meaning.
_SCORES = {
    "psnr": ("dB", "PSNR of eq. 4, MAX = peak of GT"),
    "ssim": ("", "SSIM of eq. 5"),
    "psnr_authors": ("dB", "PSNR with MAX = peak of the restored image"),
    "psnr_matched": ("dB", "PSNR after the best scale and offset"),
    "ssim_matched": ("", "SSIM after the best scale and offset"),
    "nrmse_source": ("", "rms error on the source after the best match / GT rms"),
}


def _columns_of(name, unit, meaning):
    return (
        Column(name, "float64", unit, f"mean: {meaning}"),
        Column(f"{name}_error", "float64", unit, "standard error of the mean"),
        Column(f"{name}_median", "float64", unit, f"median: {meaning}"),
        Column(f"{name}_median_error", "float64", unit, "bootstrap error of the median"),
    )


TABLE1 = (
    Column("label", "str", "", "method as readers know it"),
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "set of pairs"),
    Column("n", "int64", "", "test images"),
    *(column for name, (unit, text) in _SCORES.items() for column in _columns_of(name, unit, text)),
    Column("psnr_to_best", "float64", "dB", "mean difference to the best method, by image"),
    Column("psnr_to_best_error", "float64", "dB", "standard error of that difference"),
    Column("ssim_to_best", "float64", "", "mean difference to the best method, by image"),
    Column("ssim_to_best_error", "float64", "", "standard error of that difference"),
    Column("paper_psnr", "float64", "dB", "PSNR in the paper's Table 1; NaN where it has none"),
    Column("paper_ssim", "float64", "", "SSIM in the paper's Table 1; NaN where it has none"),
)
