"""Measurements: image quality, and the statistics of a comparison."""
