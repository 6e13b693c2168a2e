"""Pages from their templates."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["render_making", "render_page", "render_table"]


def render_table(title, body):
    """
    Make a page of one table.

    Parameters
    ----------
    title : str
        Title of the window.
    body : str
        HTML of the table and what is said about it.

    Returns
    -------
    html : str
        The page.
    """
    return _render("table.html", title=title, body=Markup(body))


def render_making(making):
    """
    Make a page of what made a run.

    Parameters
    ----------
    making : Making
        Stages, settings and software.

    Returns
    -------
    html : str
        The page.
    """
    return _render("provenance.html", making=making)


def render_page(**content):
    """
    Make the page of a run that is sent to others.

    Parameters
    ----------
    **content : object
        What ``page.html`` names: ``sky`` (doors of the mosaics), ``headlines``, ``galaxies``,
        ``method``, ``table1``, ``more_of_table1`` and ``claims`` (HTML), ``figures`` (entry,
        name, caption, data URI, width, height), ``making`` and ``record`` (provenance as JSON).

    Returns
    -------
    html : str
        The page.

    Raises
    ------
    jinja2.UndefinedError
        If something that the template names is missing.
    """
    for name in ("table1", "more_of_table1", "claims"):
        content[name] = Markup(content[name])
    content["record"] = Markup(content["record"].replace("<", "\\u003c"))
    return _render("page.html", **content, script=_file("page.js"))


@cache
def _environment():
    return Environment(
        loader=PackageLoader("galrestore.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(name, **content):
    html = _environment().get_template(name).render(**content, style=_file("page.css"))
    return html.replace(" ± ", "\u00a0±\u00a0")  # a number and its error stay on one line


def _file(name):
    """Style or script: text of the package, not of a run."""
    return Markup(files("galrestore.page").joinpath("templates", name).read_text("utf-8"))
