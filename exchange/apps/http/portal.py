"""Puts one app together: its routes, its OpenAPI document, its page to try it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.config.response_cache import ResponseCacheConfig
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme
from litestar.params import FromPath

from exchange.apps.http.answers import HANDLERS
from exchange.apps.http.context import Services, needs_portal

REQUEST_BODY_MAX_BYTES = 16 * 1024 * 1024
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="/assets/swagger-ui.css"></head><body><div id="ui"></div>
<script src="/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({{url: "{url}", dom_id: "#ui", persistAuthorization: true}})</script></body></html>"""
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}


class TryIt(OpenAPIRenderPlugin):
    """Swagger UI from the installed package, so that the page works without the internet."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page around the document beside it."""
        url = self.get_openapi_json_route(request)
        return _PAGE.format(title=openapi_schema["info"]["title"], url=url).encode()


@get("/assets/{name:str}", include_in_schema=False, sync_to_thread=True, cache=False)
def asset(name: FromPath[str]) -> Response[bytes]:
    """A file of the page to try the APIs."""
    kind = _ASSETS.get(name)
    if kind is None:
        return Response(b"", status_code=404, media_type=MediaType.TEXT)
    data = (files("swagger_ui") / "static" / name).read_bytes()
    return Response(data, media_type=kind, headers={"cache-control": "public, max-age=86400"})


def portal(
    *,
    name: str,
    title: str,
    description: str,
    prefix: str,
    routes: Sequence[Any],
    services: Services,
    portal_scope: str | None,
    guarded: bool = True,
) -> Litestar:
    """One app: `routes` with full paths below `prefix`, guarded by `portal_scope` unless a route says otherwise."""
    app = Litestar(
        route_handlers=list(routes),
        openapi_config=openapi(title, description, prefix),
        before_request=needs_portal if guarded else None,
        opt={"portal": portal_scope} if portal_scope else {},
        exception_handlers=HANDLERS,
        request_max_body_size=REQUEST_BODY_MAX_BYTES,
        response_cache_config=ResponseCacheConfig(),
        logging_config=None,
        debug=False,
    )
    app.state.services = services
    app.state.name = name
    return app


def openapi(title: str, description: str, prefix: str) -> OpenAPIConfig:
    """The OpenAPI document's frame, served at `{prefix}/docs` and `{prefix}/docs/openapi.json`."""
    return OpenAPIConfig(
        title=title,
        version="1",
        description=description,
        path=f"{prefix}/docs",
        contact=Contact(name="Corpus Exchange"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        security=[{"bearer": []}],
        render_plugins=[TryIt(path="/"), JsonRenderPlugin(path="/openapi.json")],
        use_handler_docstrings=True,
        # Everybody reads the documents: the app's guard would otherwise ask for a token here too.
        openapi_router=Router(f"{prefix}/docs", route_handlers=[], include_in_schema=False, opt={"portal": None}),
    )
