"""Restoration without training: Wiener, Richardson-Lucy, starlets, and their tuning."""
