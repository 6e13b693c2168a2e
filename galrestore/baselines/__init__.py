"""Restoration without training: Wiener, Richardson-Lucy and starlets."""
