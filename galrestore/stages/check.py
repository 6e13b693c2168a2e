"""Stage ``check``: results in, a report of the checks out."""

from pathlib import Path

from galrestore.checks.session import run_checks


def add_arguments(parser):
    """Declare the stage's files."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results")
    parser.add_argument(
        "--files", type=Path, nargs="+", help="files of the run (default: all results)"
    )
    parser.add_argument("--report", type=Path, required=True, help="JUnit report")


def run(args):
    """Run the stage."""
    run_checks(args.results, args.report, args.files)
