"""Restoration without training: Wiener, Richardson-Lucy and starlet filter."""
