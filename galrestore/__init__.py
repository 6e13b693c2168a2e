"""Restore Hubble galaxy images to JWST quality.

Stages run one after another, each from files to files: acquire, select, fit,
resample, render, degrade, train, restore, measure, present, check.  Importing the
package is free of heavy dependencies, so that a bare Snakemake installation can
validate settings and build the workflow.
"""

__version__ = "0.1.0"
