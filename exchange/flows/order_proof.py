"""The operator has clients' money proved without waiting for the day's proof."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids, jobs
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem

PROVE_MONEY = "prove_money"


class ProofOrdered(msgspec.Struct, frozen=True):
    """The job that looks at every place and writes the proofs."""

    job: str


async def order_proof(tx: Tx, actor: Actor) -> ProofOrdered | Problem:
    """Queue the job that reconciles, asks for the balances and proves that clients' money is there.

    errors   answers forbidden
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    name = ids.text("rsc", tx.new_id())
    (job_id,) = await jobs.put(tx, jobs.Job(PROVE_MONEY, name, {}))
    await audit.append(tx, [done(actor, "money-proof.order", name)])
    return ProofOrdered(ids.text("job", job_id))
