"""Pages: links lead somewhere, commands and stages that they name exist."""

import re
from pathlib import Path

import pytest

from galrestore.cli import STAGES

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "galrestore/weights/README.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    text = page.read_text()
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost
    named = re.findall(r"`((?:docs|benchmarks|config|profiles|envs)/[\w/.]+\.\w+)`", text)
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    commands = re.findall(r"^    (?:python -m )?galrestore (\w+)", page.read_text(), re.M)
    assert not set(commands) - set(STAGES)
