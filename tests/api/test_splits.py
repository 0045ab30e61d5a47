"""Split rules over HTTP: lineage to any depth, offers that name a rule, the exchange's minimum, mandates, simulations."""

from __future__ import annotations

from typing import Any

from exchange.kernel import ids
from exchange.kernel.money import Money
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party
from tests.support.ruled import step, waterfall
from tests.support.trade import CONTENT, DATASET, SUMMARY, TITLE, measured, offer_document, on_sale, uploaded

YAML = """\
code: main
document:
  type: waterfall
  v: 1
  currency: CNY
  steps:
    - {id: fee, op: share_of_gross, percent: 12.5, payees: [{role: platform}]}
    - {id: rest, op: residual, payees: [{role: supplier}]}
"""
UP = {"id": "up", "op": "share_of_gross", "payees": [{"role": "upstream", "of": "all"}]}


async def draft(m: Market, supplier: Party, *sources: str) -> tuple[str, str]:
    """A dataset made of these listings, and a listing of it that is a draft."""
    upstreams = [{"listing": one, "spdx": "MIT", "how": "derive"} for one in sources]
    dataset = (await m.done(supplier, "/supplier/v1/datasets", {**DATASET, "derived_from": upstreams}))["id"]
    revision, _ = await measured(m, supplier, dataset, await uploaded(m, supplier, dataset, "a.jsonl", CONTENT))
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    return dataset, (await m.done(supplier, "/supplier/v1/listings", wish))["id"]


async def rule(m: Market, supplier: Party, dataset: str, document: dict[str, Any], code: str = "main") -> Any:
    path = f"/supplier/v1/datasets/{dataset}/split-rules"
    return await m.done(supplier, path, {"code": code, "document": document})


async def offer(m: Market, supplier: Party, listing: str, made: dict[str, Any], **more: Any) -> Any:
    document = {**offer_document(), "split_rule": {"id": made["id"], "sha256": made["sha256"]}, **more}
    if "shares" not in more:
        document.pop("shares")
    body = {"code": f"o{made['version']}", "document": document}
    return await m.post(supplier, f"/supplier/v1/listings/{listing}/offers", body)


async def test_right_holders_upstream_are_paid_to_any_depth(exchange: Market) -> None:
    first = await on_sale(exchange)
    second, third = await exchange.join("supplier"), await exchange.join("supplier")
    assessor = await exchange.join("assessor")
    middle, listed = await draft(exchange, second, first.listing)
    await rule(exchange, second, middle, waterfall({**UP, "percent": "40"}))
    await exchange.done(second, f"/supplier/v1/listings/{listed}/offers", {"code": "o", "document": offer_document()})
    own = waterfall(
        {**UP, "percent": "10"}, step("check", "share_of_gross", "assessor", assessor.id, percent="1"), time_zone="UTC"
    )
    hidden, _ = await draft(exchange, third, first.listing)
    path = f"/supplier/v1/datasets/{hidden}/split-rules/check"
    shown = (await exchange.post(third, path, {"document": own})).json()
    # Made of the first one's data alone.
    assert [(one["role"], one["weight"]) for one in shown["weights"]] == [
        ("supplier", 89),
        ("upstream", 10),
        ("assessor", 1),
    ]
    dataset, _ = await _derived_from_draft(exchange, second, listed)
    checked = await exchange.post(second, f"/supplier/v1/datasets/{dataset}/split-rules/check", {"document": own})
    weights = {(one["role"], one["organisation"]): one["weight"] for one in checked.json()["weights"]}
    # A tenth goes upstream: 60 % of it stays with the middle one, 40 % goes on to the first.
    assert weights == {
        ("supplier", second.organisation): 89,
        ("upstream", second.organisation): 6,
        ("upstream", first.supplier.organisation): 4,
        ("assessor", assessor.organisation): 1,
    }


async def _derived_from_draft(m: Market, supplier: Party, listing: str) -> tuple[str, str]:
    """A supplier may build upon a listing of its own that is still a draft."""
    return await draft(m, supplier, listing)


async def test_an_offer_names_a_rule_and_is_sold_by_its_weights(exchange: Market) -> None:
    sold = await on_sale(exchange)
    path = f"/supplier/v1/datasets/{sold.dataset}/split-rules"
    headers = {**sold.supplier.headers, "content-type": "application/yaml", "idempotency-key": "yaml"}
    made = (await exchange.http.post(path, content=YAML.encode(), headers=headers)).json()
    assert (made["stateless"], made["version"], made["notes"]) == (True, 1, [])
    answer = await offer(exchange, sold.supplier, sold.listing, made)
    assert answer.status_code == 201, answer.text
    split = (await exchange.get(sold.supplier, f"/supplier/v1/offers/{answer.json()['id']}/split")).json()
    assert split["rule"] == made["id"]
    assert split["shares"] == [{"role": "supplier", "weight": 7}, {"role": "platform", "weight": 1}]
    listed = (await exchange.get(sold.supplier, path)).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    shown = (await exchange.get(sold.supplier, f"/supplier/v1/split-rules/{made['id']}")).json()
    key = exchange.services.keyring
    assert key.verify(shown["kid"], _bytes(shown["document"]), bytes.fromhex(shown["signature"]))


def _bytes(document: dict[str, Any]) -> bytes:
    from exchange.kernel.canonical import canonical

    return canonical(document)


async def test_a_rule_with_a_memory_waits_on_clearing_and_nobody_writes_that_by_hand(exchange: Market) -> None:
    sold = await on_sale(exchange)
    capped = waterfall(step("fee", "share_of_gross", percent="10", at_most="5", per="month"), per="month")
    made = await rule(exchange, sold.supplier, sold.dataset, capped)
    answer = await offer(exchange, sold.supplier, sold.listing, made)
    assert answer.status_code == 201, answer.text
    split = (await exchange.get(sold.supplier, f"/supplier/v1/offers/{answer.json()['id']}/split")).json()
    assert split["shares"] == [{"role": "clearing", "weight": 10_000}]
    by_hand = {**offer_document(), "shares": split["shares"]}
    refused = await exchange.post(
        sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": "hand", "document": by_hand}
    )
    assert (refused.status_code, refused.json()["field"]) == (422, "shares")


async def test_an_offer_is_refused_a_rule_that_does_not_fit_it(exchange: Market) -> None:
    sold = await on_sale(exchange)
    m, supplier = exchange, sold.supplier
    plain = waterfall(step("fee", "share_of_gross", percent="10"))
    made = await rule(m, supplier, sold.dataset, plain)
    other, _ = await draft(m, supplier)
    foreign = await rule(m, supplier, other, plain)
    dear = await rule(m, supplier, sold.dataset, waterfall(step("fee", "fixed", amount="300.01")), "dear")
    later = await rule(m, supplier, sold.dataset, {**plain, "effective_from": "2099-01-01T00:00:00Z"}, "later")
    dollars = await rule(m, supplier, sold.dataset, {**plain, "currency": "USD"}, "dollars")
    assert [one["code"] for one in dear["notes"]] == ["fixed-above-price"]
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({**made, "sha256": "0" * 64}, {}, "split-rule-unfit"),
        ({**made, "id": "rul_01m80jwmabesg81hwe4cc73nw9"}, {}, "split-rule-unfit"),
        ({**made, "id": "nonsense"}, {}, "split-rule-unfit"),
        (foreign, {}, "split-rule-unfit"),
        (dollars, {}, "split-rule-unfit"),
        (later, {}, "split-rule-unfit"),
        (dear, {}, "split-rule-refused"),
        (made, {"shares": [{"role": "supplier", "weight": 10_000}]}, "offer-invalid"),
        (made, {"split_rule": {"id": made["id"]}}, "offer-invalid"),
    ]
    for named, more, slug in cases:
        answer = await offer(m, supplier, sold.listing, named, **more)
        assert answer.json()["type"] == f"/problems/{slug}", (named, answer.text)


async def test_the_operator_s_minimum_is_asked_of_every_new_offer(database_url: str, tmp_path: Any) -> None:
    from tests.support.api import market

    async with market(database_url, tmp_path, only=("supplier", "assessor", "operator")) as m:
        sold = await on_sale(m)
        operator = await m.operator()
        await m.done(operator, "/operator/v1/split-minimums", {"role": "platform", "percent": "12.5"})
        listed = (await m.get(operator, "/operator/v1/split-minimums")).json()["items"]
        assert [(one["role"], one["percent"]) for one in listed] == [("platform", "12.50")]
        path = f"/supplier/v1/listings/{sold.listing}/offers"
        low = await m.post(sold.supplier, path, {"code": "low", "document": offer_document()})
        assert low.json()["type"] == "/problems/share-below-minimum"
        assert (low.json()["percent"], low.json()["least"]) == ("12.00", "12.50")
        capped = waterfall(step("fee", "share_of_gross", percent="13", at_most="99"))
        answer = await offer(m, sold.supplier, sold.listing, await rule(m, sold.supplier, sold.dataset, capped))
        assert answer.json()["type"] == "/problems/share-below-minimum"
        enough = {**capped, "steps": [step("fee", "share_of_gross", percent="13", at_least="1"), capped["steps"][1]]}
        answer = await offer(m, sold.supplier, sold.listing, await rule(m, sold.supplier, sold.dataset, enough))
        assert answer.status_code == 201, answer.text
        await m.done(operator, "/operator/v1/split-minimums", {"role": "pool", "percent": "1"})
        low = await m.post(sold.supplier, path, {"code": "low", "document": offer_document()})
        assert low.json()["type"] == "/problems/share-below-minimum"
        for wrong in ({"percent": "101"}, {"percent": "5", "valid_from": "2020-01-01T00:00:00Z"}):
            answer = await m.post(operator, "/operator/v1/split-minimums", {"role": "pool", **wrong})
            assert answer.json()["type"] == "/problems/split-minimum-invalid"
        wish = {"organisation": sold.supplier.organisation, "amount": {"amount": "100.00", "currency": "CNY"}}
        paid = await m.done(operator, "/operator/v1/advances", wish)
        assert paid["outstanding"]["amount"] == "100.00"
        refused = await m.post(
            operator, "/operator/v1/advances", {**wish, "organisation": ids.text("org", operator.id)}
        )
        assert refused.status_code in (201, 404)
        rules = (await m.get(sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/split-rules")).json()["items"]
        assert (await m.get(operator, f"/operator/v1/split-rules/{rules[0]['id']}")).json()["version"] == 2


async def test_a_mandate_is_given_claimed_under_and_read_by_both_sides_only(exchange: Market) -> None:
    m = exchange
    supplier, broker, other = await m.join("supplier"), await m.join("broker"), await m.join("broker")
    buyer = await m.join("buyer")
    now = m.services.db.clock.now()
    term = {"starts_at": now.isoformat(), "ends_at": now.replace(year=now.year + 1, day=1).isoformat()}
    wish = {"broker": broker.organisation, "percent": "5", "tail_months": 3, **term}
    made = await m.done(supplier, "/supplier/v1/mandates", wish)
    for wrong in ({"broker": buyer.organisation}, {"percent": "0"}, {"percent": "x"}, {"ends_at": term["starts_at"]}):
        refused = await m.post(supplier, "/supplier/v1/mandates", {**wish, **wrong})
        assert refused.json()["type"] == "/problems/mandate-invalid", refused.text
    second = await m.done(supplier, "/supplier/v1/mandates", {**wish, "broker": other.organisation})
    claim = {"buyer": buyer.organisation, "evidence_sha256": "ab" * 32}
    claimed = await m.done(broker, f"/assessor/v1/mandates/{made['id']}/claims", claim)
    assert claimed["stands_until"] == made["tail_until"]
    refused = await m.post(other, f"/assessor/v1/mandates/{second['id']}/claims", claim)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/buyer-claimed")
    assert refused.json()["until"] == made["tail_until"]
    assert (await m.post(other, f"/assessor/v1/mandates/{made['id']}/claims", claim)).status_code == 404
    assert (await m.get(other, f"/assessor/v1/mandates/{made['id']}")).status_code == 404
    assert (await m.get(broker, f"/assessor/v1/mandates/{made['id']}")).json()["percent"] == "5.00"
    assert len((await m.get(supplier, "/supplier/v1/mandates")).json()["items"]) == 2
    assert [one["buyer"] for one in (await m.get(supplier, "/supplier/v1/buyer-claims")).json()["items"]] == [
        buyer.organisation
    ]
    assert (await m.get(other, "/assessor/v1/buyer-claims")).json()["items"] == []
    assert (await m.get(broker, "/assessor/v1/introduced-orders")).json()["items"] == []
    assert (await m.post(other, f"/assessor/v1/mandates/{made['id']}/end")).status_code == 404
    ended = await m.done(broker, f"/assessor/v1/mandates/{made['id']}/end")
    assert ended["ended_by"] == broker.organisation
    shown = (await m.get(supplier, f"/supplier/v1/mandates/{made['id']}")).json()
    assert (shown["ended_early"], shown["tail_until"]) == (True, ended["tail_until"])
    refused = await m.post(supplier, f"/supplier/v1/mandates/{made['id']}/end")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mandate-not-in-force")
    untouched = (await m.get(other, f"/assessor/v1/mandates/{second['id']}")).json()
    assert (untouched["ended_early"], untouched["tail_until"]) == (False, second["tail_until"])


async def test_a_rule_is_tried_on_past_months_over_http(database_url: str, tmp_path: Any) -> None:
    from tests.support.api import market

    async with market(database_url, tmp_path, only=("supplier", "assessor", "buyer")) as m:
        sold = await on_sale(m)
        buyer = await m.join("buyer")
        top_up = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(10**9, "CNY"))
        await m.services.db.run(lambda tx: ledger.post(tx, [top_up]))
        for _ in range(2):
            wish = {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"}
            await m.done(buyer, "/buyer/v1/orders", wish)
        month = f"{m.services.db.clock.now():%Y-%m}"
        path = f"/supplier/v1/datasets/{sold.dataset}/split-rules/simulation"
        body = {"rule": waterfall(step("fee", "share_of_gross", percent="10")), "first": month, "last": month}
        found = (await m.post(sold.supplier, path, body)).json()
        assert (found["sales"], found["gross"]["amount"], found["steps"]) == (2, "600.00", [])
        assert {(one["organisation"] or one["role"]): one["difference"]["amount"] for one in found["payees"]} == {
            sold.supplier.organisation: "12.00",
            "platform": "-12.00",
        }
        for wrong in ({"first": "x"}, {"first": "2099-01", "last": "2099-01"}, {"first": month, "last": "2021-01"}):
            assert (await m.post(sold.supplier, path, {**body, **wrong})).status_code == 400
        assert (
            await m.post(sold.supplier, path, {**body, "rule": "rul_01m80jwmabesg81hwe4cc73nw9"})
        ).status_code == 404
