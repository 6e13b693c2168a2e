"""Measurements of restored images: one row for each test image."""

from galrestore.files.tables import Column

__all__ = ["MEASUREMENTS"]

MEASUREMENTS = (
    Column("id", "int64", "", "object"),
    Column("method", "str", "", "network or baseline"),
    Column("set", "str", "", "set of pairs"),
    Column("psnr", "float64", "dB", "PSNR of eq. 4, MAX = peak of GT"),
    Column("psnr_authors", "float64", "dB", "PSNR with MAX = peak of the restored image"),
    Column("ssim", "float64", "", "SSIM of eq. 5, Gaussian window of 11 pixels, L = 1"),
    Column(
        "ssim_authors", "float64", "", "SSIM over the full frame, L = peak of the restored image"
    ),
    Column("psnr_matched", "float64", "dB", "PSNR after the best scale and offset"),
    Column("ssim_matched", "float64", "", "SSIM after the best scale and offset"),
    Column("nrmse_source", "float64", "", "rms error on the source after the best match / GT rms"),
    Column("scale", "float64", "", "best scale of the restored image"),
    Column("offset", "float64", "", "best offset of the restored image"),
    Column("noise", "float64", "", "rms of the noise in LQ, from the pairs"),
)
