"""Synthesis: population, rendering, degradation, splits."""
