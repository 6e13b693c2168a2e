"""Estimate: what a run will need, one row for each part of a stage."""

from galrestore.files.tables import Column

__all__ = ["ESTIMATE"]

ESTIMATE = (
    Column("stage", "str", "", "stage"),
    Column("part", "str", "", "which of its jobs"),
    Column("jobs", "int64", "", "number of jobs"),
    Column("work", "float64", "", "what they work through, in all"),
    Column("unit", "str", "", "unit of the work"),
    Column("rate", "float64", "s", "time of a unit of work on one core; NaN on a GPU"),
    Column("core_hours", "float64", "h", "time of one core"),
    Column("gpu_hours", "float64", "h", "time of one GPU"),
    Column("memory", "float64", "GB", "largest job; NaN where no job was measured"),
    Column("written", "float64", "GB", "left on disk"),
    Column("formula", "str", "", "what scales with what"),
)
