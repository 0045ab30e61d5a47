"""The pages that people read, in English and Chinese."""

from __future__ import annotations

from typing import Any

from litestar import Litestar

from exchange.apps.http.context import Services
from exchange.apps.http.portal import REQUEST_BODY_MAX_BYTES, asset
from exchange.apps.web import errors, offers, terms, views


def app(services: Services) -> Litestar:
    """The web app; it has pages and no API, so no OpenAPI document."""
    routes: list[Any] = [*views.ROUTES, *offers.ROUTES, *terms.ROUTES, asset]
    made = Litestar(
        route_handlers=routes,
        openapi_config=None,
        exception_handlers=errors.HANDLERS,
        request_max_body_size=REQUEST_BODY_MAX_BYTES,
        logging_config=None,
        debug=False,
    )
    made.state.services = services
    made.state.name = "web"
    return made
