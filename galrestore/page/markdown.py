"""Tables of a run, written as Markdown, in HTML and in reStructuredText."""

import re
from itertools import pairwise

from markdown_it import MarkdownIt

__all__ = ["escape_rst", "first_paragraph", "to_html"]


def to_html(text, first_level=1):
    """
    Turn a page of Markdown into a piece of HTML.

    Parameters
    ----------
    text : str
        Markdown with tables; HTML in it is shown, not obeyed.
    first_level : int, optional
        Level of the highest heading.

    Returns
    -------
    html : str
        Wide tables scroll within themselves, with the keyboard, too.
    """
    parser = _parser()
    tokens = parser.parse(text)
    for token in tokens:
        if token.type.startswith("heading_"):
            token.tag = f"h{min(6, int(token.tag[1]) + first_level - 1)}"
    html = parser.renderer.render(tokens, parser.options, {})
    opening = '<div class="wide" role="region" aria-label="table" tabindex="0">\n<table>'
    return html.replace("<table>", opening).replace("</table>", "</table>\n</div>")


def first_paragraph(text):
    """
    Pick the first paragraph of a page of Markdown.

    Parameters
    ----------
    text : str
        Markdown.

    Returns
    -------
    paragraph : str
        Its text without marks, on one line; empty where there is none.
    """
    tokens = _parser().parse(text)
    for before, token in pairwise(tokens):
        if before.type == "paragraph_open" and before.level == 0:
            parts = (" " if part.type == "softbreak" else part.content for part in token.children)
            return "".join(parts)
    return ""


def escape_rst(text):
    """
    Write text such that neither Jinja nor reStructuredText sees marks in it.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    escaped : str
        The text on one line, a backslash before each sign of ASCII.
    """
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _parser():
    return MarkdownIt("commonmark", {"html": False}).enable("table")
