"""The steps that keep a buyer's card at the payment provider, and let it go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from exchange.flows import keep_payment_method as flow
from exchange.kernel import ids
from exchange.kernel.db import Database
from exchange.worker.loop import NotNow, Running, Step
from exchange.worker.pacing import pace
from settlement.gateway.stripe.answers import Refused, Retry, Unknown
from settlement.gateway.stripe.client import StripeGateway


@dataclass(frozen=True, slots=True)
class MethodSteps:
    """What these steps need. No money moves here: what nobody answered is asked again under its key, which names the method."""

    db: Database
    gateway: StripeGateway | None

    def table(self) -> dict[str, Step]:
        """The step of each kind of job; without a key for the provider they wait."""
        return {} if self.gateway is None else {flow.KEEP_METHOD: self.keep, flow.DROP_METHOD: self.drop}

    async def keep(self, running: Running) -> Mapping[str, Any]:
        """Check a card with its bank and keep it under the buyer's customer."""
        name = running.job.payload["method"]
        method_id = ids.parse(flow.PREFIX, name)
        found = await self.db.run(partial(flow.method_to_keep, method_id=method_id))
        if found is None:
            return {"outcome": "known"}
        one, customer = found
        if customer is None:
            organisation = ids.text("org", one.organisation_id)
            await self._pace("customers")
            made = await self._stripe.keeping.customer(organisation, f"customer:{organisation}")
            if not isinstance(made, str):
                raise NotNow(f"{made.code}: {made.message}")
            kept = partial(flow.customer_made, organisation_id=one.organisation_id, provider_ref=made)
            customer = await self.db.run(kept)
        await self._pace("setup_intents")
        page = self._stripe.settings.return_url
        back = f"{page}{'&' if '?' in page else '?'}method={name}" if page else ""
        answer = await self._stripe.keeping.set_up(name, customer, one.given, back, f"method:{name}")
        if isinstance(answer, Retry | Unknown):
            raise NotNow(f"{answer.code}: {answer.message}")
        if isinstance(answer, Refused):
            refused = partial(flow.setup_refused, method_id=method_id, code=answer.decline_code or answer.code)
            return {"outcome": (await self.db.run(refused)).outcome}
        return {"outcome": (await self.db.run(partial(flow.apply_setup, seen=answer))).outcome}

    async def drop(self, running: Running) -> Mapping[str, Any]:
        """Let the provider forget a card; one that it has forgotten is let go already."""
        method_id = ids.parse(flow.PREFIX, running.job.payload["method"])
        given = await self.db.run(partial(flow.method_to_drop, method_id=method_id))
        if given is None:
            return {"outcome": "nothing kept"}
        await self._pace("payment_methods")
        answer = await self._stripe.keeping.detach(given)
        if isinstance(answer, Retry | Unknown):
            raise NotNow(f"{answer.code}: {answer.message}")
        return {"outcome": "gone" if isinstance(answer, str) else answer.code}

    async def _pace(self, endpoint: str) -> None:
        await pace(self.db, self._stripe.settings, endpoint)

    @property
    def _stripe(self) -> StripeGateway:
        assert self.gateway is not None, "without a provider there are no such steps"
        return self.gateway
