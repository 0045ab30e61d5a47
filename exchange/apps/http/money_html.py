"""A paper about money as a page of its own: no script, no file beside it, so that it can be kept and printed."""

from __future__ import annotations

import base64
import hashlib
from functools import partial

from markupsafe import Markup

from exchange.apps.http.pages import environment
from settlement.paper.sheet import Block, Sheet

# The colours of the site; on paper the page's own margins do.
STYLE = (
    ":root{--ink:#16202b;--soft:#52606d;--line:#dfe4ea;--brand:#0b5c54;--tint:#f4f6f8}"
    "*{box-sizing:border-box}body{margin:0;color:var(--ink);background:#fff;line-height:1.5;font-size:.95rem;font-family:"
    'system-ui,-apple-system,"Segoe UI","PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC",sans-serif}'
    "main{max-width:52rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}h1{font-size:1.8rem;margin:.2rem 0}"
    ".brand{color:var(--brand);font-weight:650;margin:0}.no{margin:0;color:var(--soft);font-variant-numeric:tabular-nums}"
    "h2{font-size:1rem;margin:1.8rem 0 .4rem}.boxes{display:grid;grid-template-columns:1fr 1fr;gap:2rem}"
    ".boxes p{margin:0;overflow-wrap:anywhere}dl{margin:1.8rem 0 0;padding:.7rem .9rem;background:var(--tint);display:grid;"
    "grid-template-columns:1fr 1fr;gap:.35rem 2rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;overflow-wrap:anywhere}"
    "table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "thead{display:table-header-group}thead th{border-bottom:2px solid var(--line);color:var(--soft);font-size:.85rem;"
    "font-weight:500;text-align:left}th,td{padding:.3rem .5rem .3rem 0;vertical-align:top}td:last-child,th:last-child{"
    "padding-right:0}tbody{border-bottom:1px solid var(--line);break-inside:avoid}th.a,td.a{text-align:right;"
    "white-space:nowrap}.b td{color:var(--soft);font-size:.85rem;padding-top:0;overflow-wrap:anywhere}"
    ".sums{width:auto;min-width:60%;margin-left:auto}.sums tbody{border:0}.sums th{text-align:left;font-weight:400;"
    "padding-right:1.5rem}.sums .h{color:var(--soft);font-size:.85rem;text-align:right}"
    ".s th,.s td.a{font-weight:650;border-top:1px solid var(--line)}.s td{border-top:1px solid var(--line)}"
    ".t{margin:.2rem 0;color:var(--soft);overflow-wrap:anywhere}@media(max-width:38rem){.boxes,dl{grid-template-columns:1fr}}"
    "@page{size:A4;margin:18mm}@media print{body{font-size:9.5pt}main{padding:0;max-width:none}h2{break-after:avoid}"
    "dl{background:none;border:1px solid var(--line)}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# A browser may refuse everything but this one style.
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def html(sheet: Sheet) -> bytes:
    """The paper as HTML; the same paper gives the same bytes."""
    values = {
        "sheet": sheet,
        "style": Markup(STYLE),  # noqa: S704 - a constant of ours
        "kind": _kind,
        "tr": partial(_tr, sheet.language),
    }
    return environment().get_template("money.html").render(values).encode()


def _kind(block: Block) -> str:
    return type(block).__name__


def _tr(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english
