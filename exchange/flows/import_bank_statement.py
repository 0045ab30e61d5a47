"""The operator hands in the bank's statement: every line is booked, known already, or refused with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, time

import msgspec

from exchange.flows.credit_bank_transfer import Credited, credit_bank_transfer
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from settlement import bank_statement
from settlement.bank_statement import BankEntry as Line
from settlement.payments import BankEntry


class LineRead(msgspec.Struct, frozen=True):
    """What became of one line. Outcome: credited, unmatched (nobody named), known, outgoing (not booked here), refused."""

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
    lines = [booked.get(line.entry_id) or _outgoing(line) for line in statement.entries]
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


def _outgoing(line: Line) -> LineRead:
    return LineRead(line.entry_id, "outgoing", line.amount.to_wire(), None, None)
