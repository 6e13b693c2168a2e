"""Tables for readers: one table written as Parquet, CSV and Markdown."""

import logging

from galrestore.files.atomic import atomic
from galrestore.files.tables import write_table
from galrestore.stages.common import provenance

__all__ = ["write_thrice"]

logger = logging.getLogger(__name__)


def write_thrice(args, table, contract, text, inputs):
    """
    Write one table three times, all or none.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments of the stage; the first three of ``output`` are the files.
    table : pandas.DataFrame
        The table.
    contract : sequence of Column
        Its columns.
    text : str
        The table in Markdown; logged, too.
    inputs : sequence of Path
        Files it was made from.
    """
    parquet, csv, markdown = args.output[:3]
    record = provenance(args, inputs)
    with atomic(csv) as csv_part, atomic(markdown) as markdown_part:
        table[[column.name for column in contract]].to_csv(
            csv_part, index=False, lineterminator="\n"
        )
        markdown_part.write_text(text, encoding="utf-8")
        write_table(parquet, table, contract, record)
    logger.info("%s", text)
