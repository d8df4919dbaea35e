"""How sphinx builds the site: `make docs`."""

import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx

import alliance_bayes as ab

ROOT = Path(__file__).resolve().parents[1]


def version_of_the_code() -> str:
    """Digest of what executed blocks run: with other code they are executed again, never read from the cache."""
    digest = hashlib.sha256()
    for file in sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "models").glob("*.toml")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


project = "alliance_bayes"
author = "The alliance_bayes developers"
copyright = "The alliance_bayes developers"  # noqa: A001
release = version = ab.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "docs" / "_build" / "executed" / version_of_the_code())
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_output_stderr = "remove"
nb_merge_streams = True

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "alliance_bayes"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "navigation_depth": 1,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_static_path = ["_static"]
html_css_files = ["site.css"]


def without_pages_not_written(app: Sphinx, page: str, source: list[str]) -> None:
    """Leave names of pages that are not there out of the contents."""
    if page in ("reference", "trust"):
        pages = {file.stem for file in (ROOT / "docs").glob("*.md")}
        source[0] = re.sub(r"^([a-z_]+)\n", lambda line: line[0] if line[1] in pages else "", source[0], flags=re.M)


def setup(app: Sphinx) -> None:
    """Connect what is done to a page before it is read."""
    app.connect("source-read", without_pages_not_written)
