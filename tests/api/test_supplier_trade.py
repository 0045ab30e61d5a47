"""A supplier's way to a published listing, over HTTP."""

from __future__ import annotations

import hashlib
from functools import partial
from uuid import uuid4

import msgspec

from compliance import notes, proofs
from exchange.access.store import seal
from exchange.kernel.keys import Keyring
from exchange.kernel.merkle import leaf_hash, verify_inclusion
from tests.support import trade
from tests.support.api import Market
from tests.support.sequencing import sequence
from tests.support.trade import CONTENT, component, offer_document, on_sale


async def test_from_a_dataset_to_a_listing_that_everybody_finds(exchange: Market) -> None:
    sold = await on_sale(exchange)
    for words in ("唐诗", "tang poems"):
        found = (await exchange.get(None, "/catalog/v1/listings", q=words)).json()["items"]
        assert [one["id"] for one in found] == [sold.listing], words
        assert found[0]["grade"] in "ABCDE"
        assert found[0]["offers"][0]["entry_price"] == {"amount": "300.00", "currency": "CNY"}
    assert (await exchange.get(None, "/catalog/v1/listings", q="诗经")).json()["items"] == []
    document = (await exchange.get(None, f"/catalog/v1/listings/{sold.listing}")).json()
    assert document["revision"]["id"] == sold.revision
    (offer,) = document["offers"]
    assert offer["price"] == [
        {"en": "Price: CNY 300.00 once, when you order", "zh": "价格：下单时一次性支付 CNY 300.00"}
    ]
    assert {"en": "name the source and its licence", "zh": "注明来源及其许可"} in offer["terms"]["you_must"]
    assets = (await exchange.get(None, f"/catalog/v1/listings/{sold.listing}/assets")).json()["items"]
    assert [one["sha256"] for one in assets] == [hashlib.sha256(CONTENT).hexdigest()]
    card = (await exchange.get(None, f"/catalog/v1/scorecards/{sold.scorecard}")).json()
    assert card["document"]["signals"]["records"] == 80


async def test_a_certificate_can_be_checked_with_the_public_keys_alone(exchange: Market) -> None:
    sold = await on_sale(exchange)
    checked = (await exchange.get(None, f"/certificates/v1/{sold.certificate}")).json()
    assert checked["holds"], checked["faults"]
    one = checked["certificate"]
    assert hashlib.sha256(one["document"].encode()).hexdigest() == one["sha256"]
    keyring: Keyring = exchange.services.keyring
    assert keyring.verify(one["kid"], one["document"].encode(), bytes.fromhex(one["signature"]))
    kids = [key["kid"] for key in (await exchange.get(None, "/.well-known/jwks.json")).json()["keys"]]
    assert one["kid"] in kids


async def test_an_upload_goes_on_where_it_stopped(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = (await exchange.done(supplier, "/supplier/v1/datasets", trade.DATASET))["id"]
    wish = {"path": "a.txt", "size_bytes": 10}
    upload = (await exchange.done(supplier, f"/supplier/v1/datasets/{dataset}/uploads", wish))["id"]
    path = f"/supplier/v1/uploads/{upload}"

    async def send(offset: int, content: bytes) -> tuple[int, str]:
        headers = {**supplier.headers, "upload-offset": str(offset)}
        answer = await exchange.http.patch(path, content=content, headers=headers)
        return answer.status_code, answer.headers.get("upload-offset", "") or answer.json()["type"]

    assert await send(0, b"01234") == (204, "5")
    assert await send(0, b"01234") == (409, "/problems/upload-offset")
    early = await exchange.post(supplier, f"{path}/completion")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/upload-incomplete")
    head = await exchange.http.head(path, headers=supplier.headers)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("5", "10")
    assert await send(5, b"567890") == (413, "/problems/upload-too-large")
    offset = int((await exchange.get(supplier, path)).json()["offset"])
    assert await send(offset, b"56789"[offset - 5 :]) == (204, "10")
    done = await exchange.done(supplier, f"{path}/completion")
    assert done["sha256"] == hashlib.sha256(b"0123456789").hexdigest()
    stranger = await exchange.join("supplier")
    assert (await exchange.get(stranger, path)).status_code == 404
    assert (await exchange.http.head(path, headers=stranger.headers)).status_code == 404


async def test_an_upload_larger_than_the_usual_body_streams_through(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = (await exchange.done(supplier, "/supplier/v1/datasets", trade.DATASET))["id"]
    content = bytes(range(256)) * 4096 * 20
    assert len(content) > 16 * 1024 * 1024
    upload = await trade.uploaded(exchange, supplier, dataset, "big.bin", content)
    assert (await exchange.get(supplier, f"/supplier/v1/uploads/{upload}")).json()["state"] == "complete"


async def test_publication_says_what_is_missing(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = (await exchange.done(supplier, "/supplier/v1/datasets", trade.DATASET))["id"]
    upload = await trade.uploaded(exchange, supplier, dataset, "poems.jsonl", CONTENT)
    revision, _ = await trade.measured(exchange, supplier, dataset, upload)
    wish = {"revision": revision, "title": trade.TITLE, "summary": trade.SUMMARY}
    listing = (await exchange.done(supplier, "/supplier/v1/listings", wish))["id"]
    review = (await exchange.get(supplier, f"/supplier/v1/listings/{listing}/review")).json()
    unmet = {rule["rule"] for rule in review["rules"] if not rule["passed"]}
    assert unmet
    refused = await exchange.post(supplier, f"/supplier/v1/listings/{listing}/publication")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/publication-rules-not-met")
    assert set(refused.json()["unmet"]) == unmet
    assert (await exchange.get(None, f"/catalog/v1/listings/{listing}")).status_code == 404


async def test_the_same_key_gives_the_same_answer_and_no_second_dataset(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    first = await exchange.post(supplier, "/supplier/v1/datasets", trade.DATASET, key="k")
    again = await exchange.post(supplier, "/supplier/v1/datasets", trade.DATASET, key="k")
    assert (first.status_code, again.status_code, first.json()) == (201, 201, again.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await exchange.post(supplier, "/supplier/v1/datasets", {**trade.DATASET, "licence": "CC0-1.0"}, key="k")
    assert other.status_code == 422
    without = await exchange.http.post("/supplier/v1/datasets", json=trade.DATASET, headers=supplier.headers)
    assert without.json()["type"] == "/problems/idempotency-key-missing"
    assert len((await exchange.get(supplier, "/supplier/v1/datasets")).json()["items"]) == 1


async def test_lists_come_in_pages(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    made = [(await exchange.done(supplier, "/supplier/v1/datasets", trade.DATASET))["id"] for _ in range(3)]
    page = await exchange.get(supplier, "/supplier/v1/datasets", limit=2)
    following = page.headers["link"].split(">")[0].removeprefix("<")
    rest = await exchange.get(supplier, following)
    assert [one["id"] for one in page.json()["items"] + rest.json()["items"]] == made[::-1]
    assert "link" not in rest.headers
    wrong = await exchange.get(supplier, "/supplier/v1/datasets", cursor="bm9wZQ")
    assert wrong.status_code == 400


async def test_offers_of_every_kind_are_explained(exchange: Market) -> None:
    sold = await on_sale(exchange)
    path = f"/supplier/v1/listings/{sold.listing}/offers"
    per_token = {"type": "per_unit", "unit_price": "0.000002"}
    monthly = offer_document(
        "subscription",
        component({"type": "flat", "amount": "99.00"}, period="month"),
        component({"type": "included", "quantity": 1000000, "overage": per_token}, "tokens", "month"),
    )
    await exchange.done(sold.supplier, path, {"code": "monthly", "document": monthly})
    use = offer_document("pay_per_use", component(per_token, "tokens"))
    await exchange.done(sold.supplier, path, {"code": "use", "document": use})
    offers = (await exchange.get(None, f"/catalog/v1/listings/{sold.listing}")).json()["offers"]
    said = {offer["code"]: [text["en"].split(": ", 1)[1] for text in offer["price"]] for offer in offers}
    assert said["monthly"] == [
        "CNY 99.00 per month, in advance",
        "1,000,000 tokens per month included; above that CNY 2.00 per million tokens",
    ]
    assert said["use"] == ["CNY 2.00 per million tokens"]
    assert len((await exchange.get(sold.supplier, path)).json()["items"]) == 3


async def test_usage_is_reported_by_registered_sources_only(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    await exchange.services.db.run(partial(seal.ensure_partitions, days=3))
    event = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "gpu",
        "type": "exchange.usage",
        "subject": "grt_01m80jwmabesg81hwe4cc73nw9",
        "time": exchange.services.db.clock.now().isoformat(),
        "data": {"meter": "tokens", "value": 12},
    }
    path = "/supplier/v1/usage/events"
    refused = await exchange.post(supplier, path, [event], key="b1")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/usage-source-unknown")
    registered = await exchange.done(supplier, "/supplier/v1/usage/sources", {})
    assert (await exchange.get(supplier, "/supplier/v1/usage/sources")).json() == {"sources": [registered["source"]]}
    taken = await exchange.post(supplier, path, [event], key="b1")
    assert taken.status_code == 200, taken.text
    assert taken.json()["accepted"] == 0
    assert taken.json()["refused"][0]["type"] == "usage-grant-unknown"
    again = await exchange.post(supplier, path, [event], key="b1")
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == taken.json()
    other = await exchange.post(supplier, path, [], key="b1")
    assert other.status_code == 409
    broken = await exchange.post(supplier, path, {"not": "a list"}, key="b2")
    assert broken.status_code == 400
    await exchange.done(supplier, f"/supplier/v1/usage/sources/{supplier.client}/revocation")
    assert (await exchange.post(supplier, path, [event], key="b3")).status_code == 403


async def test_the_log_of_a_trade_is_served_as_tiles(exchange: Market) -> None:
    await on_sale(exchange)
    settings, keyring = exchange.services.settings, exchange.services.keyring
    origin = settings.process.log_origin
    signers = [notes.log_signer(keyring, origin)]
    head = await sequence(exchange.services.db, signers, origin)
    note = (await exchange.http.get("/log/checkpoint")).content
    vkey = (await exchange.http.get("/log/vkey")).text.split("\n")[0]
    checkpoint = notes.open_checkpoint(note, origin, [notes.parse_vkey(vkey)])
    assert (checkpoint.size, checkpoint.root) == head
    tile = await exchange.http.get(f"/log/tile/0/000.p/{checkpoint.size}")
    assert "immutable" in tile.headers["cache-control"]
    assert len(tile.content) == 32 * checkpoint.size
    assert (await exchange.http.get("/log/tile/0/000")).status_code == 404
    again = await exchange.http.get(f"/log/tile/0/000.p/{checkpoint.size}")
    assert (again.content, again.headers["cache-control"]) == (tile.content, tile.headers["cache-control"])
    # It comes out of the process's memory, and still has a name of its own and no other's.
    named = [one.headers.get_list("x-request-id") for one in (tile, again)]
    assert [len(one) for one in named] == [1, 1]
    assert named[0] != named[1]
    assert (await exchange.http.get(f"/log/tile/0/000.p/{checkpoint.size + 1}")).status_code == 404
    tag = (await exchange.http.get("/log/checkpoint")).headers["etag"]
    unchanged = await exchange.http.get("/log/checkpoint", headers={"if-none-match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    proof = proofs.decode((await exchange.http.get(f"/log/proof/{checkpoint.size - 1}")).content)
    leaf = tile.content[-32:]
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    assert proof.checkpoint == note
    for wrong in (str(checkpoint.size), "-1", "01", "9" * 30):
        assert (await exchange.http.get(f"/log/proof/{wrong}")).status_code == 404
    figures = (await exchange.http.get("/metrics")).text
    assert f"exchange_log_size {float(checkpoint.size)}" in figures
    assert "exchange_log_age_seconds 0.0" in figures
    bundle = f"/log/tile/entries/000.p/{checkpoint.size}"
    assert (await exchange.get(await exchange.join("buyer"), bundle)).status_code == 403
    entries = (await exchange.get(await exchange.join("regulator"), bundle)).content
    length = int.from_bytes(entries[:2], "big")
    assert leaf_hash(entries[2 : 2 + length]) == tile.content[:32]
    assert msgspec.json.decode(entries[2 : 2 + length])


async def test_empty_ledgers_are_empty_lists(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    for path in ("orders", "grants", "charges", "statements", "payouts", "assessments", "listings"):
        answer = await exchange.get(supplier, f"/supplier/v1/{path}")
        assert (answer.status_code, answer.json()["items"]) == (200, []), path
    opened = await exchange.done(supplier, "/supplier/v1/payout-accounts")
    assert opened["state"] == "opening"
    accounts = (await exchange.get(supplier, "/supplier/v1/payout-accounts")).json()["items"]
    assert [one["rail"] for one in accounts] == ["stripe"]
    again = await exchange.post(supplier, "/supplier/v1/payout-accounts")
    assert again.status_code == 409


async def test_a_withdrawn_listing_is_gone(exchange: Market) -> None:
    sold = await on_sale(exchange)
    await exchange.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/withdrawal")
    assert (await exchange.get(None, f"/catalog/v1/listings/{sold.listing}")).status_code == 404
    assert (await exchange.get(None, "/catalog/v1/listings", q="唐诗")).json()["items"] == []
    stranger = await exchange.join("supplier")
    gone = await exchange.post(stranger, f"/supplier/v1/listings/{sold.listing}/withdrawal")
    assert gone.status_code == 404


async def test_a_revision_is_measured_again_as_a_job(exchange: Market) -> None:
    sold = await on_sale(exchange)
    asked = await exchange.post(sold.supplier, f"/supplier/v1/revisions/{sold.revision}/profile")
    assert asked.status_code == 202
    path = f"/supplier/v1/jobs/{asked.json()['job']}"
    job = (await exchange.get(sold.supplier, path)).json()
    assert (job["kind"], job["state"]) == ("profile-revision", "queued")
    assert (await exchange.get(sold.assessor, path.replace("supplier", "assessor"))).status_code == 404
    stopped = await exchange.done(sold.supplier, f"{path}/cancellation")
    assert stopped["state"] == "cancelled"
    card = (await exchange.get(sold.supplier, f"/supplier/v1/revisions/{sold.revision}/scorecard")).json()
    assert card["id"] == sold.scorecard
    manifest = await exchange.get(sold.supplier, f"/supplier/v1/revisions/{sold.revision}/manifest")
    assert manifest.headers["etag"] == f'"{hashlib.sha256(manifest.content).hexdigest()}"'
