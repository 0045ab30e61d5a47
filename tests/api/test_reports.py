"""The regulator's reports over HTTP, after real trades: what they say, that they check offline, that they are logged, and nonsense."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from compliance import notes
from compliance.verify_notes import Failed
from compliance.verify_report import head_text, verify
from compliance.verify_sample import check, redraw, wilson
from exchange import main
from exchange.kernel import ids, merkle
from exchange.kernel.db import Tx
from exchange.kernel.keys import Keyring, new_key
from exchange.kernel.money import Money
from exchange.quality.record_digests import RecordDigests
from exchange.worker.loop import drain
from settlement import postings
from settlement.store import ledger
from tests.support.api import Market, Party, market
from tests.support.reported import checks_alone, head, rows
from tests.support.sequencing import sequence
from tests.support.signing import sign_kept
from tests.support.trade import CONTENT, DATASET, OnSale, on_sale

PEOPLE: dict[str, Any] = {
    **DATASET,
    "personal_data": "contains",
    "legal_basis": "consent",
    "cross_border_basis": "standard contract",
}
DECLARED: dict[str, Any] = {
    "personal": 120_000,
    "sensitive": 0,
    "important": False,
    "critical_infrastructure": False,
    "path": "standard_contract",
    "document_sha256": "ab" * 32,
}


@pytest_asyncio.fixture
async def exchange(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    """The exchange with all its portals."""
    async with market(database_url, tmp_path) as made:
        yield made


async def checkpoint(m: Market) -> int:
    made = m.services
    origin = made.settings.process.log_origin
    return (await sequence(made.db, [notes.log_signer(made.keyring, origin)], origin)).size


async def buy(m: Market, sold: OnSale, country: str = "CN") -> tuple[Party, dict[str, Any]]:
    """A buyer with money, and its order."""
    buyer, made = await m.join("buyer", country=country), m.services
    money = postings.top_up(made.db.ids.new(made.db.clock.now()), buyer.id, Money(900_000_000, "CNY"))
    await made.db.run(lambda tx: ledger.post(tx, [money]))
    wish = {"offer": sold.offer, "purposes": ["pretrain"], "payment": "wallet"}
    return buyer, await m.done(buyer, "/buyer/v1/orders", wish)


async def report(m: Market, regulator: Party, **wish: Any) -> tuple[bytes, dict[str, Any]]:
    """A report that is made, and the file."""
    asked = await m.done(regulator, "/regulator/v1/reports", wish)
    early = await m.get(regulator, f"/regulator/v1/reports/{asked['id']}/file")
    assert early.json()["type"] == "/problems/report-not-ready"
    await drain(m.services.db, main.steps(m.services).table())
    shown = (await m.get(regulator, f"/regulator/v1/reports/{asked['id']}")).json()
    assert shown["state"] == "done", shown
    file = await m.get(regulator, f"/regulator/v1/reports/{asked['id']}/file")
    assert hashlib.sha256(file.content).hexdigest() == shown["sha256"] == file.headers["x-sha256"]
    return file.content, shown


async def test_a_trade_is_in_every_report_and_each_checks_offline(exchange: Market, tmp_path: Path) -> None:
    m = exchange
    regulator, operator = await m.join("regulator"), await m.operator()
    sold = await on_sale(m, said=PEOPLE)
    declared = f"/supplier/v1/datasets/{sold.dataset}/people-declarations"
    assert (await m.done(sold.supplier, declared, DECLARED))["number"] == 1
    buyer, order = await buy(m, sold, "DE")
    text = {"en": "Something", "zh": "内容"}
    activity = dict.fromkeys(("purpose", "subjects", "data", "recipients", "erasure", "security"), text)
    office = {"name": text, "contact": "privacy@exchange.example"}
    record = {"controller": office, "activities": [{"id": "onboarding", "role": "controller", **activity}]}
    assert (await m.done(operator, "/operator/v1/processing-records", record))["number"] == 1
    size = await checkpoint(m)
    year = m.services.db.clock.now().year

    file, shown = await report(m, regulator, report="transactions", year=year)
    (row,) = rows(file)
    assert (shown["rows"], shown["checkpoint_size"], row["order"]) == (1, size, order["id"])
    assert (row["buyer"], row["seller"]) == (buyer.organisation, sold.supplier.organisation)
    assert (row["buyer_state"], row["seller_state"], row["price"]) == ("verified", "verified", "300.00")
    assert row["source_zh"] == PEOPLE["provenance"]["zh"]
    assert (row["licence"], row["grant"], row["agreement_sha256"]) == (
        "CC-BY-4.0",
        order["grant"],
        order["agreement_sha256"],
    )
    # The documents of these parties were named and never uploaded: the report finds just that.
    assert row["findings"] == "evidence-file-gone"
    entry = (await m.get(regulator, "/regulator/v1/audit-entries", object_id=order["id"])).json()["items"][-1]
    assert (entry["leaf_index"], entry["entry"]["id"]) == (row["leaf_index"], row["entry"])
    said = (await m.get(regulator, "/regulator/v1/audit-entries", action="dataset.register")).json()["items"][0]
    assert said["entry"]["digests"]["description"] == row["source_sha256"]

    moved, _ = await report(m, regulator, report="transfers")
    (row,) = rows(moved)
    assert (row["recipient_country"], row["abroad"], row["personal_data"], row["purpose"]) == (
        "DE",
        True,
        "contains",
        "pretrain",
    )
    assert (row["method"], row["revision"]) == ("files rows", sold.revision)

    across, _ = await report(m, regulator, report="cross-border", year=year)
    one, total = rows(across)
    assert (one["dataset"], one["personal"], one["countries"]) == (sold.dataset, 120_000, "DE")
    assert (total["path_required"], total["article"], total["path_declared"], total["findings"]) == (
        "standard_contract_or_certification",
        "8",
        "standard_contract",
        "",
    )
    assert head(across)["rule_sets"] == ["cac-16/2024-03-22"]

    listed, _ = await report(m, regulator, report="processing")
    activity_row, recipient = rows(listed)
    assert (activity_row["id"], activity_row["purpose_en"]) == ("onboarding", "Something")
    assert (recipient["recipient"], recipient["countries"], recipient["safeguards"]) == (
        buyer.organisation,
        "DE",
        "standard contract",
    )
    assert head(listed)["more"]["controller"]["contact"] == "privacy@exchange.example"

    risk, _ = await report(m, regulator, report="risk", year=year)
    counts = {(row["section"], row["measure"], row["of"]): row["count"] for row in rows(risk)}
    assert counts["activity", "purchase", None] == 1
    assert counts["transfer", "personal-abroad", None] == 1
    assert counts["finding", "evidence-file-gone", "transactions"] == 1
    assert counts["log", "entries-under-checkpoint", None] == counts["log", "entries", None]

    acts, _ = await report(m, regulator, report="intermediation")
    stages = {(row["stage"], row["action"]) for row in rows(acts)}
    assert ("order", "purchase") in stages

    key = notes.log_signer(m.services.keyring, m.services.settings.process.log_origin).verifier.vkey
    for name, one_file in (("t", file), ("m", moved), ("c", across), ("p", listed), ("r", risk), ("i", acts)):
        path = tmp_path / f"{name}.zip"
        path.write_bytes(one_file)
        assert verify(path, [key])
    checks_alone(tmp_path, file, key)


@pytest.mark.parametrize(
    "forged", [b"{}", b"[]", b"null", b'{"files":{}}', b'{"files":5}', b'{"files":{"log.vkey":{}}}', b"\xff", b""]
)
def test_a_head_that_somebody_signed_himself_provokes_no_more_than_a_no(tmp_path: Path, forged: bytes) -> None:
    key = new_key("checkpoint", datetime(2026, 1, 1, tzinfo=UTC), bytes(range(32)))
    signer = notes.log_signer(Keyring([key]), "log.example/x")
    path = tmp_path / "r.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("report.json", forged)
        archive.writestr("report.json.sig", notes.sign_note(head_text(forged), [signer]))
        archive.writestr("log.vkey", signer.verifier.vkey + "\n")
    with pytest.raises(Failed):
        verify(path)
    for nonsense in (b"", b"PK", b"x" * 100):
        path.write_bytes(nonsense)
        with pytest.raises(Failed):
            verify(path)


async def test_the_same_log_gives_the_same_bytes_and_asking_is_logged(exchange: Market) -> None:
    m = exchange
    regulator = await m.join("regulator")
    sold = await on_sale(m)
    await buy(m, sold)
    size = await checkpoint(m)
    first, shown = await report(m, regulator, report="transactions")
    await buy(m, sold)
    await checkpoint(m)
    newer, _ = await report(m, regulator, report="transactions")
    again, _ = await report(m, regulator, report="transactions", checkpoint_size=size)
    assert (len(rows(newer)), first == again, first == newer) == (2, True, False)
    await checkpoint(m)
    found = (await m.get(regulator, "/regulator/v1/audit-entries", object_id=shown["id"])).json()["items"]
    assert [one["entry"]["action"] for one in found] == ["report.download", "report.done", "report.request"]
    assert found[1]["entry"]["digests"]["report"] == hashlib.sha256(first).hexdigest()


async def test_rows_are_read_in_pages_at_one_checkpoint(exchange: Market) -> None:
    m = exchange
    regulator = await m.join("regulator")
    sold = await on_sale(m)
    orders = [(await buy(m, sold))[1]["id"] for _ in range(3)]
    size = await checkpoint(m)
    for name in ("transactions", "transfers"):
        seen: list[str] = []
        query: dict[str, Any] = {"report": name, "limit": 2}
        while True:
            answer = (await m.get(regulator, "/regulator/v1/report-rows", **query)).json()
            seen += [one["cells"]["order"] for one in answer["items"]]
            assert {one["checkpoint_size"] for one in answer["items"]} == {size}
            if answer["next_cursor"] is None:
                break
            # Whatever is added meanwhile belongs to a newer checkpoint.
            await buy(m, sold)
            await checkpoint(m)
            query["cursor"] = answer["next_cursor"]
        assert seen == orders
        size = await checkpoint(m)
        orders = await _orders(m, regulator)
    found = (await m.get(regulator, "/regulator/v1/audit-entries", action="report.read")).json()["items"]
    assert len(found) >= 4
    kinds = (await m.get(regulator, "/regulator/v1/report-kinds")).json()
    assert {one["report"] for one in kinds["reports"]} >= {"transactions", "risk"}


async def _orders(m: Market, regulator: Party) -> list[str]:
    answer = (await m.get(regulator, "/regulator/v1/report-rows", limit=200)).json()
    return [one["cells"]["order"] for one in answer["items"]]


async def test_what_is_passed_on_is_a_transfer_to_its_new_holder(exchange: Market) -> None:
    m = exchange
    regulator, heir = await m.join("regulator"), await m.join("buyer", country="DE")
    sold = await on_sale(m, said=PEOPLE)
    buyer, order = await buy(m, sold)
    await sign_kept(m)
    await checkpoint(m)
    year = m.services.db.clock.now().year
    across, _ = await report(m, regulator, report="cross-border", year=year)
    assert rows(across) == []
    path = f"/buyer/v1/agreements/{order['agreement']}/events"
    event = await m.done(buyer, path, {"kind": "transfer", "successor": heir.organisation})
    for portal, party in (("buyer", heir), ("supplier", sold.supplier)):
        signed = await m.done(
            party, f"/{portal}/v1/agreement-events/{event['id']}/signatures", {"sha256": event["sha256"]}
        )
    assert signed["state"] == "in_force"
    await checkpoint(m)
    moved, _ = await report(m, regulator, report="transfers")
    first, second = rows(moved)
    assert (first["recipient"], first["grant"], first["abroad"]) == (buyer.organisation, order["grant"], False)
    assert (second["recipient"], second["order"], second["abroad"]) == (heir.organisation, order["id"], True)
    assert second["grant"] != first["grant"]
    assert second["contract_sha256"] == event["sha256"]
    assert "altered" not in second["findings"]
    across, _ = await report(m, regulator, report="cross-border", year=year)
    one, _total = rows(across)
    assert (one["countries"], one["transfers"], one["findings"]) == ("DE", 1, "people-not-declared")
    bought, _ = await report(m, regulator, report="transactions")
    assert [row["order"] for row in rows(bought)] == [order["id"]]


async def test_what_a_superuser_deletes_is_found(exchange: Market, database_url: str) -> None:
    m = exchange
    regulator = await m.join("regulator")
    sold = await on_sale(m)
    _, order = await buy(m, sold)
    await checkpoint(m)
    agreement = ids.parse("agr", order["agreement"])

    async def delete(tx: Tx) -> None:
        await (await tx.driver()).execute("DELETE FROM contracts.agreement WHERE id = $1", agreement)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await m.services.db.run(delete)
    root = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.PostgresError):
        await root.execute("DELETE FROM contracts.agreement WHERE id = $1", agreement)
    await root.execute("SET session_replication_role = replica")
    await root.execute("DELETE FROM contracts.agreement WHERE id = $1", agreement)
    await root.close()
    for name in ("transactions", "transfers"):
        file, shown = await report(m, regulator, report=name)
        (row,) = rows(file)
        assert "deleted-early" in row["findings"]
        assert shown["findings"] >= 1
        assert head(file)["findings"]["deleted-early"]["count"] == 1


NONSENSE: list[Any] = [
    {"report": "gossip"},
    {"report": "cross-border"},
    {"report": "cross-border", "since": "2026-01-01T00:00:00Z"},
    {"report": "transactions", "year": 2026, "since": "2026-01-01T00:00:00Z"},
    {"report": "transactions", "since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
    {"report": "transactions", "since": "2026-02-01T00:00:00"},
    {"report": "transactions", "since": "0001-01-01T00:00:00Z"},
    {"report": "transactions", "until": "9999-12-31T23:59:59Z"},
    {"report": "transactions", "year": 1999},
    {"report": "transactions", "checkpoint_size": 999_999},
    {"report": "transactions", "checkpoint_size": 2**63 - 1},
    {"report": "transactions", "checkpoint_size": 2**64},
    {"report": "transactions", "more": 1},
    {"report": None},
    [],
    None,
]


async def test_nonsense_is_refused(exchange: Market) -> None:
    regulator = await exchange.join("regulator")
    await checkpoint(exchange)
    for wish in NONSENSE:
        answer = await exchange.post(regulator, "/regulator/v1/reports", wish)
        assert answer.status_code == 400, (wish, answer.text)


NONSENSE_PAGES: list[Any] = [
    {"report": "risk"},
    {"cursor": "bm9uc2Vuc2U"},
    {"cursor": "OTk5HzE"},
    {"cursor": "LTUfOQ"},
    {"since": "yesterday"},
    {"since": "2026-01-01T00:00:00"},
    {"year": 5},
    {"limit": 0},
]


async def test_nonsense_pages_are_refused(exchange: Market) -> None:
    regulator = await exchange.join("regulator")
    assert (await exchange.get(regulator, "/regulator/v1/report-rows")).status_code == 503
    await checkpoint(exchange)
    for query in NONSENSE_PAGES:
        answer = await exchange.get(regulator, "/regulator/v1/report-rows", **query)
        assert answer.status_code == 400, (query, answer.text)


async def test_only_regulators_ask_and_each_sees_its_own(exchange: Market) -> None:
    m = exchange
    regulator, other, buyer = await m.join("regulator"), await m.join("regulator"), await m.join("buyer")
    await checkpoint(m)
    asked = await m.done(regulator, "/regulator/v1/reports", {"report": "risk"})
    path = f"/regulator/v1/reports/{asked['id']}"
    for ending in ("", "/file"):
        assert (await m.get(other, path + ending)).status_code == 404
        assert (await m.get(buyer, path + ending)).status_code == 403
    assert (await m.post(buyer, "/regulator/v1/reports", {"report": "risk"})).status_code == 403
    assert (await m.get(other, "/regulator/v1/reports")).json()["items"] == []
    assert (await m.get(buyer, "/regulator/v1/report-rows")).status_code == 403


# ---------------------------------------------------------------- declarations


WRONG_DECLARATIONS: list[Any] = [
    {"personal": -1},
    {"personal": 10**11},
    {"path": "by-boat"},
    {"path": "exempt"},
    {"exemption": "contract"},
    {"path": "exempt", "exemption": "business_without_persons"},
    {"document_sha256": "AB" * 32},
    {"valid_until": "2026-01-01"},
    {"more": 1},
]


async def test_a_declaration_that_does_not_hold_together_is_refused(exchange: Market) -> None:
    supplier = await exchange.join("supplier")
    dataset = (await exchange.done(supplier, "/supplier/v1/datasets", PEOPLE))["id"]
    path = f"/supplier/v1/datasets/{dataset}/people-declarations"
    for wrong in WRONG_DECLARATIONS:
        assert (await exchange.post(supplier, path, {**DECLARED, **wrong})).status_code in (400, 422), wrong
    assert (await exchange.get(supplier, path)).json()["items"] == []


async def test_declarations_follow_each_other_and_data_without_people_has_none(exchange: Market) -> None:
    m = exchange
    supplier, other = await m.join("supplier"), await m.join("supplier")
    dataset = (await m.done(supplier, "/supplier/v1/datasets", PEOPLE))["id"]
    path = f"/supplier/v1/datasets/{dataset}/people-declarations"
    for number in (1, 2, 3):
        assert (await m.done(supplier, path, {**DECLARED, "personal": number}))["number"] == number
    page = (await m.get(supplier, path, limit=2)).json()
    assert [one["personal"] for one in page["items"]] == [3, 2]
    rest = (await m.get(supplier, path, limit=2, cursor=page["next_cursor"])).json()
    assert [one["number"] for one in rest["items"]] == [1]
    assert (await m.get(other, path)).status_code == 404
    assert (await m.post(other, path, DECLARED)).status_code == 404
    quiet = (await m.done(supplier, "/supplier/v1/datasets", DATASET))["id"]
    refused = await m.post(supplier, f"/supplier/v1/datasets/{quiet}/people-declarations", DECLARED)
    assert refused.json()["type"] == "/problems/people-declaration-invalid"


# ---------------------------------------------------------------- samples


async def test_a_sample_is_drawn_judged_and_drawn_again_by_others(exchange: Market) -> None:
    m = exchange
    regulator = await m.join("regulator")
    sold = await on_sale(m)
    buyer, _ = await buy(m, sold)
    stranger = await m.join("buyer")
    size = await checkpoint(m)
    path = f"/regulator/v1/revisions/{sold.revision}/samples"
    asked = await m.done(regulator, path, {"records": 20})
    await drain(m.services.db, main.steps(m.services).table())
    at = f"samples/{asked['id']}"
    evidence = (await m.get(regulator, f"/regulator/v1/{at}/evidence")).json()
    assert check(evidence) == []
    assert (evidence["seed_from"]["checkpoint"]["size"], evidence["seed"]) == (size, asked["seed"])
    digests = RecordDigests()
    digests.begin("poems.jsonl", "application/jsonl", b"")
    digests.feed(CONTENT)
    digests.end()
    records = list(digests.ordered())
    assert evidence["frame"]["size"] == len(records)
    # Whoever has the data makes the same frame of it, and draws the same records.
    assert evidence["frame"]["root"] == merkle.root_of(merkle.leaf_hash(one) for one in records).hex()
    places = redraw(bytes.fromhex(evidence["seed"]), len(records), 20)
    assert [one["digest"] for one in evidence["drawn"]] == [records[place].hex() for place in places]
    for portal, party in (("supplier", sold.supplier), ("buyer", buyer)):
        assert (await m.get(party, f"/{portal}/v1/{at}/evidence")).json() == evidence
        (listed,) = (await m.get(party, f"/{portal}/v1/samples", revision=sold.revision)).json()["items"]
        assert listed["id"] == asked["id"]
    assert (await m.get(stranger, f"/buyer/v1/{at}")).status_code == 404
    assert (await m.get(stranger, "/buyer/v1/samples")).json()["items"] == []
    too_many = await m.post(regulator, f"/regulator/v1/{at}/result", {"passed": 21})
    assert too_many.json()["type"] == "/problems/sample-invalid"
    judged = await m.done(regulator, f"/regulator/v1/{at}/result", {"passed": 19})
    assert (judged["low_millionths"], judged["high_millionths"]) == wilson(19, 20)
    again = await m.post(regulator, f"/regulator/v1/{at}/result", {"passed": 20})
    assert again.json()["type"] == "/problems/sample-judged-already"
    await checkpoint(m)
    found = (await m.get(regulator, "/regulator/v1/audit-entries", object_id=asked["id"])).json()["items"]
    assert [one["entry"]["action"] for one in found if one["entry"]["outcome"] == "done"] == [
        "sample.judge",
        "sample.draw",
        "sample.request",
    ]
    drawn = next(one["entry"] for one in found if one["entry"]["action"] == "sample.draw")
    assert drawn["digests"]["frame"] == evidence["frame"]["root"]
    assert drawn["object"]["version"] == f"20/{len(records)}"


async def test_an_assessor_draws_only_what_it_accepted_to_look_at(exchange: Market) -> None:
    m = exchange
    sold = await on_sale(m)
    await checkpoint(m)
    path = f"/assessor/v1/revisions/{sold.revision}/samples"
    seed = "0f" * 32
    # Its assessment is signed and over.
    assert (await m.post(sold.assessor, path, {"records": 5, "seed": seed})).status_code == 404
    wish = {"assessor": sold.assessor.organisation}
    asked = await m.done(sold.supplier, f"/supplier/v1/revisions/{sold.revision}/assessments", wish)
    assert (await m.post(sold.assessor, path, {"records": 5, "seed": seed})).status_code == 404
    await m.done(sold.assessor, f"/assessor/v1/assessments/{asked['assessment']}/acceptance")
    drawn = await m.done(sold.assessor, path, {"records": 5, "seed": seed})
    assert drawn["seed"] == seed
    early = await m.post(sold.assessor, f"/assessor/v1/samples/{drawn['id']}/result", {"passed": 1})
    assert early.json()["type"] == "/problems/report-not-ready"
    for wrong in ({"records": 0}, {"records": 10_001}, {"records": 5, "seed": "zz"}, {}):
        assert (await m.post(sold.assessor, path, wrong)).status_code == 400


WRONG_RECORDS: list[Any] = [{"activities": []}, {"controller": {}}, {"activities": [{"id": "A"}]}]


async def test_a_record_of_processing_needs_everything(exchange: Market) -> None:
    operator = await exchange.operator()
    assert (await exchange.get(operator, "/operator/v1/processing-records")).status_code == 404
    text = {"en": "Something", "zh": "内容"}
    activity = dict.fromkeys(("purpose", "subjects", "data", "recipients", "erasure", "security"), text)
    office = {"name": text, "contact": "privacy@exchange.example"}
    right = {"controller": office, "activities": [{"id": "onboarding", "role": "controller", **activity}]}
    for wrong in WRONG_RECORDS:
        answer = await exchange.post(operator, "/operator/v1/processing-records", {**right, **wrong})
        assert answer.status_code == 400, (wrong, answer.text)
    english = {"controller": {**office, "name": {"en": "only"}}, "activities": right["activities"]}
    refused = await exchange.post(operator, "/operator/v1/processing-records", english)
    assert refused.json()["type"] == "/problems/processing-record-invalid"
    await exchange.done(operator, "/operator/v1/processing-records", right)
    assert (await exchange.get(operator, "/operator/v1/processing-records")).json()["record"]["controller"] == office
