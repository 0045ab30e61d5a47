"""A dataset says what it was made of; terms that do not fit are refused with their clauses, doubts are said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import Market, Party
from tests.support.trade import CONTENT, DATASET, SUMMARY, TITLE, measured, offer_document, uploaded

BLOG = {"url": "https://corpora.example/blog", "spdx": "CC-BY-NC-4.0", "how": "derive"}
WIKI = {"url": "https://corpora.example/wiki", "spdx": "CC-BY-SA-4.0", "how": "derive"}
CODE = {"url": "https://corpora.example/code", "spdx": "GPL-3.0-only", "how": "bundle"}
OWN = {"purposes": ["pretrain"], "commercial": True, "territory": "*", "duration": None}
PAID = {
    "url": "https://corpora.example/paid",
    "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "own": OWN},
    "how": "bundle",
}


async def registered(market: Market, supplier: Party, *upstreams: dict[str, Any], licence: str = "MIT") -> str:
    wish = {**DATASET, "licence": licence, "derived_from": list(upstreams)}
    return str((await market.done(supplier, "/supplier/v1/datasets", wish))["id"])


def under(expression: str) -> dict[str, Any]:
    return {**offer_document(), "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": expression}}


async def test_what_a_dataset_was_made_of_is_kept_and_shown(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = await registered(exchange, supplier, BLOG, PAID)
    shown = (await exchange.get(supplier, f"/supplier/v1/datasets/{dataset}")).json()
    assert shown["derived_from"] == [BLOG, PAID]
    plain = await registered(exchange, supplier)
    shown = (await exchange.get(supplier, f"/supplier/v1/datasets/{plain}")).json()
    assert shown["derived_from"] == []
    answer = (await exchange.get(supplier, f"/supplier/v1/datasets/{plain}/compatibility")).json()
    assert answer["verdict"] == "compatible"


@pytest.mark.parametrize(
    ("upstream", "slug", "said"),
    [
        ({**WIKI, "listing": "lst_01m80jwmabesg81hwe4cc73nw9"}, "dataset-invalid", "listing or url"),
        ({"url": "https://a.example", "how": "derive"}, "dataset-invalid", "spdx or terms"),
        ({**WIKI, "url": "file:///etc"}, "dataset-invalid", "address"),
        ({**WIKI, "spdx": "No-Such-Licence"}, "upstream-terms-wrong", "SPDX"),
        (
            {"listing": "lst_01m80jwmabesg81hwe4cc73nw9", "spdx": "MIT", "how": "bundle"},
            "upstream-terms-wrong",
            "listing",
        ),
        (
            {"url": "https://a.example", "terms": {"type": "terms"}, "how": "bundle"},
            "upstream-terms-wrong",
            "/v is missing",
        ),
    ],
)
async def test_upstreams_that_say_too_little_are_refused(
    exchange: Market, upstream: dict[str, Any], slug: str, said: str
) -> None:
    supplier = await exchange.join("supplier")
    answer = await exchange.post(supplier, "/supplier/v1/datasets", {**DATASET, "derived_from": [upstream]})
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(slug)
    assert said in answer.json()["detail"]


async def test_each_upstream_is_held_against_the_licence(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    unread = {"url": "https://a.example/b", "spdx": "LicenseRef-Somebodys-1", "how": "bundle"}
    dataset = await registered(exchange, supplier, BLOG, WIKI, CODE, PAID, unread, licence="CC-BY-SA-4.0")
    answer = (await exchange.get(supplier, f"/supplier/v1/datasets/{dataset}/compatibility")).json()
    assert answer["verdict"] == "incompatible"
    (licence,) = answer["terms"]
    assert licence["of"] == "licence"
    assert [one["verdict"] for one in licence["upstreams"]] == [
        "incompatible",
        "compatible",
        "unknown",
        "unknown",
        "unknown",
    ]
    (commercial,) = [c for c in licence["upstreams"][0]["clauses"] if c["rule"] == "commercial"]
    assert "CC-BY-NC-4.0" in commercial["upstream"]["en"]
    assert "商业" in commercial["dataset"]["zh"]
    assert [one["duty"] for one in licence["upstreams"][1]["duties"]] == ["attribution", "share_alike", "keep_notices"]
    other = await exchange.join("supplier")
    assert (await exchange.get(other, f"/supplier/v1/datasets/{dataset}/compatibility")).status_code == 404


async def test_an_offer_that_conflicts_is_refused_and_a_doubtful_one_is_noted(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = await registered(exchange, supplier, WIKI, CODE)
    upload = await uploaded(exchange, supplier, dataset, "poems.jsonl", CONTENT)
    revision, _ = await measured(exchange, supplier, dataset, upload)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await exchange.done(supplier, "/supplier/v1/listings", wish))["id"]
    offers = f"/supplier/v1/listings/{listing}/offers"
    refused = await exchange.post(supplier, offers, {"code": "all", "document": under("MIT")})
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("upstream-terms-conflict")
    assert "CC-BY-SA-4.0" in refused.json()["detail"]
    assert "corpora.example/wiki" in refused.json()["detail"]
    made = await exchange.done(supplier, offers, {"code": "all", "document": under("CC-BY-SA-4.0")})
    assert any("GPL-3.0-only" in note["en"] and "GPL-3.0-only" in note["zh"] for note in made["notes"])
    answer = (await exchange.get(supplier, f"/supplier/v1/datasets/{dataset}/compatibility")).json()
    assert [one["of"] for one in answer["terms"]] == ["licence", made["id"]]
    assert [one["verdict"] for one in answer["terms"]] == ["incompatible", "unknown"]
