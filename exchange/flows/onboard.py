"""A payee is sent to the payment provider's page to complete its account there."""

from __future__ import annotations

import msgspec

from compliance import store as audit
from exchange.flows.once import done
from exchange.kernel import ids
from exchange.kernel.actor import Actor
from exchange.kernel.db import Tx
from exchange.kernel.errors import FORBIDDEN, Problem
from exchange.parties.roles import PAYEES, PAYEES_NAMED
from settlement.payout_accounts import PayoutAccountState
from settlement.payouts import Rail
from settlement.store import payout_accounts
from settlement.stripe_problems import NOT_ONBOARDABLE


class OnboardingLink(msgspec.Struct, frozen=True):
    """Where to go now: one visit, a few minutes."""

    url: str


async def onboardable(tx: Tx, actor: Actor) -> str | Problem:
    """The provider's name of the payee's account, as its portal sees it.

    errors   answers forbidden, no-onboarding
    """
    if not PAYEES & actor.roles:
        return FORBIDDEN(needs=PAYEES_NAMED)
    accounts = await payout_accounts.own_accounts(tx, actor)
    found = next((one for one in accounts if one.rail is Rail.STRIPE), None)
    if found is None or found.destination is None or found.state is PayoutAccountState.REFUSED:
        return NOT_ONBOARDABLE(state=found.state.value if found is not None else "absent")
    return found.destination


async def link_made(tx: Tx, actor: Actor, url: str) -> OnboardingLink:
    """Note that a link was given out; the link itself is not kept in the log."""
    await audit.append(tx, [done(actor, "payout-account.link", ids.text("org", actor.organisation_id))])
    return OnboardingLink(url)
