"""The operator hands in the bank's statement: every line is booked, known already, or refused with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, time

import msgspec

from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer, placed
from exchange.flows.record_transfer import TransferRecorded, TransferResult, record_transfer
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from settlement import bank_statement
from settlement.bank_statement import BankEntry as Line
from settlement.banking.matching import named
from settlement.payments import BankEntry
from settlement.payouts import PayoutState, Rail
from settlement.store import batches, payments, payouts


class LineRead(msgspec.Struct, frozen=True):
    """What became of one line.

    Outcome: credited, unmatched (nobody named), known, paid (a payout, named by its id), outgoing (not booked here), refused.
    """

    entry: str
    outcome: str
    amount: dict[str, str] | None
    organisation: str | None
    reason: dict[str, str] | None


class StatementImported(msgspec.Struct, frozen=True):
    """Every line of the statement, in its order, then those that could not be read, by line number."""

    credited: int
    unmatched: int
    known: int
    refused: int
    lines: list[LineRead]


async def import_bank_statement(tx: Tx, actor: Actor, content: bytes) -> StatementImported | Problem:
    """Book the money that a statement says came in; the same statement again changes nothing.

    shapes   content: the CSV file; its form is in `settlement.bank_statement`
    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    statement = bank_statement.read_statement(content)
    incoming = [line for line in statement.entries if line.amount.units > 0]
    answers = await credit_bank_transfer(tx, actor, [_entry(line) for line in incoming]) if incoming else []
    booked = {line.entry_id: _answered(line, one) for line, one in zip(incoming, answers, strict=True)}
    paid = await _payouts(tx, [line for line in statement.entries if line.amount.units < 0])
    lines = [booked.get(line.entry_id) or paid.get(line.entry_id) or _outgoing(line) for line in statement.entries]
    lines += [LineRead(f"line {error.line}", "refused", None, None, dict(error.text)) for error in statement.errors]
    count = {
        name: sum(line.outcome == name for line in lines) for name in ("credited", "unmatched", "known", "refused")
    }
    return StatementImported(**count, lines=lines)


def _entry(line: Line) -> BankEntry:
    # The bank names a day, not a moment.
    return BankEntry(line.entry_id, line.reference, line.amount, datetime.combine(line.booked_on, time(), UTC))


def _answered(line: Line, one: Credited | Problem) -> LineRead:
    if isinstance(one, Problem):
        reason = {language: one.detail(language) for language in ("en", "zh")}
        return LineRead(line.entry_id, "refused", line.amount.to_wire(), None, reason)
    outcome = "known" if one.replayed else "credited" if one.organisation else "unmatched"
    return LineRead(line.entry_id, outcome, one.amount, one.organisation, None)


async def _payouts(tx: Tx, lines: list[Line]) -> dict[str, LineRead]:
    """Payouts that outgoing lines name with the right amount: banks without camt.053 tell of them so."""
    told = {line.entry_id: [id_ for prefix, id_ in named([line.reference]) if prefix == "pot"] for line in lines}
    wanted = [id_ for found in told.values() for id_ in found]
    known = await payouts.get_payouts(tx, wanted, lock=True) if wanted else {}
    about = {
        line.entry_id: entry
        for line, entry in zip(lines, await placed(tx, [_entry(one) for one in lines]), strict=True)
    }
    told_of = await payments.payouts_told(tx, list(about.values()))
    read: dict[str, LineRead] = {}
    for line in lines:
        for one in (known[id_] for id_ in told[line.entry_id] if id_ in known):
            if one.rail is not Rail.BANK or one.amount != -line.amount:
                continue
            whose = ids.text("org", one.organisation_id)
            if line.entry_id in told_of:
                if told_of[line.entry_id] == one.id:
                    read[line.entry_id] = LineRead(line.entry_id, "known", line.amount.to_wire(), whose, None)
                continue
            if one.state is not PayoutState.EXPORTED or one.id in told_of.values():
                # The bank tells of it a second time, under another name: a person asks the bank.
                continue
            (answer,) = await record_transfer(tx, [TransferResult(one.id, "paid")])
            if isinstance(answer, TransferRecorded):
                # The same line in a camt.053 file finds itself booked.
                await payments.insert_payout_entry(tx, about[line.entry_id], one)
                await batches.end_batches(tx, [one.id])
                told_of[line.entry_id] = one.id
                read[line.entry_id] = LineRead(line.entry_id, "paid", line.amount.to_wire(), whose, None)
    return read


def _outgoing(line: Line) -> LineRead:
    return LineRead(line.entry_id, "outgoing", line.amount.to_wire(), None, None)
