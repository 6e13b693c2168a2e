"""
Doors through which mosaics enter: local folders, the archive MAST, the simulated sky.

Each door writes a manifest row (contract ``manifest``); the stages after it know
nothing of where a mosaic came from.
"""
