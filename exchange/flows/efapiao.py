"""E-fapiao of Chinese sellers: the operator's codes, the data that leave in a file, and the numbers that come back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.catalog.datasets import Modality
from exchange.catalog.store import listings
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from exchange.kernel.pages import Page, PageRequest
from exchange.kernel.text import Text
from settlement.efapiao.codes import FEE, BadCodes, Codes, read_codes
from settlement.efapiao.filling import Confirmed, Missing, Red, export_bytes, fill, wants_efapiao
from settlement.efapiao.numbers import Numbered, State
from settlement.efapiao_problems import (
    BAD_EFAPIAO_CODES,
    BAD_EFAPIAO_NUMBER,
    EFAPIAO_NOT_RED,
    NO_EFAPIAO_CODES,
    NOTHING_TO_EXPORT,
)
from settlement.fiscal import FiscalDoc
from settlement.store import efapiao as store
from settlement.store import fiscal
from settlement.store.efapiao import EfapiaoRow, NewEfapiao

CATEGORIES = (*(one.value for one in Modality), FEE)
# China has one time, eight hours before UTC, all year.
_CHINA = timedelta(hours=8)
_CONFIRMATION = re.compile(r"[0-9]{20}")
PER_FILE = 500
_FIRST = UUID(int=0)


class CodesKept(msgspec.Struct, frozen=True):
    """A table of codes that counts from now on."""

    version: int
    sha256: str
    created_at: str


class Exported(msgspec.Struct, frozen=True):
    """What left in a file, how many papers that were looked at lack something, and after which the next call goes on."""

    export: str
    count: int
    sha256: str
    waiting: int
    last: str | None


class RedConfirmed(msgspec.Struct, frozen=True):
    """A confirmation that was kept."""

    document: str
    number: str
    reason: str


class NumbersKept(msgspec.Struct, frozen=True):
    """How many numbers are new, and how many were known just so."""

    kept: int
    known: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper in a list; `missing` is what a draft lacks."""

    row: EfapiaoRow
    missing: tuple[str, ...]


async def put_codes(tx: Tx, actor: Actor, content: bytes) -> CodesKept | Problem:
    """Keep a table of codes as its next version; the same again is the same version.

    errors   answers forbidden, bad-efapiao-codes
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    try:
        read_codes(content, CATEGORIES)
    except BadCodes as error:
        return BAD_EFAPIAO_CODES(why=str(error))
    row = await store.put_codes(tx, content, hashlib.sha256(content).digest(), actor.organisation_id)
    if row.created_at == tx.now:
        await audit.append(tx, [done(actor, "efapiao.codes", str(row.version), document=row.sha256)])
    return CodesKept(row.version, row.sha256.hex(), row.created_at.isoformat().replace("+00:00", "Z"))


async def list_efapiao(tx: Tx, request: PageRequest, state: State) -> Page[Draft]:
    """Papers in one state, the oldest first; drafts with what they lack by the newest table of codes."""
    page = await store.list_efapiao(tx, request, state)
    if state is not State.DRAFT:
        return Page([Draft(row, ()) for row in page.items], page.next_cursor)
    filled = await _filled(tx, [row.doc for row in page.items])
    drafts = [Draft(row, said.reasons if isinstance(said := filled[row.doc.id], Missing) else ()) for row in page.items]
    return Page(drafts, page.next_cursor)


async def export_efapiao(
    tx: Tx, actor: Actor, after: UUID | None = None, per_file: int = PER_FILE
) -> Exported | Problem:
    """Let the data of papers that lack nothing leave in one file; five hundred papers are looked at a time, until one is ready.

    shapes   after: the last paper that an earlier call looked at
    errors   answers forbidden, no-efapiao-codes, nothing-to-export
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    await store.lock(tx)
    if await store.codes(tx) is None:
        return NO_EFAPIAO_CODES()
    looked, start = 0, after or _FIRST
    while True:
        docs = await store.waiting(tx, start, per_file + 1)
        last = docs[per_file - 1].id if len(docs) > per_file else None
        docs = docs[:per_file]
        filled = await _filled(tx, docs)
        new = [_new(doc, said) for doc in docs if not isinstance(said := filled[doc.id], Missing)]
        looked += len(docs)
        # Papers that lack something for good keep none waiting that come after them.
        if new or last is None:
            break
        start = last
    if not new:
        return NOTHING_TO_EXPORT(waiting=looked)
    export = tx.new_id()
    digest = hashlib.sha256(export_bytes(export, [one.document for one in new])).digest()
    await store.insert_export(tx, actor, export, digest, new)
    name = ids.text("efx", export)
    await audit.append(tx, [done(actor, "efapiao.export", name, document=digest)])
    goes_on = None if last is None else ids.text("doc", last)
    return Exported(name, len(new), digest.hex(), looked - len(new), goes_on)


async def confirm_red(tx: Tx, actor: Actor, document_id: UUID, said: Confirmed) -> RedConfirmed | Problem:
    """Keep the confirmation of the tax office's platform for a credit note whose invoice is issued.

    errors   answers forbidden, not-found, bad-efapiao-number, efapiao-not-red
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    await store.lock(tx)
    doc = await fiscal.any_document(tx, document_id)
    if doc is None:
        return NOT_FOUND()
    if not _CONFIRMATION.fullmatch(said.number):
        return BAD_EFAPIAO_NUMBER(why=Text("a confirmation has 20 digits", "确认单编号为 20 位数字"))
    if not (wants_efapiao(doc) and doc.kind.is_credit and len(doc.preceding) == 1):
        return EFAPIAO_NOT_RED(
            why=Text(
                "it is no credit note of a Chinese seller for one invoice", "并非境内供应方针对单张发票的贷项通知单"
            )
        )
    if doc.preceding[0].id not in await store.issued(tx, [doc.preceding[0].id]):
        return EFAPIAO_NOT_RED(
            why=Text("the e-fapiao of the invoice that it corrects is not issued", "所更正的蓝字发票尚未开具")
        )
    kept = (await store.confirmed(tx, [document_id])).get(document_id)
    if kept not in (None, said):
        return EFAPIAO_NOT_RED(why=Text("it has another one", "已登记其他确认单"))
    if kept is None:
        if await store.confirmation_taken(tx, said.number):
            return EFAPIAO_NOT_RED(why=Text("another paper has this confirmation", "该确认单已用于其他票据"))
        await store.insert_confirmation(tx, actor, document_id, said)
        sides = (doc.seller.organisation_id, doc.buyer.organisation_id)
        await audit.append(tx, [done(actor, "efapiao.confirm", ids.text("doc", document_id), *sides)])
    return RedConfirmed(ids.text("doc", document_id), said.number, said.reason.value)


async def record_numbers(tx: Tx, actor: Actor, said: Sequence[Numbered]) -> NumbersKept | Problem:
    """Keep numbers that the tax office gave: all of them or none; what is known just so stays.

    errors   answers forbidden, bad-efapiao-number
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    await store.lock(tx)
    sent = await store.sent(tx, [one.document_id for one in said])
    taken = await store.numbers_taken(tx, [one.number for one in said])
    today = (tx.now + _CHINA).date()
    new = []
    for one in said:
        name, known = ids.text("doc", one.document_id), sent.get(one.document_id)
        if known is None:
            return BAD_EFAPIAO_NUMBER(why=Text(f"the data of {name} were not exported", f"{name} 的数据尚未导出"))
        if (known.number, known.issued_on) == (one.number, one.issued_on):
            continue
        if known.number is not None:
            return BAD_EFAPIAO_NUMBER(
                why=Text(
                    f"{name} has the number {known.number} of {known.issued_on}",
                    f"{name} 已有号码 {known.number}（{known.issued_on}）",
                )
            )
        if one.number in taken:
            other = ids.text("doc", taken[one.number])
            return BAD_EFAPIAO_NUMBER(
                why=Text(f"{one.number} is the number of {other}", f"{one.number} 是 {other} 的号码")
            )
        if one.issued_on > today:
            return BAD_EFAPIAO_NUMBER(
                why=Text(f"{one.issued_on} of {name} is still to come", f"{name} 的开票日期 {one.issued_on} 尚未到来")
            )
        new.append(one)
    if new:
        await store.insert_numbers(tx, actor, new)
        await audit.append(
            tx,
            [
                done(actor, "efapiao.issue", ids.text("doc", one.document_id), known.seller_id, known.buyer_id)
                for one in new
                for known in (sent[one.document_id],)
            ],
        )
    return NumbersKept(len(new), len(said) - len(new))


async def _filled(tx: Tx, docs: Sequence[FiscalDoc]) -> Mapping[UUID, bytes | Missing]:
    """Each paper filled in, or what it lacks; a red-letter one with the codes of the one that it takes back from."""
    categories = await _categories(tx, docs)
    blues = await store.issued(tx, [one.id for doc in docs for one in doc.preceding])
    confirmed = await store.confirmed(tx, [doc.id for doc in docs if doc.kind.is_credit])
    tables: dict[int | None, Codes] = {}
    found: dict[UUID, bytes | Missing] = {}
    for doc in docs:
        blue = blues.get(doc.preceding[0].id) if doc.kind.is_credit and doc.preceding else None
        version = blue[1] if blue else None
        if version not in tables:
            tables[version] = await _codes(tx, version)
        if doc.kind.is_credit and blue is None:
            found[doc.id] = Missing(("original_not_issued",))
            continue
        red = Red(blue[0], confirmed[doc.id]) if blue and doc.id in confirmed else None
        found[doc.id] = fill(doc, categories, tables[version], red)
    return found


async def _codes(tx: Tx, version: int | None) -> Codes:
    row = await store.codes(tx, version)
    return read_codes(row.document, CATEGORIES, row.version) if row else Codes(0, {})


async def _categories(tx: Tx, docs: Sequence[FiscalDoc]) -> dict[UUID, str]:
    """What each line's source is: the exchange's fee, or the kind of data that its listing sells."""
    sources = [line.source for doc in docs for line in doc.lines]
    found = {source: FEE for kind, source in sources if kind == "statement"}
    of = await store.listings(tx, [source for kind, source in sources if kind != "statement"])
    kinds = await listings.modalities(tx, sorted(set(of.values())))
    return found | {source: kinds[listing] for source, listing in of.items() if listing in kinds}


def _new(doc: FiscalDoc, said: bytes) -> NewEfapiao:
    head = msgspec.json.decode(said)
    original = doc.preceding[0].id if doc.kind.is_credit else None
    return NewEfapiao(doc, head["invoice_type"], head["codes"], original, said)
