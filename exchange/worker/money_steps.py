"""The steps that speak with the payment provider: with no transaction open, each call written before it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog

from exchange.flows import (
    answer_chargeback,
    apply_event,
    ask_back,
    ask_provider,
    open_payout_account,
    pay_out,
    recover_debt,
    refund_to_card,
    top_up,
)
from exchange.flows.applied import Applied, CannotApply
from exchange.flows.apply_event import News
from exchange.flows.apply_object import PAY_TO_BANK, apply_object, state_before
from exchange.flows.call_provider import Begun
from exchange.flows.fed_by import fed_by
from exchange.flows.may_send import Stop
from exchange.flows.sale import Sales
from exchange.flows.store_event import STRIPE_EVENT, store_event
from exchange.kernel import ids
from exchange.kernel.db import Database, Tx
from exchange.kernel.files import FileStore
from exchange.kernel.metrics import OPEN_ITEMS
from exchange.kernel.money import Money
from exchange.worker.given_up import watched
from exchange.worker.loop import NotNow, Running, Step, StepRefused
from exchange.worker.pacing import pace
from settlement.gateway.stripe.answers import Made, Missing, Refused, Retry, Unknown
from settlement.gateway.stripe.calls import ENDPOINTS, Done, look, send
from settlement.gateway.stripe.client import StripeGateway
from settlement.gateway.stripe.sources import charge_of
from settlement.gateway.stripe.webhooks import API_VERSION, read_event
from settlement.provider_calls import OTHER_ANSWER, Call, Move
from settlement.provider_events import About
from settlement.provider_objects import (
    Account,
    BankPayout,
    Dispute,
    File,
    Payment,
    Refund,
    Reversal,
    Seen,
    Session,
    Setup,
    Transfer,
)
from settlement.store import provider_events
from settlement.transfer_sources import Charge, tie

_LOG = structlog.get_logger("money")
Result = Mapping[str, Any]
SWEEP_EVENTS = "sweep_events"
PAPER_MAX_BYTES = 4_500_000
# How often our side may move while we look before the job comes again later.
LOOKS_MAX = 3
# Stripe keeps events for thirty days; each look-through begins a little before the last one ended.
EVENTS_KEPT = timedelta(days=30)
OVERLAP = timedelta(minutes=10)
# Looked at each time, of those with something under way since; the others come in turn, long before their events are forgotten.
WATCHED_FOR = timedelta(days=14)
WATCHED_MAX = 200


class Begin(Protocol):
    """Begins a call, or says that there is nothing to do; `absent` is the call that a look-up found nothing of."""

    def __call__(self, tx: Tx, *, absent: UUID | None = None) -> Awaitable[Begun | Stop | None]:
        """Decide and write it down."""
        ...


@dataclass(frozen=True, slots=True)
class MoneySteps:
    """What these steps need; without a gateway only what was told is acted on, by what it says itself."""

    db: Database
    sales: Sales
    gateway: StripeGateway | None
    files: FileStore | None = None

    def table(self) -> dict[str, Step]:
        """The step of each kind of job; what needs the provider is left waiting where there is no key for it."""
        # The clock queues the next sweep: one that failed is no loss, and nobody has to ask for it again.
        regular: dict[str, Step] = {SWEEP_EVENTS: self.sweep_events}
        told: dict[str, Step] = {STRIPE_EVENT: self.stripe_event}
        outside: dict[str, Step] = {
            top_up.CHARGE_CARD: self.charge_card,
            pay_out.SEND_TRANSFER: self.send_transfer,
            PAY_TO_BANK: self.pay_to_bank,
            open_payout_account.OPEN_ACCOUNT: self.open_account,
            refund_to_card.REFUND_CARD: self.refund_card,
            recover_debt.RECOVER: self.recover,
            answer_chargeback.ANSWER_DISPUTE: self.answer_dispute,
        }
        return regular | watched(told | outside if self.gateway is not None else told)

    async def charge_card(self, running: Running) -> Result:
        """Ask for the money of a payment."""
        said = running.job.payload
        payment_id = ids.parse("pay", said["payment"])
        payer = ask_provider.Payer(self._stripe.settings.return_url, said.get("mandate") or {})
        begin = partial(
            ask_provider.begin_charge, payment_id=payment_id, payment_method=said["payment_method"], payer=payer
        )
        return await self._ask(begin)

    async def send_transfer(self, running: Running) -> Result:
        """Send a payout to the payee's account at the provider."""
        payout_id = ids.parse("pot", running.job.payload["payout"])
        tied = await self._tied(payout_id)
        return await self._ask(partial(ask_provider.begin_transfer, payout_id=payout_id, tied=tied))

    async def _tied(self, payout_id: UUID) -> Mapping[str, str] | None:
        """The charge that alone feeds a payout, as it stands at the provider now; None where it goes out without one."""
        feed = await self.db.run(partial(fed_by, payout_id=payout_id))
        if feed is None:
            return None
        await self._pace("fetch")
        charge = await charge_of(self._stripe, feed.intent)
        if isinstance(charge, Retry | Unknown):
            raise NotNow(f"{charge.code}: {charge.message}")
        return tie(feed, charge) if isinstance(charge, Charge) else None

    async def pay_to_bank(self, running: Running) -> Result:
        """Send a payout on to the payee's bank."""
        said = running.job.payload
        payout_id = ids.parse("pot", said["payout"])
        begin = partial(ask_provider.begin_bank_payout, payout_id=payout_id, step=said.get("step", 1))
        return await self._ask(begin)

    async def open_account(self, running: Running) -> Result:
        """Open a connected account for a payee."""
        said = running.job.payload
        organisation_id = ids.parse("org", said["organisation"])
        home = self._stripe.settings.country
        begin = partial(ask_provider.begin_account, organisation_id=organisation_id, country=said["country"], home=home)
        return await self._ask(begin)

    async def refund_card(self, running: Running) -> Result:
        """Send money of a wallet back to where it came from."""
        refund_id = ids.parse("crf", running.job.payload["refund"])
        return await self._ask(partial(ask_back.begin_refund, refund_id=refund_id))

    async def recover(self, running: Running) -> Result:
        """Bring back what a payee owes, as far as its account has it."""
        recovery_id = ids.parse("rcv", running.job.payload["recovery"])
        lies = await self.db.run(partial(ask_back.lies_at, recovery_id=recovery_id))
        if lies is None:
            return {"outcome": "known"}
        await self._pace("balance")
        there = await self._stripe.back.available(*lies)
        if isinstance(there, Retry | Unknown):
            raise NotNow(f"{there.code}: {there.message}")
        if isinstance(there, Refused):
            # An account that is gone has nothing.
            there = Money.zero(lies[1])
        return await self._ask(partial(ask_back.begin_recovery, recovery_id=recovery_id, there=there))

    async def answer_dispute(self, running: Running) -> Result:
        """Hand in what we say to a payer's bank: the paper first, then the words that name it."""
        said = running.job.payload
        chargeback_id = ids.parse("cbk", said["chargeback"])
        if said["sha256"]:
            assert self.files is not None, "papers are kept in the file store"
            content = await self.files.read(bytes.fromhex(said["sha256"]), PAPER_MAX_BYTES)
            begin = partial(ask_back.begin_file, chargeback_id=chargeback_id, size_bytes=said["size"])
            await self._ask(begin, content)
        return await self._ask(partial(ask_back.begin_evidence, chargeback_id=chargeback_id))

    async def stripe_event(self, running: Running) -> Result:
        """Look at what an event is about, and let it take its effect together with all that was told of it."""
        event_id = running.job.payload["event"]
        for _ in range(LOOKS_MAX):
            news = await self.db.run(partial(apply_event.take_news, event_id=event_id))
            if news is None:
                return {"outcome": "known"}
            seen, missing = await self._seen(news)
            applied = await self._applied(
                partial(apply_event.apply_news, sales=self.sales, news=news, seen=seen, missing=missing)
            )
            if applied is not None and not applied.again:
                return {"outcome": applied.outcome, "type": news.events[-1][1]}
        raise NotNow("our own side moved each time it was looked at")

    async def sweep_events(self, running: Running) -> Result:
        """Look through the provider's own list of events, so that one that was never delivered takes its effect too."""
        if self.gateway is None:
            return {"outcome": "no provider"}
        since = self.db.clock.now()
        watched = await self.db.run(
            partial(provider_events.watched_accounts, since=since - WATCHED_FOR, limit=WATCHED_MAX)
        )
        found = 0
        for number, account in enumerate(["", *watched]):
            found += await self._sweep(account, since)
            await running.progress(number + 1, len(watched) + 1)
        return {"accounts": len(watched), "found": found}

    async def _sweep(self, account: str, now: datetime) -> int:
        seen = await self.db.run(partial(provider_events.seen_until, account=account))
        since = max(seen, now - EVENTS_KEPT) - OVERLAP if seen else now - EVENTS_KEPT
        await self._pace("events")
        listed = await self._stripe.list_events(since, account or None)
        if not isinstance(listed, list):
            raise NotNow(f"{listed.code}: {listed.message}")
        settings, found = self._stripe.settings, 0
        for payload in listed:
            event = read_event(payload)
            stored = await self.db.run(partial(store_event, event=event, live=settings.live, api_version=API_VERSION))
            found += not stored.replayed
        await self.db.run(partial(provider_events.saw_until, account=account, until=now))
        return found

    # --- asking ----------------------------------------------------------------------------
    async def _ask(self, begin: Begin, content: bytes = b"") -> Result:
        """Bring one call as far as it goes now.

        shapes   content: of a file that is uploaded
        errors   NotNow where it has to come again, StepRefused where the books refuse what was done
        """
        begun = await self.db.run(begin)
        if isinstance(begun, Begun) and begun.move is Move.LOOK:
            found = await self._look(begun.call)
            if not isinstance(found, Missing):
                return await self._answered(begun.call, _told(found))
            begun = await self.db.run(partial(begin, absent=begun.call.id))
        if isinstance(begun, Stop):
            raise NotNow(begun.reason)
        if begun is None or begun.move is Move.KNOWN:
            return {"outcome": "known"}
        if begun.move is not Move.SEND:
            raise NotNow(f"{begun.call.key} is not found yet; it may still be under way")
        call = begun.call
        await self._pace(ENDPOINTS[call.kind])
        answer = await send(self._stripe, call, content)
        if isinstance(answer, Refused) and call.attempts > 1:
            # An earlier attempt may have gone through after all; a refusal frees the money, so it is looked for first.
            there = await self._look(call)
            answer = answer if isinstance(there, Missing) else _told(there)
        return await self._answered(call, answer)

    async def _look(self, call: Call) -> Done | Missing | Retry | Unknown:
        await self._pace(ENDPOINTS[call.kind])
        return await look(self._stripe, call)

    async def _answered(self, call: Call, answer: Done | Refused | Retry | Unknown) -> Result:
        if isinstance(answer, Done):
            done = partial(ask_provider.answer_done, sales=self.sales, call=call, made=answer.made)
            applied = await self._applied(done)
            return _result(applied, answer.made)
        if isinstance(answer, Refused):
            code = answer.decline_code or answer.code
            refused = partial(
                ask_provider.answer_refused,
                sales=self.sales,
                call=call,
                code=code,
                provider_id=answer.object_id,
                message=answer.message,
            )
            applied = await self._applied(refused)
            if applied is not None and applied.outcome == "waits":
                raise NotNow(f"{call.key} was refused for now: {answer.code}: {answer.message}")
            return {"outcome": "refused" if applied is not None else "taken over", "code": code}
        await self._applied(partial(ask_provider.answer_unknown, call=call, code=answer.code, message=answer.message))
        raise NotNow(f"{answer.code}: {answer.message}")

    async def _applied(self, flow: Callable[[Tx], Awaitable[Applied | None]]) -> Applied | None:
        """Run a flow, and raise the alarm for what it put before a person."""
        try:
            applied = await self.db.run(flow)
        except CannotApply as error:
            raise StepRefused(str(error)) from error
        for opened in applied.opened if applied is not None else ():
            OPEN_ITEMS.labels(opened.kind.value).inc()
            _LOG.error("open-item", kind=opened.kind.value, subject=opened.subject, account=opened.account)
        return applied

    # --- looking ---------------------------------------------------------------------------
    async def _seen(self, news: News) -> tuple[list[Seen], bool]:
        """The object as it stands, and whether the provider has no such object."""
        if self.gateway is None:
            return list(news.said), False
        if news.place.about in (About.ITEM, About.NOTHING):
            return [], False
        if news.look_at is None:
            return [], True
        found = await self._fetch(news.place.about, news.look_at, news.account)
        if isinstance(found, Retry | Unknown):
            raise NotNow(f"{found.code}: {found.message}")
        if isinstance(found, Dispute) and found.payment_id is not None:
            # A dispute can be told of before the payment that it is about.
            paid = await self._fetch(About.PAYMENT, found.payment_id, None)
            if not isinstance(paid, Payment):
                raise NotNow(f"{found.payment_id} could not be looked at")
            return [paid, found], False
        return ([], True) if isinstance(found, Refused) else ([found], False)

    async def look_at(self, about: About, object_id: str, payment: str | None = None) -> None:
        """Look at one object of the platform's, as after an event of it, and let it take its effect.

        shapes   payment: our payment as the object's metadata name it
        errors   NotNow
        """
        for _ in range(LOOKS_MAX):
            before = await self.db.run(partial(state_before, seen_name=payment, kind="pay"))
            found = await self._fetch(about, object_id, None)
            if isinstance(found, Retry | Unknown):
                raise NotNow(f"{found.code}: {found.message}")
            if isinstance(found, Refused):
                return
            if isinstance(found, Dispute) and found.payment_id is not None:
                # A dispute can be met before the payment that it is about.
                await self.look_at(About.PAYMENT, found.payment_id, payment)
            applied = await self._applied(partial(apply_object, sales=self.sales, seen=found, before=before))
            if applied is None or not applied.again:
                return

    async def _fetch(self, about: About, object_id: str, account: str | None) -> Made | Refused | Retry | Unknown:
        await self._pace("fetch")
        if about in (About.PAYMENT, About.CHARGE):
            return await self._stripe.fetch_payment(object_id)
        if about is About.SESSION:
            return await self._stripe.pages.fetch(object_id)
        if about is About.SETUP:
            return await self._stripe.keeping.fetch_setup(object_id)
        if about is About.REFUND:
            return await self._stripe.back.fetch_refund(object_id)
        if about is About.DISPUTE:
            return await self._stripe.back.fetch_dispute(object_id)
        if about is About.TRANSFER:
            return await self._stripe.fetch_transfer(object_id)
        if about is About.BANK_PAYOUT:
            return await self._stripe.fetch_bank_payout(object_id, account or "")
        return await self._stripe.fetch_account(object_id)

    async def _pace(self, endpoint: str) -> None:
        """Wait for a free moment, which all workers share."""
        await pace(self.db, self._stripe.settings, endpoint)

    @property
    def _stripe(self) -> StripeGateway:
        assert self.gateway is not None, "steps that need Stripe are offered only with a gateway"
        return self.gateway


def _told(found: Done | Retry | Unknown) -> Done | Unknown:
    """What a look-up has found. One that told nothing changes nothing of what is known of the call.

    errors   NotNow
    """
    if isinstance(found, Retry) or (isinstance(found, Unknown) and found.code != OTHER_ANSWER):
        raise NotNow(f"it could not be looked for: {found.code}: {found.message}")
    return found


def _result(applied: Applied | None, made: Made) -> Result:
    """What the owner of a job is told."""
    if applied is None:
        return {"outcome": "taken over"}
    match made:
        case Payment():
            return {"outcome": made.state, "intent": made.id, "redirect_url": made.redirect_url}
        case Account():
            return {"outcome": "active" if made.transfers_active else "restricted", "account": made.id}
        case Transfer():
            return {"outcome": "sent", "transfer": made.id}
        case BankPayout():
            return {"outcome": made.state, "payout": made.id}
        case Session():
            return {"outcome": made.state, "session": made.id, "redirect_url": made.url}
        case Refund() | Dispute() | Setup():
            return {"outcome": made.state, "object": made.id}
        case Reversal() | File():
            return {"outcome": "done", "object": made.id}
