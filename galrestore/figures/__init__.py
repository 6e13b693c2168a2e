"""Figures: one module a figure, one shared style."""
