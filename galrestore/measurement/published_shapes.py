"""
What the paper states of morphology and photometry, to stand beside our own.

References
----------
Park et al. (2024), ApJ 972, 45 (arXiv 2404.00102v2), abstract, sections 4.3, 4.4 and 7.
"""

__all__ = ["PAPER_SET", "PUBLISHED_SHAPES"]

# Set that the paper compares: the test split of the JWST pairs.
PAPER_SET = "jwst"

# Statement by quantity, and the factor by which the scatter goes down where there is one.
PUBLISHED_SHAPES = {
    "e1": ("LQ rounder than GT, bias nearly gone in RS", None),
    "e2": ("LQ rounder than GT, bias nearly gone in RS", None),
    "n": ("scatter down 3.6 times, Pearson 0.61 to 0.90", 3.6),
    "r50": ("scatter down 4.7 times, Pearson up about 48%", 4.7),
    "log i50": ("scatter down 46%, Pearson up about 9%", 1 / (1 - 0.46)),
    "log aperture flux": ("scatter down 60%", 1 / (1 - 0.60)),
    "log isophotal flux": ("scatter down 55% (section 4.4) or 4.4 times (abstract)", 4.4),
    "pixel": ("scatter down 7 times, slope below 1 in LQ and 1 in RS", 7.0),
}
