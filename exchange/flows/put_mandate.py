"""A supplier gives a broker a mandate to introduce buyers; the exchange signs it."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import decimal_text
from exchange.kernel.text import Text
from exchange.parties import store as parties
from settlement import mandates
from settlement.mandates import MandateWish, SignedMandate
from settlement.problems import MANDATE_INVALID
from settlement.store import mandates as store

_NO_BROKER = Text("is no verified broker here", "不是本交易所已核验的经纪机构")


class MandateReceipt(msgspec.Struct, frozen=True):
    """A mandate as it was signed."""

    id: str
    broker: str
    percent: str
    starts_at: str
    ends_at: str
    tail_until: str
    sha256: str


async def put_mandate(tx: Tx, actor: Actor, keyring: Keyring, wish: MandateWish) -> MandateReceipt | Problem:
    """Sign a mandate; it counts for sales by a rule that has a step `mandate`.

    errors   answers mandate-invalid
    """
    made = mandates.make(tx.new_id(), actor.organisation_id, wish, tx.now)
    if isinstance(made, Problem):
        return made
    broker = await parties.find_organisation(tx, made.broker_id)
    if broker is None or broker.state != "verified" or "broker" not in broker.roles:
        return MANDATE_INVALID(field="broker", why=_NO_BROKER)
    document = mandates.write(made)
    signature = keyring.sign("split", document)
    await store.insert_mandate(tx, SignedMandate(made, document, sha256(document), signature.kid, signature.value))
    name = ids.text("mnd", made.id)
    await audit.append(tx, [done(actor, "mandate.put", name, made.broker_id, document=sha256(document))])
    return MandateReceipt(
        id=name,
        broker=ids.text("org", made.broker_id),
        percent=decimal_text(made.share),
        starts_at=made.starts_at.isoformat().replace("+00:00", "Z"),
        ends_at=made.ends_at.isoformat().replace("+00:00", "Z"),
        tail_until=made.tail_until.isoformat().replace("+00:00", "Z"),
        sha256=sha256(document).hex(),
    )
