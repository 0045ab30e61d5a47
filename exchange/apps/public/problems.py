"""The page behind each problem's `type`: what it means and what to do."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.params import FromPath
from msgspec import Meta

from exchange.apps.http.answers import Asked
from exchange.apps.http.documented import show
from exchange.apps.http.pages import render
from exchange.apps.http.wire import Texts
from exchange.kernel.errors import NOT_FOUND, Refused, problem_types

_CACHE = "public, max-age=3600"


class ProblemPage(msgspec.Struct, frozen=True):
    """A kind of refusal in both languages; `{names}` stand for the facts of a case."""

    type: Annotated[str, Meta(examples=["/problems/not-found"])]
    status: Annotated[int, Meta(examples=[404])]
    title: Texts
    detail: Texts
    remedy: Texts


@show("/problems/{slug:str}", ProblemPage, 404)
async def read_problem(request: Asked, slug: FromPath[str]) -> Response[Any]:
    """What a problem means and what to do: a page for people, JSON for programs. 错误说明。"""
    one = problem_types().get(slug)
    if one is None:
        raise Refused(NOT_FOUND())
    if "text/html" in request.headers.get("accept", ""):
        return render(request, "problem.html", cache=_CACHE, problem=one, status_code=int(one.kind))
    page = ProblemPage(f"/problems/{one.slug}", int(one.kind), one.title.map(), one.detail.map(), one.remedy.map())
    return Response(page, headers={"cache-control": _CACHE, "vary": "Accept"})


ROUTES = (read_problem,)
