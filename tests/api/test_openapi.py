"""Each app's own OpenAPI document, as it is served: whole, with examples, equal to the committed one, with a page to try it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from exchange import main
from exchange.apps.http.asked import parameters_of
from exchange.apps.http.root import Root
from tests.support.api import Market, market
from tests.support.clones import Clones
from tools import routes

pytestmark = pytest.mark.xdist_group("openapi")
PREFIXES = {
    "public": "/catalog/v1",
    "oauth": "/oauth2",
    "hooks": "/hooks",
    **{name: f"/{name}/v1" for name in ("supplier", "buyer", "assessor", "regulator", "operator", "data")},
}
COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest_asyncio.fixture(scope="module")
async def exchange(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Market]:
    """All apps on a socket."""
    url = await clones.make()
    async with market(url, tmp_path_factory.mktemp("openapi")) as made:
        yield made
    await clones.drop(url)


@pytest.fixture(scope="module")
def composed(exchange: Market) -> Root:
    """The apps as a process composes them: made once, for it takes seconds and is only read."""
    return main.root(exchange.services)


@pytest.fixture(params=sorted(PREFIXES))
def name(request: pytest.FixtureRequest) -> str:
    """Each app in turn."""
    return str(request.param)


async def _document(exchange: Market, name: str) -> dict[str, Any]:
    answer = await exchange.http.get(f"{PREFIXES[name]}/docs/openapi.json")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_no_app_is_forgotten() -> None:
    assert set(PREFIXES) == set(routes.APPS) == {path.stem for path in COMMITTED.glob("*.json")}


async def test_the_served_document_is_the_committed_one(exchange: Market, name: str) -> None:
    """A change of an API is a change of a committed file: `python -m tools.reference` writes it, a reviewer reads it."""
    committed = json.loads((COMMITTED / f"{name}.json").read_text(encoding="utf-8"))
    served = await _document(exchange, name)
    assert set(served["paths"]) == set(committed["paths"])
    assert served == committed


async def test_the_page_to_try_it_needs_nothing_from_outside(exchange: Market, name: str) -> None:
    page = await exchange.http.get(f"{PREFIXES[name]}/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    wanted = re.findall(r'(?:src|href|url:)\s*=?\s*"([^"]+)"', page.text)
    assert f"{PREFIXES[name]}/docs/openapi.json" in wanted
    for address in wanted:
        assert address.startswith("/"), f"{address} is not ours"
        loaded = await exchange.http.get(address)
        assert (loaded.status_code, len(loaded.content) > 1000) == (200, True), address


async def test_the_document_is_whole(exchange: Market, name: str) -> None:
    document = await _document(exchange, name)
    assert document["openapi"].startswith("3.1")
    known = {f"#/components/{kind}/{one}" for kind, ones in document["components"].items() for one in ones}
    assert {ref for ref in _values(document, "$ref") if ref not in known} == set()
    operations = list(_operations(document))
    doubled = [one for one, count in Counter(op["operationId"] for _, _, op in operations).items() if count > 1]
    assert doubled == []
    for method, path, operation in operations:
        here = f"{method.upper()} {path}"
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path)), here
        assert any(status.startswith("2") for status in operation["responses"]), here
        said = f"{operation.get('summary', '')} {operation.get('description', '')}"
        assert _HAN.search(said), f"{here} says nothing in Chinese"
        assert re.search(r"[A-Za-z]{3}", said), f"{here} says nothing in English"


async def test_commands_ask_for_a_key_and_show_examples(exchange: Market, name: str) -> None:
    document = await _document(exchange, name)
    assert list(_values(document, "examples")) or list(_values(document, "example"))
    bare = []
    for method, path, operation in _operations(document):
        if (
            method != "post"
            or name in ("public", "oauth", "hooks")
            or path.endswith(
                (
                    "/signing-keys/draft",
                    "/simulations",
                    "/plans/check",
                    "/plans/preview",
                    "/terms/check",
                    "/data-contracts/check",
                    "/split-rules/check",
                    "/split-rules/simulation",
                )
            )
        ):
            continue
        headers = {one["name"].lower() for one in operation.get("parameters", []) if one["in"] == "header"}
        assert "idempotency-key" in headers, path
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if not _has_example(document, media, set()):
                bare.append(path)
    assert bare == []


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def _values(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, below in value.items():
            if key == name:
                yield below
            yield from _values(below, name)
    elif isinstance(value, list):
        for below in value:
            yield from _values(below, name)


def _has_example(document: dict[str, Any], value: Any, seen: set[str]) -> bool:
    if any(True for _ in _values(value, "examples")) or any(True for _ in _values(value, "example")):
        return True
    for ref in _values(value, "$ref"):
        if ref not in seen:
            seen.add(ref)
            _, _, kind, one = ref.split("/")
            if _has_example(document, document["components"][kind][one], seen):
                return True
    return False


@pytest.mark.parametrize("name", ["supplier", "buyer", "assessor", "regulator", "operator"])
def test_what_a_query_may_ask_is_what_the_document_says(composed: Root, name: str) -> None:
    """Whatever else is asked is refused in the portals: nothing documented may be."""
    served = next(
        one for one in (getattr(each, "app", each) for each in composed._apps.values()) if one.state.name == name
    )
    paths = served.openapi_schema.to_schema()["paths"]
    compared = 0
    for route in served.routes:
        for handler in getattr(route, "route_handlers", ()):
            template = re.sub(r":\w+}", "}", route.path)
            for method in {one.lower() for one in handler.http_methods} & {"get", "post"}:
                documented = paths.get(template, {}).get(method)
                if documented is not None:
                    said = documented.get("parameters", ())
                    there = {one["name"] for one in said if one["in"] == "query"}
                    assert parameters_of(handler) - set(route.path_parameters) == there, f"{method} {route.path}"
                    compared += 1
    assert compared
