"""
Files the stages exchange: FITS cubes and mosaics, Parquet tables, provenance.

Every file is written to ``<name>.part`` and renamed, so a file that exists is whole.
"""
