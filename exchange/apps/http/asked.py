"""What a query may ask of a route: who misspells a filter shall not be shown everything instead."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.params import ParameterKwarg

from exchange.kernel.errors import INVALID_REQUEST, Refused
from exchange.kernel.text import Text

# What the framework hands to a handler by its name, and nobody asks for.
_HANDED = frozenset(("request", "data", "body", "state", "scope", "socket", "headers", "cookies", "query"))
_SHOWN_MAX = 60


def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Refuse a query with a parameter that the route does not know.

    errors   raises Refused(invalid-request), which names those that it knows
    """
    if not request.scope["query_string"]:
        return
    known = parameters_of(request.route_handler) - request.path_params.keys()
    for name in request.query_params:
        if name not in known:
            there, shown = ", ".join(sorted(known)), name[:_SHOWN_MAX]
            raise Refused(
                INVALID_REQUEST(
                    reason=Text(
                        f"this route has no parameter {shown!r}; it has {there or 'none'}",
                        f"此接口没有参数 {shown!r}；可用参数：{there or '无'}",
                    )
                )
            )


def parameters_of(handler: Any) -> set[str]:
    """The names of what a query may ask of a handler, and of the parts of its path."""
    found = set()
    for name, field in handler.parsed_fn_signature.parameters.items():
        defined = field.kwarg_definition
        if name in _HANDED:
            continue
        if isinstance(defined, ParameterKwarg):
            if defined.header or defined.cookie:
                continue
            found.add(defined.query or defined.name or name)
        else:
            found.add(name)
    return found
