"""Everything this Stripe remembers: objects, balances, events, answers by idempotency key."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import stripe

from sandbox.stripe.faults import FaultPlan
from sandbox.stripe.wire import Call, Json, Refusal, missing

PLATFORM = "acct_1SandboxPlatform"
API_VERSION = str(stripe.api_version)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Fields of ours that never leave the process.
_HIDDEN = frozenset(("_account", "_delivered", "_bank", "_pay"))


@dataclass(frozen=True, slots=True)
class Options:
    """How this Stripe behaves where Stripe itself has settings or test clocks."""

    fee_bps: int = 0
    settle_s: float = 0.0
    payout_s: float = 0.5
    hang_s: float = 30.0
    require_onboarding: bool = False


@dataclass(slots=True)
class World:
    """The state, in memory; with a state file also on disk after every change."""

    faults: FaultPlan = field(default_factory=FaultPlan)
    options: Options = field(default_factory=Options)
    state_file: Path | None = None
    objects: dict[str, Json] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    available: dict[str, dict[str, int]] = field(default_factory=dict)
    pending: list[list[Any]] = field(default_factory=list)
    answers: dict[str, Json] = field(default_factory=dict)
    child_calls: list[list[Any]] = field(default_factory=list)
    fresh_events: list[str] = field(default_factory=list)

    # --- time, ids -------------------------------------------------------------------------
    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    def count(self, name: str) -> int:
        """The next number of a named series, from 1."""
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]

    def new_id(self, prefix: str, *basis: object) -> str:
        """An id that depends on the seed and on what it is made for, so that a rerun names things alike."""
        about = "/".join(map(str, basis))
        number = self.count(f"id/{prefix}/{about}")
        digest = sha256(f"{self.faults.seed}/{prefix}/{about}/{number}".encode()).digest()
        return f"{prefix}_" + "".join(_LETTERS[byte % 62] for byte in digest[:24])

    def basis(self, call: Call) -> str:
        """What new ids of this request are derived from."""
        return f"{call.account}/{call.key}" if call.key else f"{call.account}/n{self.count('keyless')}"

    # --- objects ---------------------------------------------------------------------------
    def add(self, kind: str, account: str, made: Json) -> Json:
        """Keep a new object and return it."""
        full = {"object": kind, "livemode": False, "created": self.now, **made, "_account": account}
        self.objects[full["id"]] = full
        self.kinds.setdefault(kind, []).append(full["id"])
        return full

    def get(self, kind: str, object_id: str, account: str, param: str = "id") -> Json:
        """The object, or the 404 that Stripe gives for what this account cannot see."""
        found = self.objects.get(object_id)
        if found is None or found["object"] != kind or found["_account"] != account:
            raise missing(kind, object_id, param)
        return found

    def page(self, kind: str, call: Call, **equal: Any) -> Json:
        """One page of a kind, newest first, with Stripe's cursors."""
        return cut(self.rows(kind, call, **equal), call)

    def rows(self, kind: str, call: Call, **equal: Any) -> list[Json]:
        """The account's objects of a kind, newest first, whose fields equal what is given."""
        rows = [self.objects[i] for i in reversed(self.kinds.get(kind, []))]
        rows = [row for row in rows if row["_account"] == call.account]
        for name, value in equal.items():
            if value is not None:
                rows = [row for row in rows if row.get(name) == value]
        return [row for row in rows if _in_range(row["created"], call.params.get("created"))]

    def show(self, value: Any, expand: list[str] | None = None) -> Any:
        """A copy without our own fields, with the asked ids replaced by their objects."""
        shown = _public(value)
        for path in expand or []:
            self._expand(shown, path.split("."))
        return shown

    def _expand(self, at: Any, steps: list[str]) -> None:
        if isinstance(at, list):
            for item in at:
                self._expand(item, steps)
        elif isinstance(at, dict) and steps:
            if steps[0] not in at:
                message = f"This property cannot be expanded ({'.'.join(steps)})."
                raise Refusal(400, message, param="expand")
            if isinstance(at[steps[0]], str) and at[steps[0]] in self.objects:
                at[steps[0]] = _public(self.objects[at[steps[0]]])
            self._expand(at[steps[0]], steps[1:])

    # --- money -----------------------------------------------------------------------------
    def book(self, account: str, kind: str, amount: int, currency: str, source: str, *, fee: int = 0) -> Json:
        """Write a balance transaction and move the account's balance by its net."""
        delay_s = self.options.settle_s if kind in ("charge", "payment") and amount > 0 else 0.0
        entry = self.add(
            "balance_transaction",
            account,
            {
                "id": self.new_id("txn", source, kind),
                "amount": amount,
                "available_on": self.now + int(delay_s),
                "currency": currency,
                "description": None,
                "exchange_rate": None,
                "fee": fee,
                "fee_details": [_fee(fee, currency)] if fee else [],
                "net": amount - fee,
                "reporting_category": kind,
                "source": source,
                "status": "pending" if delay_s else "available",
                "type": kind,
            },
        )
        if delay_s:
            self.pending.append([time.time() + delay_s, account, currency, amount - fee, entry["id"]])
        else:
            self._move(account, currency, amount - fee)
        return entry

    def balance(self, account: str, currency: str) -> int:
        """What can be sent now, in the currency's smallest coin."""
        self._mature()
        return self.available.get(account, {}).get(currency, 0)

    def balances(self, account: str) -> Json:
        """The balance object of one account."""
        self._mature()
        waiting: dict[str, int] = {}
        for _, owner, currency, amount, _ in self.pending:
            if owner == account:
                waiting[currency] = waiting.get(currency, 0) + amount
        ready = self.available.get(account, {})
        return {
            "object": "balance",
            "available": [_amount(c, a) for c, a in sorted(ready.items())],
            "pending": [_amount(c, waiting.get(c, 0)) for c in sorted({*ready, *waiting})],
            "livemode": False,
        }

    def _move(self, account: str, currency: str, amount: int) -> None:
        purse = self.available.setdefault(account, {})
        purse[currency] = purse.get(currency, 0) + amount

    def _mature(self) -> None:
        moment = time.time()
        for due, account, currency, amount, entry_id in [p for p in self.pending if p[0] <= moment]:
            self._move(account, currency, amount)
            self.objects[entry_id]["status"] = "available"
            self.pending.remove([due, account, currency, amount, entry_id])

    # --- events ----------------------------------------------------------------------------
    def emit(
        self, kind: str, about: Json, account: str | None = None, call: Call | None = None, **previous: Any
    ) -> Json:
        """Record an event about `about` as it is now; the sender picks it up after the commit."""
        owner = account or about.get("_account", PLATFORM)
        data: Json = {"object": _public(about)}
        if previous:
            data["previous_attributes"] = previous
        made: Json = {
            "id": self.new_id("evt", kind, about.get("id", owner)),
            "api_version": API_VERSION,
            "data": data,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": call.key if call else None},
            "type": kind,
            "_delivered": False,
        }
        if owner != PLATFORM:
            made["account"] = owner
        event = self.add("event", owner, made)
        self.fresh_events.append(event["id"])
        return event

    # --- disk ------------------------------------------------------------------------------
    def save(self) -> None:
        """Write the whole state beside the old file and put it in its place."""
        if self.state_file is None:
            return
        names = ("objects", "kinds", "counters", "available", "pending", "answers", "child_calls")
        draft = self.state_file.with_name(self.state_file.name + ".new")
        draft.write_bytes(msgspec.json.encode({name: getattr(self, name) for name in names}))
        draft.replace(self.state_file)

    def load(self) -> None:
        """Continue from the state file, if there is one; undelivered events are sent again."""
        if self.state_file is None or not self.state_file.exists():
            return
        for name, value in msgspec.json.decode(self.state_file.read_bytes()).items():
            setattr(self, name, value)
        events = [self.objects[i] for i in self.kinds.get("event", [])]
        self.fresh_events = [e["id"] for e in events if not e["_delivered"]]


def cut(rows: list[Json], call: Call) -> Json:
    """One page of `rows` as a Stripe list."""
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Refusal(400, "This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    ids = [row["id"] for row in rows]
    for name in ("starting_after", "ending_before"):
        if name in call.params and call.params[name] not in ids:
            raise missing(rows[0]["object"] if rows else "object", call.params[name], name)
    if "starting_after" in call.params:
        rows = rows[ids.index(call.params["starting_after"]) + 1 :]
    elif "ending_before" in call.params:
        rows = rows[: ids.index(call.params["ending_before"])]
        shown = rows[-limit:]
        return {"object": "list", "data": shown, "has_more": len(rows) > limit, "url": call.path}
    return {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit, "url": call.path}


def _in_range(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, int):
        return created == wanted
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](value) for name, value in wanted.items())


def _public(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _public(below) for name, below in value.items() if name not in _HIDDEN}
    if isinstance(value, list):
        return [_public(below) for below in value]
    return value


def _amount(currency: str, amount: int) -> Json:
    return {"amount": amount, "currency": currency, "source_types": {"card": amount}}


def _fee(fee: int, currency: str) -> Json:
    return {"amount": fee, "application": None, "currency": currency, "description": "fees", "type": "stripe_fee"}
