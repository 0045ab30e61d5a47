"""The operator answers a payer's bank with our own papers: the agreement, and what was taken under it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import msgspec

from compliance import store as audit
from exchange.access.store import course
from exchange.flows.call_provider import CALL_ATTEMPTS
from exchange.flows.once import done, worded
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, NOT_FOUND, Problem
from settlement.chargebacks import Chargeback, ChargebackState
from settlement.store import chargebacks, orders
from settlement.stripe_problems import CHARGEBACK_STATE

ANSWER_DISPUTE = "answer_dispute"
_OPEN = frozenset({ChargebackState.INQUIRY, ChargebackState.NEEDS_RESPONSE})
# Stripe takes 150,000 characters of text in all.
# source: https://docs.stripe.com/api/disputes/update#update_dispute-evidence
TEXT_MAX = 20_000


class Paper(msgspec.Struct, frozen=True):
    """A file that goes along, as it is kept here: the agreement as people read it."""

    sha256: str
    size_bytes: int


class ChargebackAnswered(msgspec.Struct, frozen=True):
    """An answer that a job hands in; a bank reads one answer."""

    id: str
    dispute: str
    job: str


async def answer_chargeback(
    tx: Tx, actor: Actor, chargeback_id: UUID, note: str, paper: Paper | None
) -> ChargebackAnswered | Problem:
    """Keep what is said, and queue the calls that hand it in.

    errors   answers forbidden, not-found, chargeback-state where it is answered, over or past its day
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    one = (await chargebacks.get_chargebacks(tx, [chargeback_id], lock=True)).get(chargeback_id)
    if one is None:
        return NOT_FOUND()
    late = one.due_at is not None and one.due_at <= tx.now
    if one.state not in _OPEN or one.note is not None or late:
        return CHARGEBACK_STATE(state=one.state.value if not late else "past_due")
    sha256 = bytes.fromhex(paper.sha256) if paper is not None else None
    await chargebacks.save_chargeback(tx, replace(one, note=note, evidence_sha256=sha256))
    name = ids.text("cbk", one.id)
    payload = {"chargeback": name, "sha256": paper.sha256 if paper else "", "size": paper.size_bytes if paper else 0}
    (job_id,) = await jobs.put(tx, jobs.Job(ANSWER_DISPUTE, str(one.id), payload, attempts_max=CALL_ATTEMPTS))
    entry = done(actor, "chargeback.answer", name, one.organisation_id, **({"paper": sha256} if sha256 else {}))
    await audit.append(tx, [worded(entry, note=note.encode())])
    return ChargebackAnswered(name, one.provider_ref, ids.text("job", job_id))


async def evidence_of(tx: Tx, one: Chargeback, file_id: str | None) -> dict[str, str]:
    """What is said to the payer's bank: what was sold and agreed, when it was used, and the operator's own words.

    shapes   fields as Stripe names them; texts have ids, moments and amounts, and nothing about a person
    """
    said = {"uncategorized_text": (one.note or "")[:TEXT_MAX]}
    if file_id is not None:
        said["service_documentation"] = file_id
    if one.order_id is None:
        return said
    order = (await orders.get_orders(tx, [one.order_id])).get(one.order_id)
    if order is None:
        return said
    used = await course.course_of(tx, one.order_id)
    said["product_description"] = (
        f"Licence to use a dataset. Order {ids.text('ord', order.id)}, agreement {ids.text('agr', order.agreement_id)}, "
        f"{order.price}."
    )
    said["service_date"] = (order.paid_at or order.created_at).date().isoformat()
    lines = [f"{order.created_at.isoformat()} ordered, agreement {ids.text('agr', order.agreement_id)} signed"]
    lines += [
        f"{grant.created_at.isoformat()} access granted ({ids.text('grt', grant.id)}): {', '.join(grant.purposes)}"
        for grant in used.grants
    ]
    lines += [f"{token.at.isoformat()} token taken to read the data" for token in used.tokens]
    lines += [f"used until now: {use.quantity} {use.meter} in {use.n} records" for use in used.used]
    said["access_activity_log"] = "\n".join(lines)[:TEXT_MAX]
    return said
