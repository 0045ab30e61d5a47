"""Refusals as pages."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from exchange.apps.http.answers import Asked
from exchange.apps.http.pages import language_of, render
from exchange.kernel import errors
from exchange.kernel.errors import Problem, Refused

_LOG = structlog.get_logger("http")


def on_refused(request: Asked, error: Refused) -> Response[bytes]:
    """Show a problem that a page raised."""
    return _page(request, error.problem)


def on_http_error(request: Asked, error: HTTPException) -> Response[bytes]:
    """Show what the framework refused."""
    if error.status_code >= 500:
        return on_defect(request, error)
    if error.status_code == 405:
        return _page(request, errors.METHOD_NOT_ALLOWED())
    if error.status_code == 404:
        return _page(request, errors.NOT_FOUND())
    return _page(request, errors.INVALID_REQUEST(reason=error.detail.rstrip(".")))


def on_defect(request: Asked, error: Exception) -> Response[bytes]:
    """Show our own mistake without a word of its inside; the log has it whole."""
    _LOG.error("defect", path=request.url.path, request_id=request.scope.get("request_id", ""), exc_info=error)
    return _page(request, errors.DEFECT())


def _page(request: Asked, problem: Problem) -> Response[bytes]:
    language = language_of(request)
    return render(
        request,
        "error.html",
        status=int(problem.type.kind),
        cache="no-store",
        problem=problem.type,
        detail=problem.detail(language),
        remedy=problem.remedy(language),
        request_id=request.scope.get("request_id", ""),
    )


HANDLERS: dict[Any, Any] = {Refused: on_refused, HTTPException: on_http_error, Exception: on_defect}
