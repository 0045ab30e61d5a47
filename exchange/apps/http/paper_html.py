"""An agreement's paper as a page of its own: no script, no file beside it, so that it can be kept and printed."""

from __future__ import annotations

import base64
import hashlib
from functools import partial

from markupsafe import Markup

from contracts.paper import Paper
from exchange.apps.http.pages import environment
from exchange.kernel.text import Text

# The colours and measures of the site.
STYLE = (
    ":root{--ink:#16202b;--soft:#52606d;--line:#dfe4ea;--brand:#0b5c54;--bad:#a4262c;--good:#0a6b3d;--warn:#8a5a00}"
    "*{box-sizing:border-box}body{margin:0;color:var(--ink);background:#fff;line-height:1.6;font-family:system-ui,"
    '-apple-system,"Segoe UI","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif}'
    "main{max-width:46rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}h1{font-size:1.8rem;margin:.2rem 0 .6rem}"
    "h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.25rem}"
    ".brand{color:var(--brand);font-weight:650;margin:0}.by{color:var(--soft);font-size:.85rem}"
    "code{font-family:ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}ol{list-style:none;margin:0;padding:0}"
    "li{display:grid;grid-template-columns:3rem 1fr;gap:.5rem;padding:.15rem 0;break-inside:avoid}"
    ".n{color:var(--soft);font-variant-numeric:tabular-nums}.t{overflow-wrap:anywhere}.may .n{color:var(--good)}"
    ".may_not .n,.missing .t{color:var(--bad)}.must .n,.unclear .n{color:var(--warn)}@media print{main{padding:0}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# A browser may refuse everything but this one style.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def html(paper: Paper, language: str) -> bytes:
    """The paper as HTML in one language; the same paper gives the same bytes."""
    values = {
        "paper": paper,
        "lang": language,
        "style": Markup(STYLE),  # noqa: S704 - a constant of ours
        "say": partial(_say, language),
        "tr": partial(_tr, language),
    }
    return environment().get_template("paper.html").render(values).encode()


def _say(language: str, text: Text) -> str:
    return text.in_(language)


def _tr(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
