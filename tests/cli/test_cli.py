"""Dispatch, help and exit codes of the command line."""

import subprocess
import sys

import pytest

from galrestore.cli import STAGES, main


def test_without_a_stage_the_stages_are_listed(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for stage in STAGES:
        assert stage in text


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_explains_itself(stage, capsys):
    with pytest.raises(SystemExit) as stop:
        main([stage, "--help"])
    assert stop.value.code == 0
    assert STAGES[stage][1:] in capsys.readouterr().out


def test_unknown_stage_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["restor"])
    assert stop.value.code == 2
    assert "restor" in capsys.readouterr().err


def test_bad_settings_name_the_key(capsys):
    with pytest.raises(SystemExit, match="threshold = -1"):
        main(
            ["select", "--settings", '{"threshold": -1}', "--seed", "1", "--tile", "512"]
            + ["--manifest", "a", "--catalogue", "b", "--stamps", "c", "--stars", "d"]
        )


def test_missing_input_is_one_line_and_status_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "galrestore", "gather"]
        + ["--shards", tmp_path / "none.parquet", "--output", tmp_path / "out.parquet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        f"gather: error: {tmp_path / 'none.parquet'}: does not exist"
    ]
    assert list(tmp_path.iterdir()) == []
