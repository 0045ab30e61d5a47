"""Pages for people: Jinja templates in the reader's language, without scripts."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import Request, Response

from exchange.kernel.text import LANGUAGES, LocaleMap, Text, accepted, pick

# A page needs no script, no frame and nothing from elsewhere, so that the browser may refuse all of it.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SIZES = ("B", "KB", "MB", "GB", "TB")


def language_of(request: Request[Any, Any, Any]) -> str:
    """The language asked for by `?lang=`, else by Accept-Language."""
    wanted: str | None = request.query_params.get("lang")
    return wanted if wanted in LANGUAGES else accepted(request.headers.get("accept-language"))


def render(
    request: Request[Any, Any, Any], template: str, *, status: int = 200, cache: str = "no-cache", **values: Any
) -> Response[bytes]:
    """A page: `template` in the reader's language."""
    language = language_of(request)
    words: dict[str, Any] = {
        "lang": language,
        "path": request.url.path,
        "say": partial(_say, language),
        "tr": partial(_tr, language),
        "url": partial(_url, request.query_params.get("lang") in LANGUAGES, language),
        "other": _switch(request, language),
        "when": partial(_when, language),
    }
    body = environment().get_template(template).render({**words, **values}).encode()
    headers = {
        "content-language": language,
        "vary": "Accept-Language",
        "cache-control": cache,
        "content-security-policy": _POLICY,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }
    return Response(body, status_code=status, media_type="text/html", headers=headers)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of every app, escaped by default; a name that is missing is a mistake and not a blank."""
    loader = ChoiceLoader([PackageLoader("exchange.apps.http"), PackageLoader("exchange.apps.web")])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["size"] = size
    return made


def size(count: int) -> str:
    """Bytes as people read them: 1,536 -> 1.5 KB."""
    value = float(count)
    for unit in _SIZES:
        if value < 1000 or unit == _SIZES[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes everything")


def _say(language: str, texts: LocaleMap | Text) -> str:
    return texts.in_(language) if isinstance(texts, Text) else pick(texts, [language])


def _tr(language: str, english: str, chinese: str) -> str:
    return chinese if language == "zh" else english


def _url(keep: bool, language: str, path: str, **query: str) -> str:
    """A link that keeps the language once the reader chose one by hand."""
    asked = {name: value for name, value in query.items() if value}
    if keep:
        asked["lang"] = language
    return f"{path}?{urlencode(asked)}" if asked else path


def _switch(request: Request[Any, Any, Any], language: str) -> str:
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return f"{request.url.path}?{urlencode([*pairs, ('lang', 'en' if language == 'zh' else 'zh')])}"


def _when(language: str, at: datetime | None) -> str:
    if at is None:
        return "—"
    return f"{at.year} 年 {at.month} 月 {at.day} 日" if language == "zh" else f"{at.day} {at:%B} {at.year}"
