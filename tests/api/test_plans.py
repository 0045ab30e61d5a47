"""The library of plans over HTTP: YAML and JSON, versions, checks, offers by reference, the public price and its page."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from exchange.apps.supplier.plans import DOCUMENT
from tests.api.test_web_pages import Page
from tests.support.api import Market, Party
from tests.support.trade import offer_document, on_sale

TITLE = {"en": "Records by the month", "zh": "按月计费"}
YAML = """\
code: monthly
title: {en: Records by the month, zh: 按月计费}
document:
  type: plan
  v: 1
  currency: CNY
  components:
    - {id: base, meter: null, period: month, model: {type: flat, amount: 300}}
    - id: use
      meter: records
      period: month
      model:
        type: graduated
        tiers:
          - {up_to: 100000, unit_price: 0.004}
          - {unit_price: 0.0030}
  price_lists:
    - currency: USD
      models:
        base: {type: flat, amount: 42}
        use: {type: per_unit, unit_price: 0.00055}
    - buyer_class: academic
      models:
        base: {type: flat, amount: 100}
"""
REF = {"type": "plan_ref"}


async def post_yaml(m: Market, party: Party, path: str, text: str, key: str = "yaml") -> httpx.Response:
    headers = {**party.headers, "content-type": "application/yaml; charset=utf-8", "idempotency-key": key}
    return await m.http.post(path, content=text.encode(), headers=headers)


async def test_a_plan_is_written_in_yaml_and_is_the_same_in_json(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    made = await post_yaml(exchange, supplier, "/supplier/v1/plans", YAML)
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["code"]) == (1, "monthly")
    plan = (await exchange.get(supplier, f"/supplier/v1/plans/{made.json()['id']}")).json()
    # What was written without quotes is kept as it was written, digit for digit.
    assert plan["document"]["components"][1]["model"]["tiers"][1] == {"unit_price": "0.0030"}
    assert plan["document"]["components"][0]["model"]["amount"] == "300"
    assert (plan["title"], plan["standing"], plan["sha256"]) == (TITLE, "current", made.json()["sha256"])
    wish = {"code": "monthly", "title": TITLE, "document": plan["document"]}
    again = await exchange.post(supplier, "/supplier/v1/plans", wish)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/plan-unchanged")
    replayed = await post_yaml(exchange, supplier, "/supplier/v1/plans", YAML)
    assert (replayed.status_code, replayed.json()) == (201, made.json())


async def test_versions_follow_one_another_and_a_retired_one_is_not_used(exchange: Market) -> None:
    sold = await on_sale(exchange)
    supplier = sold.supplier
    first = (await post_yaml(exchange, supplier, "/supplier/v1/plans", YAML, "1")).json()
    second = (await post_yaml(exchange, supplier, "/supplier/v1/plans", YAML.replace("300}", "320}"), "2")).json()
    assert (first["version"], second["version"]) == (1, 2)
    listed = (await exchange.get(supplier, "/supplier/v1/plans")).json()["items"]
    assert [(one["id"], one["standing"]) for one in listed] == [(second["id"], "current"), (first["id"], "superseded")]
    offers = f"/supplier/v1/listings/{sold.listing}/offers"
    document = {**offer_document("subscription"), "plan": {**REF, "id": second["id"]}}
    made = await exchange.done(supplier, offers, {"code": "monthly", "document": document})
    kept = (await exchange.get(supplier, offers)).json()["items"]
    stored = next(one["document"] for one in kept if one["id"] == made["id"])
    whole = (await exchange.get(supplier, f"/supplier/v1/plans/{second['id']}")).json()["document"]
    assert stored["plan"] == whole
    retired = await exchange.done(supplier, f"/supplier/v1/plans/{second['id']}/retire")
    assert retired["standing"] == "retired"
    twice = await exchange.post(supplier, f"/supplier/v1/plans/{second['id']}/retire")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/plan-retired")
    refused = await exchange.post(supplier, offers, {"code": "again", "document": document})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/plan-retired")
    # What was sold with it stays, and the older version may still be used.
    assert (await exchange.get(None, f"/catalog/v1/offers/{made['id']}/price")).status_code == 200
    older = {**document, "plan": {**REF, "id": first["id"]}}
    await exchange.done(supplier, offers, {"code": "older", "document": older})
    # Stored again, the same document is a new version.
    third = (await post_yaml(exchange, supplier, "/supplier/v1/plans", YAML.replace("300}", "320}"), "3")).json()
    assert third["version"] == 3


async def test_a_reference_must_be_to_a_plan_of_ones_own(exchange: Market) -> None:
    sold = await on_sale(exchange)
    stranger = await exchange.join("supplier")
    theirs = (await post_yaml(exchange, stranger, "/supplier/v1/plans", YAML)).json()["id"]
    offers = f"/supplier/v1/listings/{sold.listing}/offers"
    for plan in ({**REF, "id": theirs}, {**REF, "id": "pln_nonsense"}, {**REF}, {**REF, "id": theirs, "v": 1}):
        answer = await exchange.post(
            sold.supplier, offers, {"code": "x", "document": {**offer_document("subscription"), "plan": plan}}
        )
        assert (answer.status_code, answer.json()["field"]) == (422, "plan"), answer.text
        assert "plan_ref" in answer.json()["detail"]
    assert (await exchange.get(sold.supplier, f"/supplier/v1/plans/{theirs}")).status_code == 404
    assert (await exchange.post(sold.supplier, f"/supplier/v1/plans/{theirs}/retire")).status_code == 404


async def test_wrong_plans_are_refused_with_the_place_and_the_remedy(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    cases = [
        (YAML.replace("0.004", "0,004}  #"), 400, "document-unreadable|plan-field-wrong|invalid-request"),
        (YAML.replace("unit_price: 0.004", "unit_pirce: 0.004"), 422, "plan-field-wrong"),
        (YAML.replace("  v: 1", "  v: 1\n  v: 1"), 400, "document-unreadable"),
        (YAML.replace("code: monthly", "code: Monthly Plan"), 422, "plan-invalid"),
        (YAML.replace("zh: 按月计费", "fr: mois"), 422, "plan-invalid"),
        (YAML.replace("title:", "titel:"), 400, "invalid-request"),
        ("- a list", 400, "invalid-request"),
        ("", 400, "document-unreadable"),
    ]  # fmt: skip
    for number, (text, status, slug) in enumerate(cases):
        answer = await post_yaml(exchange, supplier, "/supplier/v1/plans", text, str(number))
        assert answer.status_code in (status, 422), (text, answer.text)
        assert re.search(slug, answer.json()["type"]), answer.text
    told = await post_yaml(
        exchange, supplier, "/supplier/v1/plans", YAML.replace("unit_price: 0.004", "price: 0.004"), "z"
    )
    assert told.json()["field"] == "/document/components/1/model/tiers/0/price".removeprefix("/document")
    assert "did you mean unit_price?" in told.json()["detail"]


async def test_a_check_shows_every_mistake_and_every_surprise(exchange: Market) -> None:
    sold = await on_sale(exchange)
    supplier = sold.supplier
    text = (
        YAML.replace("document:", "plan:")
        .replace("code: monthly\n", "")
        .replace(f"title: {{en: {TITLE['en']}, zh: {TITLE['zh']}}}\n", "")
    )
    right = await post_yaml(exchange, supplier, "/supplier/v1/plans/check", text)
    assert right.status_code == 200, right.text
    assert (right.json()["ok"], right.json()["errors"]) == (True, [])
    # The file as it is, without a wrapper, is the same question.
    alone = textwrap.dedent(text.partition("plan:\n")[2])
    assert (await post_yaml(exchange, supplier, "/supplier/v1/plans/check", alone)).json() == right.json()
    dear = (
        text.replace("0.004", "0.001")
        + "costs: {per_unit: {records: 0.02}}\nrates: {USD: 7.2}\n"
        + f"listing: {sold.listing}\n"
    )
    found = (await post_yaml(exchange, supplier, "/supplier/v1/plans/check", dear)).json()
    assert found["ok"]
    assert found["findings"]
    assert all(one["why"]["en"] and one["why"]["zh"] for one in found["findings"])
    assert found["arbitrage"]["listing"] == sold.listing
    wrong = text.replace("up_to: 100000", "up_to: 100k").replace("currency: CNY", "currency: cny")
    told = (await post_yaml(exchange, supplier, "/supplier/v1/plans/check", wrong)).json()
    assert not told["ok"]
    assert [one["field"] for one in told["errors"]] == ["/currency", "/components/1/model/tiers/0/up_to"]
    stranger = await exchange.join("supplier")
    foreign = await post_yaml(exchange, stranger, "/supplier/v1/plans/check", text + f"listing: {sold.listing}\n")
    assert foreign.status_code == 404
    assert (await exchange.get(supplier, f"/supplier/v1/listings/{sold.listing}/arbitrage")).status_code == 200
    assert (await exchange.get(stranger, f"/supplier/v1/listings/{sold.listing}/arbitrage")).status_code == 404


async def priced(exchange: Market) -> tuple[str, str]:
    """A listing with an offer of the library; their ids."""
    sold = await on_sale(exchange)
    plan = (await post_yaml(exchange, sold.supplier, "/supplier/v1/plans", YAML)).json()["id"]
    document = {**offer_document("subscription"), "plan": {**REF, "id": plan}}
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    made = await exchange.done(sold.supplier, path, {"code": "monthly", "document": document})
    return sold.listing, made["id"]


async def test_everybody_reads_an_offers_price(exchange: Market) -> None:
    listing, offer = await priced(exchange)
    price: dict[str, Any] = (await exchange.get(None, f"/catalog/v1/offers/{offer}/price")).json()
    assert (price["listing"], price["standing"], price["currency"]) == (listing, "current", "CNY")
    assert price["entry_price"] == {"amount": "300.00", "currency": "CNY"}
    assert price["words"][0] == {"en": "CNY 300.00 per month, in advance", "zh": "每月 CNY 300.00，期初支付"}
    tiers = [(row["first"], row["last"], row["amount"]) for row in price["rows"] if row["component"] == "use"]
    assert tiers == [("1", "100000", "0.004"), ("100001", None, "0.003")]
    lists = {(one["currency"], one["buyer_class"]): one["entry_price"]["amount"] for one in price["price_lists"]}
    assert lists == {
        ("CNY", None): "300.00",
        ("CNY", "academic"): "100.00",
        ("USD", None): "42.00",
        ("USD", "academic"): "42.00",
    }
    small, middling, large = price["examples"]
    assert [one["usage"]["records"] for one in (small, middling, large)] == [50_000, 100_000, 300_000]
    # 300 + 100,000 x 0.004 + 200,000 x 0.003
    assert large["total"] == {"amount": "1300.00", "currency": "CNY"}
    schema = (await exchange.get(None, "/catalog/v1/schemas/plan.schema.json")).json()
    assert schema["$defs"]["price"]["pattern"]
    for name in ("terms", "frame", "question", "odcs", "waterfall"):
        other = await exchange.get(None, f"/catalog/v1/schemas/{name}.schema.json")
        assert other.headers["content-type"] == "application/schema+json"
        Draft202012Validator.check_schema(other.json())
    for path in ("none.schema.json", "plan", "..%2Fplans.py"):
        assert (await exchange.get(None, f"/catalog/v1/schemas/{path}")).status_code == 404


async def test_the_page_works_out_a_price_without_a_script(exchange: Market) -> None:
    listing, offer = await priced(exchange)
    shown = await exchange.get(None, f"/listings/{listing}", lang="en")
    assert f"/offers/{offer}" in shown.text
    for language, word in (("en", "What it costs"), ("zh", "价格说明")):
        answer = await exchange.get(None, f"/offers/{offer}", lang=language)
        assert answer.status_code == 200, answer.text
        page = Page(answer.text)
        assert "script" not in page.tags
        assert word in answer.text
    query = {"lang": "en", "use_records": "300,000", "months": "2"}
    worked = (await exchange.get(None, f"/offers/{offer}", **query)).text
    assert "CNY 2600.00" in worked.replace(",", "")
    assert "100,000 records in the tier from 0 to 100,000 × 0.004" in worked
    assert "polyline" in worked
    dollars = (await exchange.get(None, f"/offers/{offer}", lang="en", use_records="5万", currency="USD")).text
    assert "USD 69.50" in dollars
    academic = (
        await exchange.get(None, f"/offers/{offer}", **{"lang": "zh", "use_records": "0", "class": "academic"})
    ).text
    assert "CNY 100.00" in academic
    odd = await exchange.get(None, f"/offers/{offer}", lang="en", use_records="<b>many")
    assert odd.status_code == 200
    assert "&lt;b&gt;many is no whole number" in odd.text
    huge = await exchange.get(None, f"/offers/{offer}", lang="en", use_records="9" * 39, months="99999999999")
    assert huge.status_code == 200
    assert (await exchange.get(None, "/offers/ofr_01m80jwmabesg81hwe4cc73nw9")).status_code == 404


def test_the_example_of_the_documents_is_a_plan() -> None:
    from pricing import plans

    assert plans.load(DOCUMENT).meters == ("records",)


async def test_what_is_no_text_is_refused_wherever_a_plan_is_sent(exchange: Market) -> None:
    sold = await on_sale(exchange)
    bodies: dict[str, dict[str, Any]] = {
        "": {"code": "monthly", "title": TITLE, "document": DOCUMENT},
        "/check": {"plan": DOCUMENT},
        "/preview": {"plan": DOCUMENT, "listing": sold.listing},
    }
    for path, body in bodies.items():
        for text in ("\ud800", "a\0b"):
            for wrong in ({**body, "extra": text}, {**body, text: 1}, {**body, "title": {"en": text, "zh": text}}):
                headers = {**sold.supplier.headers, "idempotency-key": "text"}
                answer = await exchange.http.post(
                    f"/supplier/v1/plans{path}", content=json.dumps(wrong).encode(), headers=headers
                )
                assert (answer.status_code, answer.json()["type"]) == (400, "/problems/document-unreadable")
                assert "surrogate" in answer.json()["detail"]


async def test_costs_of_more_than_64_meters_are_refused(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    many = {f"x_{number}": "1" for number in range(65)}
    for wish in ({"costs": {"per_unit": many}}, {"rates": many}):
        answer = await exchange.post(supplier, "/supplier/v1/plans/check", {"plan": DOCUMENT, **wish})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-request")
