"""The chain of rights over HTTP: import, publish, buy, withdraw; the buyer is told, the next revision and wider terms refused."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.chain_import import COLUMNS
from exchange import main
from exchange.access.store import seal
from exchange.flows import trace_rights
from exchange.flows.register_organisation import Registered
from exchange.kernel.clock import FixedClock
from exchange.kernel.money import Money
from exchange.worker.loop import drain
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.trade import (
    DATASET,
    SUMMARY,
    TITLE,
    OnSale,
    certified,
    measured,
    offer_document,
    uploaded,
)

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
PROOF = "ab" * 32
REASON = {"en": "The speaker withdrew the consent.", "zh": "说话人撤回了同意。"}
SPEAKERS = ("sp-1", "sp-2", "sp-3")
LINES = [
    json.dumps(
        {"id": f"r{n:03}", "speaker": SPEAKERS[n % 3], "text": f"第{n}句 春眠不觉晓处处闻啼鸟 {n * 7}"},
        ensure_ascii=False,
    )
    for n in range(60)
]
CONTENT = ("\n".join(LINES) + "\n").encode()
TERMS = {
    "type": "terms",
    "v": 1,
    "prevailing_language": "zh",
    "own": {
        "purposes": ["pretrain", "evaluate"],
        "commercial": True,
        "territory": ["CN"],
        "duration": {"months": 6},
    },
}
MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<ONIXMessage release="3.0" xmlns="http://ns.editeur.org/onix/3.0/reference">
  <Header><Sender><SenderName>Example Press</SenderName></Sender><SentDateTime>20260101</SentDateTime></Header>
  <Product>
    <RecordReference>example.com-1</RecordReference>
    <NotificationType>03</NotificationType>
    <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9787020002207</IDValue></ProductIdentifier>
    <PublishingDetail>
      <Publisher><PublishingRole>01</PublishingRole><PublisherName>Example Press</PublisherName></Publisher>
      <PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>20200131</Date></PublishingDate>
      <SalesRights>
        <SalesRightsType>01</SalesRightsType>
        <Territory><CountriesIncluded>CN SG</CountriesIncluded></Territory>
      </SalesRights>
    </PublishingDetail>
  </Product>
</ONIXMessage>
"""


def row(speaker: str, *, until: str = "2030-12-31", territory: str = "CN;SG", evidence: str = PROOF) -> str:
    cells = ("speaker", speaker, "performer", f"Holder of {speaker}", "2025-01-01", until, territory)
    return ",".join((*cells, "pretrain;evaluate", "yes", "yes", "yes", evidence, "source", "speaker", speaker))


def table(*rows: str) -> str:
    return "\n".join((",".join(COLUMNS), *rows)) + "\n"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(START)


@pytest.fixture
async def m(database_url: str, tmp_path: Path, clock: FixedClock) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path, clock=clock) as made:
        yield made


async def work(m: Market) -> None:
    await drain(m.services.db, main.steps(m.services).table())


async def sent(
    m: Market, party: Party, dataset: str, content: str, kind: str = "text/csv", **query: str
) -> httpx.Response:
    headers = {**party.headers, "content-type": kind, "idempotency-key": secrets.token_hex(8)}
    path = f"/supplier/v1/datasets/{dataset}/rights/imports"
    return await m.http.post(path, content=content.encode(), headers=headers, params=query)


async def prepared(m: Market) -> OnSale:
    """A draft listing of spoken sentences with an offer and a certificate, not yet published."""
    supplier, assessor = await m.join("supplier"), await m.join("assessor")
    dataset = (await m.done(supplier, "/supplier/v1/datasets", DATASET))["id"]
    upload = await uploaded(m, supplier, dataset, "speech.jsonl", CONTENT)
    revision, scorecard = await measured(m, supplier, dataset, upload)
    certificate = await certified(m, supplier, assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(supplier, "/supplier/v1/listings", wish))["id"]
    return OnSale(supplier, assessor, dataset, revision, scorecard, certificate, listing, "")


async def offered(m: Market, sold: OnSale, terms: dict[str, Any] = TERMS, code: str = "once") -> httpx.Response:
    document = {**offer_document(), "terms": terms}
    return await m.post(
        sold.supplier, f"/supplier/v1/listings/{sold.listing}/offers", {"code": code, "document": document}
    )


async def bought(m: Market, offer: str) -> tuple[Party, str]:
    buyer = await m.join("buyer")
    money = postings.top_up(m.services.db.ids.new(m.services.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await m.services.db.run(lambda tx: ledger.post(tx, [money]))
    wish = {"offer": offer, "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, (await m.done(buyer, "/buyer/v1/orders", wish))["grant"]


async def on_sale_with_chain(m: Market) -> tuple[OnSale, str, list[str]]:
    """A published listing whose three speakers have given their rights, its offer, and the rights in order."""
    sold = await prepared(m)
    answer = await sent(m, sold.supplier, sold.dataset, table(*map(row, SPEAKERS)))
    assert answer.status_code == 201, answer.text
    assert answer.json()["added"] == 3
    offer = await offered(m, sold)
    assert offer.status_code == 201, offer.text
    published = await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/publication")
    assert (published["state"], published["notes"]) == ("published", [])
    listed = (await m.get(sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/rights")).json()["items"]
    return sold, offer.json()["id"], [one["id"] for one in listed]


def slug(answer: httpx.Response) -> str:
    return str(answer.json().get("type", "")).rpartition("/")[2]


async def test_a_withdrawn_right_is_told_to_buyers_and_keeps_its_records_out(m: Market) -> None:
    sold, offer, rights = await on_sale_with_chain(m)
    buyer, grant = await bought(m, offer)
    stranger = await m.join("buyer")
    at = f"/supplier/v1/datasets/{sold.dataset}"
    ended = await m.done(sold.supplier, f"{at}/rights/{rights[1]}/withdrawal", {"reason": REASON, "asks": "delete"})
    assert (ended["state"], ended["told"]) == ("withdrawn", 0)
    await work(m)
    (told,) = (await m.get(buyer, "/buyer/v1/rights-notices")).json()["items"]
    assert (told["grant"], told["revision"], told["asks"], told["reason"]) == (grant, sold.revision, "delete", REASON)
    assert told["right"]["id"] == "sp-2"
    assert told["records_count"] == 20
    assert told["records"][0]["examples"][:3] == ["r001", "r004", "r007"]
    assert set(told["what_to_do"]) == {"en", "zh"}
    assert (await m.get(stranger, "/buyer/v1/rights-notices")).json()["items"] == []
    # The same file under another name is known by its content.
    again = await uploaded(m, sold.supplier, sold.dataset, "renamed.jsonl", CONTENT)
    refused = await m.post(sold.supplier, f"{at}/revisions", {"uploads": [again]})
    assert (refused.status_code, slug(refused)) == (409, "rights-block-revision")
    assert refused.json()["blocked"][0]["right"] == rights[1]
    assert refused.json()["blocked"][0]["examples"][0] == "r001"
    # Without the speaker's records the next revision is sealed; nobody is told twice.
    kept = "\n".join(line for line in LINES if "sp-2" not in line).encode()
    clean = await uploaded(m, sold.supplier, sold.dataset, "clean.jsonl", kept)
    assert (await m.post(sold.supplier, f"{at}/revisions", {"uploads": [clean]})).status_code == 201
    await work(m)
    assert len((await m.get(buyer, "/buyer/v1/rights-notices")).json()["items"]) == 1
    once_more = await m.post(sold.supplier, f"{at}/rights/{rights[1]}/withdrawal", {"reason": REASON})
    assert (once_more.status_code, slug(once_more)) == (409, "right-ended")


async def test_a_sealed_revision_with_blocked_records_cannot_be_published(m: Market) -> None:
    sold, _, rights = await on_sale_with_chain(m)
    at = f"/supplier/v1/datasets/{sold.dataset}"
    await m.done(sold.supplier, f"{at}/rights/{rights[0]}/withdrawal", {"reason": REASON})
    await work(m)
    # Other bytes with a record of the speaker: their content is known only when the worker has read them.
    other = await uploaded(m, sold.supplier, sold.dataset, "other.jsonl", CONTENT + LINES[0].encode())
    revision, _ = await measured(m, sold.supplier, sold.dataset, other)
    await certified(m, sold.supplier, sold.assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(sold.supplier, "/supplier/v1/listings", wish))["id"]
    path = f"/supplier/v1/listings/{listing}"
    await m.done(sold.supplier, f"{path}/offers", {"code": "once", "document": {**offer_document(), "terms": TERMS}})
    early = await m.post(sold.supplier, f"{path}/publication")
    assert (early.status_code, slug(early)) == (409, "rights-search-running")
    await work(m)
    late = await m.post(sold.supplier, f"{path}/publication")
    assert (late.status_code, slug(late)) == (409, "rights-block-revision")
    assert late.json()["blocked"][0]["records"] == 21
    # A right that the same holder gives again, with new evidence, lets the records in.
    answer = await sent(m, sold.supplier, sold.dataset, table(row("sp-1", evidence="cd" * 32)))
    assert answer.json()["added"] == 1
    assert (await m.post(sold.supplier, f"{path}/publication")).status_code < 300


async def test_terms_wider_than_the_rights_are_refused_clause_by_clause(m: Market) -> None:
    sold, _, _ = await on_sale_with_chain(m)
    own = TERMS["own"]
    wide = {**own, "purposes": ["pretrain", "synthesise", "redistribute"], "territory": "*", "duration": None}
    answer = await offered(m, sold, {**TERMS, "own": wide}, code="wide")
    assert (answer.status_code, slug(answer)) == (422, "terms-wider-than-rights")
    assert answer.json()["clause"] == "redistribution, purpose, territory, duration"
    licence = {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"}
    assert slug(await offered(m, sold, licence, code="open")) == "terms-wider-than-rights"
    assert (await offered(m, sold, {**TERMS, "own": {**own, "territory": ["SG"]}}, code="narrow")).status_code == 201


async def test_without_a_chain_nothing_is_refused_and_the_lack_is_shown(m: Market) -> None:
    sold = await prepared(m)
    licence = {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"}
    assert (await offered(m, sold, licence)).status_code == 201
    public = f"/catalog/v1/listings/{sold.listing}/rights-summary"
    assert (await m.get(None, public)).status_code == 404
    published = await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/publication")
    assert "missing" in published["notes"][0]["en"]
    summary = (await m.get(None, public)).json()
    assert (summary["declared"], summary["missing"], summary["may_pass_on"]) == (False, {"chain": 1}, None)
    assert "missing: none is declared" in (await m.get(None, f"/listings/{sold.listing}")).text
    page = (await m.get(sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/rights/summary")).json()
    assert (page["live"], page["missing"][0]["what"]) == (0, "chain")


async def test_the_public_summary_counts_and_names_nobody(m: Market) -> None:
    sold, offer, rights = await on_sale_with_chain(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/rights"
    await m.done(sold.supplier, f"{at}/{rights[2]}/withdrawal", {"reason": REASON})
    answer = await m.get(None, f"/catalog/v1/listings/{sold.listing}/rights-summary")
    summary = answer.json()
    assert summary["rights"] == {"declared": 2, "withdrawn": 1, "expired": 0}
    assert summary["missing"] == {"speaker": 1}
    assert summary["may_pass_on"]["territory"] == ["CN", "SG"]
    assert summary["may_pass_on"]["until"] == "2031-01-01T00:00:00Z"
    english = (await m.http.get(f"/listings/{sold.listing}", headers={"accept-language": "en"})).text
    assert "declared 2 · withdrawn 1 · expired 0 · missing 1" in english
    # What is left allows no more than before; a narrower right takes a wider offer off the shelf, and that is said.
    page = (await m.get(sold.supplier, f"{at}/summary")).json()
    assert (page["keeps_out"], page["offers_too_wide"]) == ([rights[2]], [])
    await sent(m, sold.supplier, sold.dataset, table(row("sp-9", territory="SG")))
    (wide,) = (await m.get(sold.supplier, f"{at}/summary")).json()["offers_too_wide"]
    assert (wide["offer"], wide["clauses"]) == (offer, "territory")
    assert (await m.get(None, f"/catalog/v1/listings/{sold.listing}")).json()["offers"] == []
    assert "sp-" not in answer.text
    assert "Holder" not in answer.text


async def test_an_onix_message_and_the_query_make_rights_together(m: Market) -> None:
    sold = await prepared(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/rights"
    query = {"purposes": "pretrain,evaluate", "training": "yes", "evidence": PROOF, "until": "2028-12-31"}
    first = await sent(m, sold.supplier, sold.dataset, MESSAGE, "application/xml", **query)
    assert (first.status_code, first.json()["added"]) == (201, 1), first.text
    second = await sent(m, sold.supplier, sold.dataset, MESSAGE, "text/xml", **query)
    assert (second.json()["added"], second.json()["known"]) == (0, 1)
    (one,) = (await m.get(sold.supplier, at)).json()["items"]
    document = one["document"]
    assert (document["id"], document["holder"]) == ("isbn:9787020002207", "Example Press")
    assert (document["territory"], document["from"], document["until"]) == (["CN", "SG"], "2020-01-31", "2028-12-31")
    assert document["covers"] == {"source": {"field": "isbn", "value": "9787020002207"}}
    page = (await m.get(sold.supplier, f"{at}/summary")).json()
    assert [one["what"] for one in page["missing"]] == ["commercial", "records"]
    bomb = MESSAGE.replace("<ONIXMessage", '<!DOCTYPE ONIXMessage [<!ENTITY a "aaaa">]>\n<ONIXMessage', 1)
    refused = await sent(m, sold.supplier, sold.dataset, bomb, "application/xml", **query)
    assert (refused.status_code, slug(refused)) == (422, "rights-file-wrong")
    assert refused.json()["mistakes"][0]["column"] == "DOCTYPE"


async def test_a_wrong_file_names_every_line_and_keeps_nothing(m: Market) -> None:
    sold = await prepared(m)
    bad = row("sp-2").replace("2030-12-31", "2030-02-30").replace("CN;SG", "China")
    answer = await sent(
        m, sold.supplier, sold.dataset, table(row("sp-1"), bad, row("sp-3").replace("source,", "voice,"))
    )
    assert (answer.status_code, slug(answer)) == (422, "rights-file-wrong")
    found = {(one["line"], one["column"]) for one in answer.json()["mistakes"]}
    assert found == {(3, "until"), (3, "territory"), (4, "covers")}
    assert (await m.get(sold.supplier, f"/supplier/v1/datasets/{sold.dataset}/rights")).json()["items"] == []
    plain = await sent(m, sold.supplier, sold.dataset, table(row("sp-1")), "text/plain")
    assert slug(plain) == "invalid-request"


async def test_a_large_file_is_written_by_a_job_that_tells_its_progress(m: Market) -> None:
    sold = await prepared(m)
    rows = [row(f"sp-{n}") for n in range(1_200)]
    answer = await sent(m, sold.supplier, sold.dataset, table(*rows, rows[0]))
    receipt = answer.json()
    assert (receipt["found"], receipt["added"]) == (1_200, 0)
    await work(m)
    job = (await m.get(sold.supplier, f"/supplier/v1/jobs/{receipt['job']}")).json()
    assert (job["state"], job["result"]["added"]) == ("done", 1_200)
    again = (await sent(m, sold.supplier, sold.dataset, table(*rows))).json()
    await work(m)
    job = (await m.get(sold.supplier, f"/supplier/v1/jobs/{again['job']}")).json()
    assert (job["result"]["added"], job["result"]["known"]) == (0, 1_200)


async def test_a_file_of_a_right_that_ended_stays_out_under_any_name(m: Market) -> None:
    sold = await prepared(m)
    at = f"/supplier/v1/datasets/{sold.dataset}"
    whole = {
        "subject": "work",
        "id": "w1",
        "kind": "copyright",
        "holder": "Ann",
        "territory": "*",
        "purposes": ["pretrain"],
        "training": True,
        "commercial": True,
        "evidence_sha256": PROOF,
        "covers": {"assets": ["speech.jsonl"]},
    }
    wrong = await m.post(sold.supplier, f"{at}/rights", {"rights": [whole, {**whole, "territory": "CN"}]})
    assert (wrong.status_code, wrong.json()["number"], wrong.json()["field"]) == (422, 2, "territory")
    made = await m.done(sold.supplier, f"{at}/rights", {"rights": [whole]})
    own = {**TERMS["own"], "purposes": ["pretrain"]}
    offer = (await offered(m, sold, {**TERMS, "own": own})).json()["id"]
    await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/publication")
    buyer, _ = await bought(m, offer)
    ended = await m.done(sold.supplier, f"{at}/rights/{made['rights'][0]}/withdrawal", {"reason": REASON})
    assert ended["told"] == 1
    (told,) = (await m.get(buyer, "/buyer/v1/rights-notices")).json()["items"]
    assert (told["files"], told["records"]) == (["speech.jsonl"], [])
    again = await uploaded(m, sold.supplier, sold.dataset, "new-name.jsonl", CONTENT)
    refused = await m.post(sold.supplier, f"{at}/revisions", {"uploads": [again]})
    assert slug(refused) == "rights-block-revision"
    assert (refused.json()["blocked"][0]["path"], refused.json()["blocked"][0]["whole"]) == ("new-name.jsonl", True)


WHOLE: dict[str, Any] = {
    "subject": "work",
    "id": "w1",
    "kind": "copyright",
    "holder": "Ann",
    "territory": "*",
    "purposes": ["pretrain", "evaluate"],
    "training": True,
    "commercial": True,
    "covers": {"dataset": True},
}


async def test_what_nobody_declared_is_missing_and_not_passed_on(m: Market) -> None:
    sold = await prepared(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/rights"
    nowhere = {**WHOLE, "id": "w9", "purposes": ["evaluate"], "covers": {"assets": ["nofile.txt"]}}
    made = await m.done(sold.supplier, at, {"rights": [nowhere]})
    assert ["nofile.txt" in one["en"] for one in made["notes"]] == [True]
    page = (await m.get(sold.supplier, f"{at}/summary")).json()
    assert page["may_pass_on"]["purposes"] == []
    assert {one["what"]: one["name"] for one in page["missing"]} == {
        "file": "speech.jsonl", "coverage": "w9", "evidence": "w9",
    }  # fmt: skip
    assert slug(await offered(m, sold)) == "terms-wider-than-rights"
    # A right to what is there is not narrowed by one to what is not.
    made = await m.done(sold.supplier, at, {"rights": [WHOLE]})
    assert made["notes"] == []
    page = (await m.get(sold.supplier, f"{at}/summary")).json()
    assert page["may_pass_on"]["purposes"] == ["evaluate", "pretrain"]
    assert (await offered(m, sold)).status_code == 201


async def test_many_holders_are_told_part_by_part_and_later_ones_too(
    m: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold = await prepared(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/rights"
    # The second right stays, so that the offer does, too.
    made = await m.done(sold.supplier, at, {"rights": [WHOLE, {**WHOLE, "id": "w2"}]})
    offer = (await offered(m, sold)).json()["id"]
    await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/publication")
    buyers = [(await bought(m, offer))[0] for _ in range(3)]
    monkeypatch.setattr(trace_rights, "AT_ONCE_MAX", 1)
    wish = {"reason": REASON, "asks": "delete"}
    ended = await m.done(sold.supplier, f"{at}/{made['rights'][0]}/withdrawal", wish)
    assert ended["told"] == 1
    await work(m)
    late, _ = await bought(m, offer)
    assert (await m.get(late, "/buyer/v1/rights-notices")).json()["items"] == []
    await main.schedule(m.services).rights()
    await work(m)
    for buyer in (*buyers, late):
        assert len((await m.get(buyer, "/buyer/v1/rights-notices")).json()["items"]) == 1


async def test_a_right_is_withdrawn_once_however_many_ask_at_the_same_moment(m: Market) -> None:
    sold = await prepared(m)
    at = f"/supplier/v1/datasets/{sold.dataset}/rights"
    made = await m.done(sold.supplier, at, {"rights": [WHOLE]})
    path = f"{at}/{made['rights'][0]}/withdrawal"
    answers = await asyncio.gather(*[m.post(sold.supplier, path, {"reason": REASON}) for _ in range(4)])
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    one_language = await m.post(sold.supplier, path, {"reason": {"en": "only English"}})
    assert slug(one_language) == "invalid-request"
    stranger = await m.join("supplier")
    for method, place in (("GET", at), ("GET", f"{at}/summary"), ("POST", path)):
        body = {"reason": REASON} if method == "POST" else None
        answer = await (m.post(stranger, place, body) if body else m.get(stranger, place))
        assert answer.status_code == 404


async def fresh(m: Market, party: Party) -> Party:
    """The same party with a new token, after much time."""
    return await m.sign_in(Registered(party.organisation, "verified", "", party.client), party.secret)


async def test_a_right_that_runs_out_is_noted_and_told_by_the_clock(m: Market, clock: FixedClock) -> None:
    sold = await prepared(m)
    rows = (row("sp-1"), row("sp-2"), row("sp-3", until="2026-03-31"))
    await sent(m, sold.supplier, sold.dataset, table(*rows))
    own = TERMS["own"]
    long = await offered(m, sold, {**TERMS, "own": {**own, "duration": {"months": 3}}}, "long")
    assert (slug(long), long.json()["clause"]) == ("terms-wider-than-rights", "duration")
    offer = (await offered(m, sold, {**TERMS, "own": {**own, "duration": {"months": 2}}})).json()["id"]
    await m.done(sold.supplier, f"/supplier/v1/listings/{sold.listing}/publication")
    clock.advance(timedelta(days=35).total_seconds())
    await m.services.db.run(lambda tx: seal.ensure_partitions(tx, 3))
    buyer, grant = await bought(m, offer)
    schedule = main.schedule(m.services)
    await schedule.rights()
    await work(m)
    assert (await m.get(buyer, "/buyer/v1/rights-notices")).json()["items"] == []
    clock.advance(timedelta(days=41).total_seconds())
    await schedule.rights()
    await work(m)
    (told,) = (await m.get(await fresh(m, buyer), "/buyer/v1/rights-notices")).json()["items"]
    assert (told["grant"], told["state"], told["asks"], told["records_count"]) == (grant, "expired", "stop", 20)
    path = f"/supplier/v1/datasets/{sold.dataset}/rights"
    expired = (await m.get(await fresh(m, sold.supplier), path, state="expired")).json()["items"]
    assert [one["document"]["id"] for one in expired] == ["sp-3"]
    assert expired[0]["reason"]["zh"]
