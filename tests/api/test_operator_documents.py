"""The OpenAPI documents of five apps: built without a warning, in both languages, with examples."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any, cast

import pytest

from exchange.apps.http.context import Services

_CHINESE = re.compile(r"[一-鿿]")


@pytest.mark.parametrize("name", ["buyer", "operator", "regulator", "oauth", "hooks"])
def test_each_operation_is_explained(name: str) -> None:
    app = importlib.import_module(f"exchange.apps.{name}.app").app(cast(Services, None))
    document: dict[str, Any] = app.openapi_schema.to_schema()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            told = f"{operation.get('summary', '')} {operation.get('description', '')}"
            assert _CHINESE.search(told), f"{verb} {path} says nothing in Chinese"
            assert {"200", "201", "202"} & set(operation["responses"])
            if verb == "post":
                assert "requestBody" in operation or path.endswith(_WITHOUT_BODY), f"{path} shows no body"
    assert '"examples"' in json.dumps(document)


_WITHOUT_BODY = (
    "/money-proofs",
    "/payment-methods/{payment_method}/default",
    "/payment-methods/{payment_method}/removal",
    "/adoption",
    "/webhooks/{webhook}/test",
    "/fee",
    "/escalation",
    "/waiver",
    "/redelivery/acceptance",
    "/credit-orders/{order}/payment",
    "/bank-accounts/{account}/closing",
    "/release",
    "/bank-rejection",
    "/activation",
    "/missing/issue",
    "/reconciliation/runs",
    "/booking",
    "/revocation",
    "/erasure",
    "/removal",
    "/cancellation",
    "/end",
    "/tokens",
    "/retry",
    "/resending",
    "/lifting",
    "/resumption",
    "/escrow",
    "/milestones/{milestone}/acceptance",
    "/guarantee",
    "/retirement",
    "/withdrawal",
    "/orders/{order}/acceptance",
    "/weight-vectors/{vector}/measurement",
    "/directive-notices/{directive_notice}/acknowledgement",
)
