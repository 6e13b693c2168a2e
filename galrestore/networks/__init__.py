"""Restormer: the network, its training on pairs, its weights and its use."""
