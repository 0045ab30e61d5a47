"""What the operator may set about money."""

from __future__ import annotations

from dataclasses import dataclass, field

from settlement.payout_minimums import Minimums, minimums_of


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """How to reach Stripe; without `api_base` it is the real one, without a key there are no cards.

    units    timeout_s in seconds, for one request
    """

    api_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    """Secret of the endpoint /hooks/stripe; two, separated by a comma, while one replaces the other."""
    connect_webhook_secret: str = field(default="", repr=False)
    """Secret of the Connect endpoint /hooks/stripe-connect, which hears of the payees' accounts; two likewise."""
    api_base: str | None = None
    country: str = ""
    """Country of the exchange's own Stripe account, two letters: payees there are opened under Stripe's full agreement, all others, and all where it is empty, under the one for recipients."""
    return_url: str = ""
    """Where a payer comes back to after paying on another page; the exchange's own address when empty. The payment's id is added."""
    timeout_s: float = 20.0
    calls_per_s: float = 80.0
    """Calls per second of all workers together; Stripe takes 100 with a live key and 25 with a test key."""
    endpoint_calls_per_s: float = 20.0
    """Calls per second of all workers together to one endpoint; Stripe takes 25."""

    @property
    def live(self) -> bool:
        """Whether the key moves real money."""
        return self.api_key.startswith(("sk_live", "rk_live"))


@dataclass(frozen=True, slots=True)
class SettlementSettings:
    """What happens to the books by the clock."""

    books_close_after_days: int = 0
    """How many days after a month's end (UTC) its books are closed where it is settled; 0 = only when told to."""
    provider_events_kept_days: int = 30
    """How many days the payload of a handled event of the payment provider is kept; it may name the card's holder."""
    previews_kept_days: int = 90
    """How many days the preview of a settlement run is kept."""
    run_processes: int = 2
    """How many processes do a large settlement run, the one that leads it included; 1 = that one alone."""
    payout_minimums: str = ""
    """The least payout by currency and rail, such as `EUR:stripe:25,CNY:bank:100`; what is less waits, until December."""
    dunning_open_days: int = 1
    """How many days after a charge could not be paid the buyer is told that it is owed."""
    dunning_remind_days: int = 3
    """After how many days it is reminded."""
    dunning_last_notice_days: int = 10
    """After how many days it is told for the last time."""
    dunning_suspend_days: int = 20
    """After how many days the grants behind what is unpaid are suspended; 0 = never."""

    @property
    def minimums(self) -> Minimums:
        """How little is paid out.

        errors   raises BadMinimums
        """
        return minimums_of(self.payout_minimums)
