"""What strangers send: nothing of it is our mistake."""

from __future__ import annotations

import pytest

from tests.support.api import Market

DEEP = b"[" * 20_000 + b"]" * 20_000


@pytest.mark.parametrize("path", ["/supplier/v1/datasets", "/supplier/v1/clients", "/supplier/v1/usage/events"])
async def test_a_body_nested_too_deeply_is_the_senders_mistake(exchange: Market, path: str) -> None:
    supplier = await exchange.join("supplier")
    headers = {**supplier.headers, "idempotency-key": "deep", "content-type": "application/json"}
    answer = await exchange.http.post(path, content=DEEP, headers=headers)
    assert answer.status_code == 400, answer.text


async def test_a_body_that_is_no_utf8_is_the_senders_mistake(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    headers = {**supplier.headers, "idempotency-key": "bytes", "content-type": "application/json"}
    body = b'{"title": {"en": "\xff\xfe"}}'
    answer = await exchange.http.post("/supplier/v1/datasets", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
