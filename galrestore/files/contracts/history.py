"""History of a training phase: one row for each validation."""

from galrestore.files.tables import Column

__all__ = ["HISTORY"]

HISTORY = (
    Column("step", "int64", "", "optimiser steps done"),
    Column("learning_rate", "float64", "", "learning rate of the last step"),
    Column("loss", "float64", "", "mean L1 loss since the row before"),
    Column("validation_psnr", "float64", "dB", "mean PSNR (eq. 4) of the validation stamps"),
    Column("validation_ssim", "float64", "", "mean SSIM (eq. 5) of the validation stamps"),
    Column("best", "bool", "", "whether these weights are the best so far"),
)
