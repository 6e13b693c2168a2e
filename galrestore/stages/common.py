"""What all stages share: their common arguments, provenance and shards."""

from galrestore.config import section_from_json
from galrestore.errors import SettingsError
from galrestore.provenance import Provenance, fingerprint, sha256_of

__all__ = ["add_common_arguments", "argument", "provenance", "shard_rows"]


def add_common_arguments(parser, model):
    """
    Declare settings, seed and code fingerprint of a stage.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of the stage.
    model : type of Section
        Settings model of the stage.
    """
    parser.add_argument(
        "--settings", type=argument(section_from_json(model)), required=True, help="JSON"
    )
    parser.add_argument("--seed", type=int, required=True, help="seed of the run")
    parser.add_argument("--code", default=None, help="fingerprint of the code (default: computed)")


def argument(parse):
    """Let a parser's `SettingsError` pass through argparse unchanged."""

    def checked(text):
        try:
            return parse(text)
        except SettingsError as error:
            # argparse turns ValueError into a message that hides the reason.
            raise SystemExit(f"galrestore: error: {error}") from None

    return checked


def provenance(args, inputs):
    """
    Return the record of a stage's outputs.

    Parameters
    ----------
    args : argparse.Namespace
        Arguments of the stage.
    inputs : sequence of Path
        Files the stage read; hashed here.

    Returns
    -------
    record : Provenance
        To be stored in each output.
    """
    return Provenance(
        stage=args.stage,
        code=args.code or fingerprint(f"stages.{args.stage}"),
        settings=args.settings.model_dump_json(),
        seed=args.seed,
        inputs={str(path): sha256_of(path) for path in inputs},
    )


def shard_rows(shard, count):
    """
    Return the rows that one shard works on.

    Parameters
    ----------
    shard : str
        ``"k-of-n"`` with k from 1, as Snakemake's scatter items are named.
    count : int
        Rows in all.

    Returns
    -------
    rows : slice
        Consecutive rows; the shards of one n cover all rows in order.

    Raises
    ------
    SettingsError
        If the text is not of that form.
    """
    try:
        k, n = (int(part) for part in shard.split("-of-"))
    except ValueError:
        raise SettingsError("shard", shard, "must look like 1-of-4") from None
    if not 1 <= k <= n:
        raise SettingsError("shard", shard, "must lie between 1-of-n and n-of-n")
    return slice((k - 1) * count // n, k * count // n)
