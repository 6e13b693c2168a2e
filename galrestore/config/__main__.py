"""Rewrite ``config/schema.json`` and ``config/README.md`` from the models."""

from pathlib import Path

from galrestore.config.documentation import readme, schema
from galrestore.files.atomic import atomic

FOLDER = Path(__file__).resolve().parents[2] / "config"

for name, text in (("schema.json", schema()), ("README.md", readme())):
    with atomic(FOLDER / name) as part:
        part.write_text(text, encoding="utf-8")
