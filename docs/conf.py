"""The documentation site: Sphinx, Markdown by MyST, the theme furo. It builds without a network."""

from __future__ import annotations

project = "Corpus Exchange"
author = "The Corpus Exchange authors"
copyright = "The Corpus Exchange authors, Apache-2.0"
html_title = "Corpus Exchange 语料交易所"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
language = "en"
html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
suppress_warnings = ["misc.highlighting_failure"]
