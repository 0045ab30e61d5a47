"""Who stands on papers in a small market: an operator, profiles, tax numbers, an agreement on self-billing."""

from __future__ import annotations

from uuid import UUID

from exchange.flows.self_billing import SelfBillingKept, accept_self_billing, offered_words
from exchange.kernel.db import Tx
from tests.support.settlement_market import BROKER, BUYER, OPERATOR, SELLER, Market, actor

USCC = {
    SELLER: "91110000600037341L",
    BUYER: "91310000132278105X",
    BROKER: "91440300708461136T",
    OPERATOR: "911100001000131476",
}
NAMES = {
    SELLER: "上海语料科技有限公司",
    BUYER: "北京智算中心有限公司",
    BROKER: "经纪有限公司",
    OPERATOR: "交易所有限公司",
}


async def operated(market: Market) -> None:
    """An operator runs the exchange."""

    async def flow(tx: Tx) -> None:
        await (await tx.driver()).execute(
            "INSERT INTO parties.organisation (id, name, roles, country, state, created_at) "
            "VALUES ($1, '{}', ARRAY['operator'], 'CN', 'verified', $2)",
            *(OPERATOR, tx.now),
        )

    await market.database.run(flow)


async def profiled(market: Market, *organisations: UUID, taxed: bool = True) -> None:
    """These say what is to stand on their papers."""

    async def flow(tx: Tx) -> None:
        driver = await tx.driver()
        for one in organisations:
            await driver.execute(
                "INSERT INTO parties.profile (organisation_id, version, legal_name, address, city, postcode, subdivision, "
                "country, language, created_at) VALUES ($1, 1, jsonb_build_object('zh', $2::text), ARRAY['张江路 88 号'], '上海市', "
                "'201203', '', 'CN', 'zh', $3)",
                *(one, NAMES.get(one, one.hex), tx.now),
            )

    await market.database.run(flow)
    for one in organisations if taxed else ():
        await market.register_for_tax(one, value=USCC[one])


async def agree(market: Market, payee: UUID) -> SelfBillingKept:
    """A payee accepts self-billing."""
    who = actor(payee, "supplier")
    said = await market.database.run(offered_words)
    assert said is not None
    kept = await market.database.run(lambda tx: accept_self_billing(tx, who, said.sha256))
    assert isinstance(kept, SelfBillingKept)
    return kept
