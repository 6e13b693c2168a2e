"""The paper's claims and this run's figures: one row a claim."""

from galrestore.files.tables import Column

__all__ = ["CLAIMS"]

CLAIMS = (
    Column("claim", "str", "", "what is claimed"),
    Column("place", "str", "", "where the paper says so"),
    Column("paper", "float64", "", "the paper's figure; NaN where it gives none"),
    Column("paper_text", "str", "", "what it says where it gives none"),
    Column("ours", "float64", "", "figure of this run, in the unit of the claim"),
    Column("error", "float64", "", "its standard error; NaN where it has none"),
    Column("decimals", "int64", "", "digits after the point to print"),
    Column("also", "str", "", "another figure of this run that belongs to it; or empty"),
    Column("setting", "str", "", "method and images"),
    Column("file", "str", "", "file that holds it, below the results"),
    Column("deviation", "str", "", "how it compares, and why it deviates"),
)
