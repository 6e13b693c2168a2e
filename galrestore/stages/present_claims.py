"""Stage ``present_claims``: tables of a run in, the paper's claims beside its figures out."""

import logging
from pathlib import Path

from galrestore.config import Present
from galrestore.errors import EmptyError, InputError
from galrestore.files.atomic import atomic
from galrestore.files.contracts.claims import CLAIMS
from galrestore.files.contracts.limits import (
    BLANK_SUMMARY,
    DRIZZLE_SUMMARY,
    FAILURE_RATES,
    SHEAR_BIASES,
    STAR_SUMMARY,
)
from galrestore.files.contracts.population import POPULATION_STATISTICS
from galrestore.files.contracts.selection import SELECTION
from galrestore.files.contracts.shapes import COMPARISON
from galrestore.files.contracts.table1 import TABLE1
from galrestore.files.tables import read_table
from galrestore.measurement.claims import gather_claims
from galrestore.measurement.claims_markdown import (
    claims_lines,
    copied_lines,
    render_claims,
    replace_lines,
)
from galrestore.stages.common import add_common_arguments
from galrestore.stages.written_tables import write_thrice

logger = logging.getLogger(__name__)

# Contract by the beginning of a table's name.
_CONTRACTS = {
    "table1": TABLE1,
    "selection": SELECTION,
    "population": POPULATION_STATISTICS,
    "morphology": COMPARISON,
    "photometry": COMPARISON,
    "limits_blanks": BLANK_SUMMARY,
    "limits_drizzle": DRIZZLE_SUMMARY,
    "limits_failures": FAILURE_RATES,
    "limits_shear": SHEAR_BIASES,
    "limits_stars": STAR_SUMMARY,
}
_OUTPUTS = ("PARQUET", "CSV", "MARKDOWN")


def add_arguments(parser):
    """Declare the files of the table, and of its comparison with the README."""
    kinds = parser.add_subparsers(metavar="what", required=True)
    table = kinds.add_parser("table", help="the paper's claims beside the run's figures")
    table.add_argument("--tables", type=Path, nargs="+", required=True, help="Parquet, of the run")
    table.add_argument("--shown", required=True, help="method that stands for the paper's network")
    table.add_argument(
        "--output", type=Path, nargs=len(_OUTPUTS), required=True, metavar=_OUTPUTS, help="files"
    )
    add_common_arguments(table, Present)
    table.set_defaults(make=_table)
    compare = kinds.add_parser("compare", help="whether the README holds the table of a run")
    compare.add_argument("--claims", type=Path, required=True, help="claims.md of the run")
    compare.add_argument("--readme", type=Path, default=Path("README.md"), help="page with a copy")
    compare.add_argument("--write", action="store_true", help="bring the copy up to date")
    compare.set_defaults(make=_compare)


def run(args):
    """Run the stage."""
    args.make(args)


def _table(args):
    tables = {path.stem: read_table(path, _contract(path)) for path in args.tables}
    claims = gather_claims(tables, args.shown)
    if claims.empty:
        raise EmptyError(f"no table holds a figure of {args.shown}")
    write_thrice(args, claims, CLAIMS, render_claims(claims), args.tables)


def _contract(path):
    for name, columns in _CONTRACTS.items():
        if path.stem == name or path.stem.startswith(f"{name}_"):
            return columns
    raise InputError(
        path, "is none of the tables that hold claims", f"give {', '.join(_CONTRACTS)}"
    )


def _compare(args):
    wanted = _read(args.claims, claims_lines)
    found = _read(args.readme, copied_lines)
    if args.write:
        text = replace_lines(args.readme.read_text(encoding="utf-8"), wanted)
        with atomic(args.readme) as part:
            part.write_text(text, encoding="utf-8")
        logger.info("%s holds the %d lines of %s", args.readme, len(wanted), args.claims)
        return
    differing = [line for line in [*wanted, *found] if (line in wanted) != (line in found)]
    if found != wanted:
        first = differing[0] if differing else "the order of the rows"
        problem = f"is out of step with {args.claims} in {len(differing)} lines, first: {first}"
        raise InputError(args.readme, problem, "use --write")
    logger.info("%s is in step with %s", args.readme, args.claims)


def _read(path, pick):
    if not path.is_file():
        raise InputError(path, "does not exist")
    try:
        return pick(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(path, str(error)) from error
