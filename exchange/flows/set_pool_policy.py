"""The operator says how the supplier incentive pool is given away, from a month on; everybody may read it."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.canonical import sha256
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.kernel.keys import Keyring
from exchange.kernel.money import units_of
from exchange.kernel.text import Text
from settlement import pools
from settlement.pools import PoolPolicy, PoolWish
from settlement.problems import POOL_POLICY_INVALID
from settlement.store import pools as store
from settlement.store import weights

_UNKNOWN = Text("is no measured weight vector", "不是已测量的权重向量")


class PoolPolicyReceipt(msgspec.Struct, frozen=True):
    """A policy as it was signed; it holds for its month and later ones, until the next version begins."""

    id: str
    currency: str
    version: int
    from_month: str
    by: str
    sha256: str


async def set_pool_policy(tx: Tx, actor: Actor, keyring: Keyring, wish: PoolWish) -> PoolPolicyReceipt | Problem:
    """Sign the next version of a currency's policy; months that are over keep theirs.

    errors   answers forbidden, pool-policy-invalid
    """
    if "operator" not in actor.roles:
        return FORBIDDEN(needs="operator")
    if problem := pools.refusal(wish, tx.now):
        return problem
    digest = None
    if wish.vector_id is not None:
        vector = await weights.find_vector(tx, wish.vector_id)
        if vector is None:
            return POOL_POLICY_INVALID(field="vector", why=_UNKNOWN)
        digest = sha256(vector.document)
    await store.lock_pool(tx, wish.currency)
    policy_id, version = tx.new_id(), await store.next_version(tx, wish.currency)
    document = pools.write(policy_id, version, wish, digest)
    signature = keyring.sign("split", document)
    made = PoolPolicy(
        policy_id,
        wish.currency,
        version,
        wish.from_month,
        wish.time_zone,
        wish.by,
        units_of(wish.percent),
        wish.vector_id,
        document,
        sha256(document),
        signature.kid,
        signature.value,
        actor.organisation_id,
        tx.now,
    )
    await store.insert_policy(tx, made)
    name = ids.text("ppl", policy_id)
    await audit.append(tx, [done(actor, "pool_policy.set", name, document=made.sha256)])
    return PoolPolicyReceipt(name, made.currency, version, made.from_month, made.by.value, made.sha256.hex())
