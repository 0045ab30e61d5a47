"""The pure parts of the regulator's reports: ways across the border, retention, cells, stages, findings."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from compliance.processing import Activity, Office, Record, Transfer, document
from compliance.reports import cross_border, intermediation, processing, risk, transactions, transfers
from compliance.reports.cross_border import Abroad, Declared, Export, path_of, year_of
from compliance.reports.findings import FINDINGS
from compliance.reports.kinds import KINDS, PAGED
from compliance.reports.risk import Tally
from compliance.reports.shape import csv_line, found_in, json_line
from compliance.reports.trades import Identity, Opened, Sold, Source, Terms, Told, Trade
from compliance.retention import keep_until, may_delete, retained
from exchange.kernel import ids
from exchange.kernel.errors import Problem

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SELLER, BUYER, DATASET = UUID(int=1), UUID(int=2), UUID(int=3)
FREE, LIGHT, HEAVY = "exempt", "standard_contract_or_certification", "security_assessment"

# ---------------------------------------------------------------- the way across the border


@pytest.mark.parametrize(
    ("x", "path", "article"),
    [
        (Export(), FREE, "5(4)"),
        (Export(personal=99_999), FREE, "5(4)"),
        (Export(personal=100_000), LIGHT, "8"),
        (Export(personal=999_999), LIGHT, "8"),
        (Export(personal=1_000_000), HEAVY, "7(2)"),
        (Export(sensitive=1), LIGHT, "8"),
        (Export(sensitive=9_999), LIGHT, "8"),
        (Export(sensitive=10_000), HEAVY, "7(2)"),
        (Export(personal=99_999, sensitive=9_999), LIGHT, "8"),
        (Export(important=True), HEAVY, "7(2)"),
        (Export(personal=1, critical_infrastructure=True), HEAVY, "7(1)"),
        (Export(sensitive=1, critical_infrastructure=True), HEAVY, "7(1)"),
        (Export(important=True, critical_infrastructure=True), HEAVY, "7(1)"),
        (Export(critical_infrastructure=True), FREE, "5(4)"),
        (Export(personal=2_000_000, exempt=True), FREE, "3-6"),
        (Export(important=True, exempt=True), HEAVY, "7(2)"),
        (Export(personal=1, exempt=True, critical_infrastructure=True), HEAVY, "7(1)"),
    ],
)
def test_the_numbers_of_order_16_decide_the_way(x: Export, path: str, article: str) -> None:
    assert path_of(x) == (path, article)


def test_more_persons_never_need_less() -> None:
    order = [FREE, LIGHT, HEAVY]
    numbers = [0, 1, 9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000]
    for important in (False, True):
        for ciio in (False, True):
            ways = [[path_of(Export(p, s, important, ciio))[0] for s in numbers] for p in numbers]
            for i, row in enumerate(ways):
                assert [order.index(one) for one in row] == sorted(order.index(one) for one in row)
                if i:
                    assert all(order.index(a) <= order.index(b) for a, b in zip(ways[i - 1], row, strict=True))


def test_a_table_without_a_last_line_is_refused_rather_than_let_through() -> None:
    rules = replace_rules(paths=cross_border.table().paths[:2])
    with pytest.raises(ValueError, match="last line"):
        path_of(Export(), rules)


def replace_rules(**changed: object) -> cross_border.Table:
    import msgspec

    return msgspec.structs.replace(cross_border.table(), **changed)


def test_the_year_begins_in_beijing() -> None:
    since, until = year_of(2026)
    assert since == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert until == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_hong_kong_is_abroad_and_what_comes_from_elsewhere_is_not_counted() -> None:
    assert cross_border.is_abroad("CN", "HK")
    assert not cross_border.is_abroad("CN", "CN")
    assert not cross_border.is_abroad("DE", "CN")


def said(at: datetime = AT - timedelta(days=30), **changed: object) -> Declared:
    standing = Declared(0, 0, False, False, None, "none", None, None, at)
    return replace(standing, **changed)  # type: ignore[arg-type]


def gone(dataset: UUID = DATASET, *times: datetime, personal_data: str = "contains") -> Abroad:
    one = Abroad(SELLER, dataset, personal_data)
    for n, at in enumerate(times or (AT,)):
        one.add(n, at, "DE")
    return one


def test_nobody_declared_anything() -> None:
    one, total = cross_border.rows([gone()], {}, 2026)
    assert (one["personal"], found_in(one), found_in(total)) == (None, ["people-not-declared"], ["people-not-declared"])
    # The least that is known is not an answer, and says so beside it.
    assert total["path_required"] == FREE


def test_the_sum_of_a_provider_decides_not_each_dataset() -> None:
    a, b = UUID(int=10), UUID(int=11)
    declared = {a: [said(personal=60_000, path="none")], b: [said(personal=40_000, path="none")]}
    *_, total = cross_border.rows([gone(a), gone(b)], declared, 2026)
    assert (total["personal"], total["path_required"]) == (100_000, LIGHT)
    assert found_in(total) == ["path-insufficient"]
    taken = {name: [replace(one[0], path="standard_contract", document=bytes(32))] for name, one in declared.items()}
    *_, total = cross_border.rows([gone(a), gone(b)], taken, 2026)
    assert found_in(total) == []


def test_the_largest_number_in_force_at_a_transfer_counts_not_the_last_one() -> None:
    later = AT + timedelta(days=60)
    declared = {DATASET: [said(sensitive=20_000), said(AT + timedelta(days=1), sensitive=1)]}
    one, total = cross_border.rows([gone(DATASET, AT, later)], declared, 2026)
    assert (one["sensitive"], total["path_required"]) == (20_000, HEAVY)


def test_what_is_declared_after_the_transfer_counts_and_is_found_late() -> None:
    one, total = cross_border.rows([gone()], {DATASET: [said(AT + timedelta(days=9), sensitive=3)]}, 2026)
    assert (found_in(one), total["path_required"]) == (["declared-late"], LIGHT)


def test_a_way_that_ran_out_or_has_no_document_is_found() -> None:
    lapsed = said(path="security_assessment", document=bytes(32), valid_until=AT - timedelta(days=1))
    one, _ = cross_border.rows([gone()], {DATASET: [lapsed]}, 2026)
    assert found_in(one) == ["path-lapsed"]
    one, _ = cross_border.rows([gone()], {DATASET: [said(path="certification")]}, 2026)
    assert found_in(one) == ["path-without-evidence"]


def test_what_is_exempt_is_not_summed_unless_the_provider_runs_critical_infrastructure() -> None:
    a, b = UUID(int=10), UUID(int=11)
    exempt = said(personal=5_000_000, exemption="contract", path="exempt")
    *_, total = cross_border.rows([gone(a), gone(b)], {a: [exempt], b: [said(personal=5)]}, 2026)
    assert (total["personal"], total["path_required"], found_in(total)) == (5, FREE, [])
    ciio = said(personal=5, critical_infrastructure=True)
    *_, total = cross_border.rows([gone(a), gone(b)], {a: [exempt], b: [ciio]}, 2026)
    assert (total["personal"], total["path_required"], found_in(total)) == (5_000_005, HEAVY, ["path-insufficient"])


def test_data_without_people_needs_no_declaration() -> None:
    one, total = cross_border.rows([gone(personal_data="none")], {}, 2026)
    assert (found_in(one), found_in(total), total["path_required"]) == ([], [], FREE)


# ---------------------------------------------------------------- retention


def test_records_are_kept_for_three_years_after_the_end() -> None:
    assert keep_until(datetime(2026, 5, 1, tzinfo=UTC)) == datetime(2029, 5, 1, tzinfo=UTC)
    # A leap day has no third anniversary: the day after, never the day before.
    assert keep_until(datetime(2028, 2, 29, tzinfo=UTC)) == datetime(2031, 3, 1, tzinfo=UTC)
    end = datetime(2026, 5, 1, tzinfo=UTC)
    assert not may_delete(end, datetime(2029, 4, 30, 23, 59, 59, tzinfo=UTC))
    assert may_delete(end, datetime(2029, 5, 1, tzinfo=UTC))
    assert not may_delete(None, datetime(2200, 1, 1, tzinfo=UTC))


def test_a_retention_shorter_than_the_law_is_none() -> None:
    end = datetime(2026, 5, 1, tzinfo=UTC)
    assert retained(end, None)
    assert retained(None, None)
    assert retained(end, keep_until(end))
    assert not retained(end, keep_until(end) - timedelta(seconds=1))
    assert not retained(None, keep_until(end))


# ---------------------------------------------------------------- rows of a trade

ENVELOPE = {
    "id": "aud_1",
    "at": "2026-03-01T12:00:00.000000Z",
    "action": "purchase",
    "outcome": "done",
    "problem": None,
    "actor": {"organisation": ids.text("org", BUYER), "client": None},
    "object": {"id": "ord_1", "version": None},
    "agreement": "agr_1",
    "rule_set": "purchase/1",
    "organisations": [ids.text("org", BUYER), ids.text("org", SELLER)],
    "digests": {"agreement": "ab" * 32, "offer": "cd" * 32, "revision": "ef" * 32},
}


def party(organisation: UUID, country: str = "CN", **changed: object) -> Identity:
    known = Identity(organisation, country, "verified", "d", "org_op", AT, (bytes(32),))
    return replace(known, **changed)  # type: ignore[arg-type]


def opened(**changed: object) -> Opened:
    grant = Opened(UUID(int=7), DATASET, UUID(int=8), ("pretrain",), ("records",), "", AT, None, "active", AT, None)
    return replace(grant, **changed)  # type: ignore[arg-type]


def source(**changed: object) -> Source:
    one = Source({"en": "Scanned by us", "zh": "自行扫描"}, "MIT", "text", "contains", "consent", None, bytes(32))
    return replace(one, **changed)  # type: ignore[arg-type]


def trade(**changed: object) -> Trade:
    one = Trade(
        told=Told(5, ENVELOPE),
        order_id=UUID(int=4),
        buyer_id=BUYER,
        buyer=party(BUYER),
        seller=party(SELLER),
        seller_id=SELLER,
        sold=Sold("300.00", "CNY", "wallet", AT),
        offer_id=UUID(int=9),
        agreement=b"{}",
        agreement_sha256=bytes.fromhex("ab" * 32),
        terms=Terms("CC-BY-4.0", "12" * 32, ("files",), ("delete_at_end",)),
        grants=(opened(),),
        sources={DATASET: source()},
    )
    return replace(one, **changed)  # type: ignore[arg-type]


def test_a_trade_in_order_has_no_findings() -> None:
    row = transactions.row(trade())
    assert (row["leaf_index"], row["price"], row["findings"]) == (5, "300.00", "")
    (moved,) = transfers.rows(trade())
    assert (moved["purpose"], moved["method"], moved["security_duties"], moved["findings"]) == (
        "pretrain",
        "files",
        "delete_at_end",
        "",
    )


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"buyer": party(BUYER, state="submitted")}, "buyer-not-verified"),
        ({"seller": None}, "seller-not-verified"),
        ({"seller": party(SELLER, evidence=())}, "seller-without-evidence"),
        ({"sold": None}, "deleted-early"),
        ({"agreement": None, "agreement_sha256": None}, "deleted-early"),
        ({"agreement_sha256": bytes(32)}, "agreement-altered"),
        ({"sources": {}}, "no-source-statement"),
        ({"sources": {DATASET: source(provenance={"en": " ", "zh": ""})}}, "no-source-statement"),
        ({"grants": (), "sources": {}}, "not-delivered"),
        ({"files_gone": frozenset({bytes(32)})}, "evidence-file-gone"),
    ],
)
def test_what_article_33_asks_for_and_is_not_there_is_found(changed: dict[str, object], finding: str) -> None:
    assert found_in(transactions.row(trade(**changed))) == [finding]


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"agreement": None, "agreement_sha256": None}, "deleted-early"),
        ({"agreement_sha256": bytes(32)}, "agreement-altered"),
        ({"grants": (opened(purposes=()),)}, "no-purpose"),
        ({"terms": Terms("MIT", "12" * 32, ("files",), ())}, "no-security-duty"),
        ({"buyer": party(BUYER, "DE")}, "transfer-without-safeguard"),
        ({"grants": (), "sold": None}, "deleted-early"),
    ],
)
def test_what_article_12_asks_for_and_is_not_there_is_found(changed: dict[str, object], finding: str) -> None:
    (row,) = transfers.rows(trade(**changed))
    assert found_in(row) == [finding]


def test_data_without_people_needs_no_duty_and_no_safeguard() -> None:
    quiet = trade(
        buyer=party(BUYER, "DE"),
        terms=Terms("MIT", "12" * 32, ("files",), ()),
        sources={DATASET: source(personal_data="none")},
    )
    (row,) = transfers.rows(quiet)
    assert (row["abroad"], row["findings"]) == (True, "")


def test_an_end_has_a_day_until_which_its_record_is_kept() -> None:
    (row,) = transfers.rows(trade(grants=(opened(ends_at=AT),)))
    assert row["retention_until"] == "2029-03-01T12:00:00.000000Z"
    (row,) = transfers.rows(trade())
    assert (row["ended_at"], row["retention_until"]) == (None, None)


# ---------------------------------------------------------------- stages, counts, cells, columns


@pytest.mark.parametrize(
    ("action", "stage"),
    [
        ("quote.ask", "quote"),
        ("bid.place", "quote"),
        ("negotiation.offer", "negotiation"),
        ("agreement.sign", "agreement"),
        ("purchase", "order"),
        ("grant.change-offer", "order"),
        ("grant.end", "transfer"),
        ("token.grant", "transfer"),
        ("token.issue", None),
        ("client.create", None),
    ],
)
def test_an_action_has_its_stage(action: str, stage: str | None) -> None:
    assert intermediation.stage_of(action) == stage
    likes = [re.compile(re.escape(one[:-1])) for one in intermediation.patterns()]
    assert any(one.match(action) for one in likes) is (stage is not None)


def test_counts_name_refusals_by_their_rule_and_incidents_apart() -> None:
    tally = Tally()
    tally.entries("purchase", None, 5)
    tally.entries("purchase", "trade-frozen", 2)
    tally.entries("directive.freeze", None, 1)
    tally.lateness.add(8, 1, 2_500)
    tally.report_row("transactions", transactions.row(trade(seller=None)))
    rows = {(one["section"], one["measure"], one["of"]): one["count"] for one in risk.rows(tally)}
    assert rows["log", "entries", None] == 8
    assert rows["refusal", "trade-frozen", "purchase"] == 2
    assert rows["incident", "directive.freeze", None] == 1
    assert rows["log", "entries-late", ">2s"] == 1
    assert rows["finding", "seller-not-verified", "transactions"] == 1
    assert rows["report", "rows", "transactions"] == 1


def test_no_cell_of_a_table_is_a_formula() -> None:
    row = transactions.row(trade(sources={DATASET: source(provenance={"en": "=cmd|' /C calc'!A0", "zh": "＋1"})}))
    line = csv_line(KINDS["transactions"], row).decode()
    assert "\"'=cmd|" in line
    assert '"\'＋1"' in line
    assert json.loads(json_line(row))["source_en"].startswith("=cmd")


def test_a_row_has_just_the_columns_of_its_report() -> None:
    kind = KINDS["risk"]
    with pytest.raises(KeyError):
        kind.row({"section": "log"})
    with pytest.raises(KeyError):
        kind.row({"section": "log", "measure": "m", "of": None, "count": 1}, ["nobody-explains-this"])


def test_every_column_and_finding_is_told_in_both_languages() -> None:
    chinese = re.compile("[一-鿿]")
    for kind in KINDS.values():
        names = kind.names()
        assert len(names) == len(set(names))
        for text in (kind.title, kind.about, *(t for one in kind.columns for t in (one.title, one.meaning))):
            assert text.en.strip()
            # A code or the name of a standard may be all there is to say.
            assert chinese.search(text.zh) or "ISO" in text.zh or text.zh.startswith("id")
    assert all(chinese.search(one.zh) and one.en for one in FINDINGS.values())
    assert set(PAGED) <= set(KINDS)


# ---------------------------------------------------------------- the record of processing

BOTH = {"en": "Something", "zh": "内容"}
ACTIVITY = Activity("onboarding", "controller", BOTH, BOTH, BOTH, BOTH, BOTH, BOTH, (Transfer("SG", BOTH),))
RECORD = Record(Office(BOTH, "privacy@exchange.example"), (ACTIVITY,))


def test_a_record_of_processing_becomes_a_row_for_each_activity() -> None:
    content = document(RECORD)
    assert isinstance(content, bytes)
    (row,) = processing.declared_rows(content)
    assert (row["id"], row["countries"], row["purpose_zh"], row["findings"]) == ("onboarding", "SG", "内容", "")
    assert set(processing.controllers(content)) == {"controller"}
    (row,) = processing.declared_rows(None)
    assert found_in(row) == ["no-processing-record"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": {"en": "only English"}},
        {"id": "Not A Code"},
        {"security": {"en": "x" * 2_001, "zh": "内容"}},
        {"erasure": {"en": " ", "zh": "内容"}},
        {"transfers": (Transfer("Sg", BOTH),)},
        {"data": {"en": "a\u0000b", "zh": "内容"}},
    ],
)
def test_a_record_of_processing_that_says_too_little_is_refused(wrong: dict[str, object]) -> None:
    import msgspec

    activity = msgspec.structs.replace(ACTIVITY, **wrong)
    assert isinstance(document(Record(RECORD.controller, (activity,))), Problem)
    assert isinstance(document(Record(RECORD.controller, (ACTIVITY, ACTIVITY))), Problem)


def test_a_recipient_in_another_country_without_safeguard_is_found() -> None:
    one = processing.Recipient(DATASET, SELLER, "DE", BUYER, "CN", 2, AT, None)
    assert found_in(processing.recipient_row(one, source())) == ["transfer-without-safeguard"]
    assert found_in(processing.recipient_row(one, source(cross_border_basis="SCC"))) == []
    home = replace(one, buyer_country="DE")
    assert found_in(processing.recipient_row(home, source())) == []


def test_a_moment_in_a_row_is_utc() -> None:
    cst = timezone(timedelta(hours=8))
    with pytest.raises(ValueError, match="UTC"):
        list(transfers.rows(trade(grants=(opened(ends_at=datetime(2026, 1, 1, tzinfo=cst)),))))
