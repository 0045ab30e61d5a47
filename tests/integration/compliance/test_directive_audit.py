"""A superuser ends a freeze, changes an answer or removes a directive by hand: the audit says which, and what the log says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from compliance import directive_store, store
from compliance.answer_store import Evidence
from compliance.directive_rules import Rule
from exchange.flows import answer_directive, issue_directive
from exchange.flows.audit_directives import audit_directives
from exchange.flows.check_books import check_books
from exchange.flows.issue_directive import DirectiveReceipt
from exchange.kernel import ids
from exchange.kernel.clock import FixedClock
from exchange.kernel.db import Database
from exchange.kernel.keys import Keyring
from exchange.kernel.pages import PageRequest
from tests.support.directives import order
from tests.support.settlement_market import BUYER, SELLER, Market, actor, open_market
from tests.support.superuser import edit

WATCH = UUID(int=0xAAA1)
REGULATOR = actor(WATCH, "regulator")
TEXT = {"en": "See the file.", "zh": "见附件。"}
FILE = Evidence(UUID(int=900), "ledger.pdf", "application/pdf", bytes(32), 9)


async def issued(shop: Market, kind: str, *targets: tuple[str, UUID], **more: Any) -> UUID:
    wish = order(kind, *targets, **more)
    receipt = await shop.database.run(lambda tx: issue_directive.issue(tx, REGULATOR, wish))
    assert isinstance(receipt, DirectiveReceipt), receipt
    return ids.parse("dir", receipt.id)


async def notice_of(shop: Market, directive: UUID, who: UUID) -> UUID:
    page = await shop.database.run(lambda tx: directive_store.told_of(tx, directive, PageRequest(limit=50)))
    return next(one.id for one in page.items if one.organisation_id == who)


@pytest_asyncio.fixture
async def shop(database: Database, keyring: Keyring, clock: FixedClock) -> Market:
    """A market with a freeze that stands and is half confirmed, one that was lifted, and a question that was answered."""
    made = await open_market(database, keyring)
    await made.fund(BUYER, 1_000_000_000)
    await made.buy(BUYER, "monthly")
    assert made.listing is not None
    run = made.database.run
    standing = await issued(made, "freeze", ("listing", made.listing), ("offer", made.offers["monthly"]))
    notice = await notice_of(made, standing, BUYER)
    await run(lambda tx: answer_directive.acknowledge(tx, actor(BUYER), notice))
    lifted = await issued(made, "preserve", ("organisation", SELLER))
    await run(lambda tx: issue_directive.lift(tx, REGULATOR, lifted))
    asked = await issued(made, "inform", ("organisation", BUYER), deadline=clock.now() + timedelta(days=1))
    told = await notice_of(made, asked, BUYER)
    await run(lambda tx: answer_directive.answer(tx, actor(BUYER), told, TEXT, [FILE]))
    ruled = replace(order("delist"), rules=(Rule(licence="CC0-1.0"),))
    assert isinstance(await run(lambda tx: issue_directive.issue(tx, REGULATOR, ruled)), DirectiveReceipt)
    assert await audit_directives(made.database) == []
    return made


D, T, N = "compliance.directive", "compliance.directive_target", "compliance.directive_notice"
EDITS = {
    "freeze ended": (f"UPDATE {T} SET active = false WHERE kind = 'freeze' AND position = 0", "binds no more"),
    "freeze of nothing": (f"UPDATE {T} SET target_id = gen_random_uuid() WHERE kind = 'freeze'", "targets"),
    "freeze made a hold": (f"UPDATE {T} SET kind = 'preserve' WHERE kind = 'freeze'", "target listing"),
    "target removed": (f"DELETE FROM {T} WHERE kind = 'freeze' AND position = 1", "targets"),
    "lifted by hand": (
        f"UPDATE {D} SET state = 'lifted', lifted_at = now(), lifted_by = issued_by WHERE kind = 'freeze'",
        "state",
    ),
    "stands again": (
        f"UPDATE {D} SET state = 'issued', lifted_at = NULL, lifted_by = NULL WHERE kind = 'preserve'",
        "state",
    ),
    "binds again": (f"UPDATE {T} SET active = true WHERE kind = 'preserve'", "binds though it was lifted"),
    "kind": (f"UPDATE {D} SET kind = 'delist' WHERE kind = 'freeze'", "kind"),
    "issuer": (f"UPDATE {D} SET issued_by = gen_random_uuid() WHERE kind = 'freeze'", "issued_by"),
    "moment": (f"UPDATE {D} SET issued_at = issued_at - interval '1 day' WHERE kind = 'freeze'", "issued_at"),
    "reason": (f"""UPDATE {D} SET reason = '{{"en": "nothing"}}' WHERE kind = 'freeze'""", "words"),
    "basis": (f"UPDATE {D} SET basis = jsonb_set(basis, '{{article}}', '\"99\"') WHERE kind = 'freeze'", "words"),
    "deadline": (f"UPDATE {D} SET deadline = deadline + interval '1 day' WHERE kind = 'inform'", "deadline"),
    "deadline added": (f"UPDATE {D} SET deadline = now() WHERE kind = 'freeze'", "deadline"),
    "salt": (f"UPDATE {D} SET salt = 'x' WHERE kind = 'freeze'", "words"),
    "lifter": (f"UPDATE {D} SET lifted_by = gen_random_uuid() WHERE kind = 'preserve'", "lifted_by"),
    "hold ended in the notice": (f"UPDATE {N} SET lifted_at = now() WHERE kind = 'freeze'", "notice org_"),
    "notice removed": (f"DELETE FROM {N} WHERE kind = 'freeze' AND acknowledged_at IS NULL", "notice org_"),
    "notice of another kind": (f"UPDATE {N} SET kind = 'delist' WHERE kind = 'freeze'", "kind"),
    "confirmed by hand": (f"UPDATE {N} SET acknowledged_at = now() WHERE kind = 'freeze'", "acknowledged_at"),
    "answer taken for none": (f"UPDATE {N} SET answered_at = NULL WHERE kind = 'inform'", "answered_at"),
    "answer": ("""UPDATE compliance.directive_answer SET text = '{"en": "No."}'""", "answers"),
    "answer removed": ("DELETE FROM compliance.directive_answer", "answers"),
    "file": ("UPDATE compliance.directive_file SET sha256 = set_byte(sha256, 0, 7)", "answers"),
    "file name": ("UPDATE compliance.directive_file SET name = 'other.pdf'", "answers"),
    "rule ended": ("UPDATE compliance.directive_rule SET active = false", "rules do not bind"),
    "rule changed": ("UPDATE compliance.directive_rule SET licence = 'MIT'", "rules"),
    "rule removed": ("DELETE FROM compliance.directive_rule", "rules"),
    "directive removed": (f"DELETE FROM {D} WHERE kind = 'freeze'", "it is not there"),
}


@pytest.mark.parametrize("case", EDITS)
async def test_an_edit_by_hand_is_named(shop: Market, database_url: str, case: str) -> None:
    statement, words = EDITS[case]
    await edit(database_url, statement)
    found = await audit_directives(shop.database)
    assert any(words in f"{one.place.en}: {one.what.en}" for one in found), [one.place.en for one in found]
    assert all(one.rule == "directive-as-logged" and one.what.zh != one.what.en for one in found)


async def test_a_freeze_that_is_ended_by_hand_is_a_finding_of_fsck(
    shop: Market, database_url: str, keyring: Keyring
) -> None:
    async def quiet(_what: str, _done: int, _total: int | None) -> None:
        return None

    await edit(database_url, f"UPDATE {T} SET active = false WHERE kind = 'freeze'")
    listing = shop.listing
    assert listing is not None
    assert await shop.database.run(lambda tx: store.frozen(tx, [listing])) == set()
    found = await check_books(shop.database, keyring, "exchange.example/log", quiet)
    assert len([one for one in found if one.rule == "directive-as-logged"]) == 2
