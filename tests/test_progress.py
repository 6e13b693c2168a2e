"""Progress: lines or a bar, items unchanged, and what is said behind the numbers."""

import logging
import sys

import pytest

from galrestore import progress


@pytest.fixture
def every_item(monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)


def test_lines_count_and_tell_the_detail(every_item, monkeypatch, caplog):
    monkeypatch.setenv("GALRESTORE_PROGRESS", "lines")
    details = iter(["loss 3", "loss 2", "loss 1"])
    with caplog.at_level(logging.INFO, "galrestore"):
        seen = list(progress.track("abc", "work", detail=lambda: next(details)))
    assert seen == ["a", "b", "c"]
    assert [r.getMessage().split(", ")[::2] for r in caplog.records] == [
        ["work: 1 of 3", "loss 3"],
        ["work: 2 of 3", "loss 2"],
        ["work: 3 of 3", "loss 1"],
    ]


def test_a_bar_tells_the_detail(monkeypatch, capsys):
    monkeypatch.setenv("GALRESTORE_PROGRESS", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(progress.track(range(3), "work", detail=lambda: "loss 0.5")) == [0, 1, 2]
    assert "3/3" in capsys.readouterr().err
