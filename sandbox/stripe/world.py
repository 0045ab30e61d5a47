"""One Stripe: everything it remembers, its clock, and what is due on it."""

from __future__ import annotations

import heapq
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import stripe

from sandbox.stripe.faults import FaultPlan
from sandbox.stripe.options import Options
from sandbox.stripe.shapes import blank, knows
from sandbox.stripe.wire import Call, Json, Refusal, missing

PLATFORM = "acct_1SandboxPlatform"
API_VERSION = str(stripe.api_version)
VIRTUAL_START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEPT = (
    *("objects", "owners", "notes", "kinds", "counters", "purses", "answers", "attempts", "due", "outbox"),
    *("broken", "shift", "moment"),
)
Step = Callable[..., None]
Check = Callable[["World"], list[str]]
_STEPS: dict[str, Step] = {}
_CHECKS: list[Check] = []


def step(work: Step) -> Step:
    """Let `World.later` name this function; it runs when its time has come."""
    _STEPS[work.__name__] = work
    return work


def invariant(look: Check) -> Check:
    """Let `World.check` ask this function what is wrong."""
    _CHECKS.append(look)
    return look


@dataclass(slots=True)
class World:
    """The state, in memory; with a state file also on disk after every change.

    With a `moment` the clock is virtual: it stands still until `advance`. Without one it is the machine's.
    """

    faults: FaultPlan = field(default_factory=FaultPlan)
    options: Options = field(default_factory=Options)
    state_file: Path | None = None
    moment: float | None = None
    shift: float = 0.0
    objects: dict[str, Json] = field(default_factory=dict)
    # Which account an object belongs to, and what we know of it that Stripe does not tell.
    owners: dict[str, str] = field(default_factory=dict)
    notes: dict[str, Json] = field(default_factory=dict)
    kinds: dict[str, list[str]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    # account -> currency -> [available, pending]
    purses: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    answers: dict[str, Json] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    # Heap of [at, number, step, arguments].
    due: list[list[Any]] = field(default_factory=list)
    # Deliveries of events whose time has come, until somebody accepted them.
    outbox: list[Json] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    # --- time ------------------------------------------------------------------------------
    @property
    def clock(self) -> float:
        """Seconds since 1970 with their fractions."""
        return (time.time() if self.moment is None else self.moment) + self.shift

    @property
    def now(self) -> int:
        """Seconds since 1970, as Stripe writes them."""
        return int(self.clock)

    @property
    def virtual(self) -> bool:
        """Whether time passes by `advance` alone."""
        return self.moment is not None

    def later(self, delay_s: float, name: str, *arguments: Any) -> None:
        """Do a step when this much time has passed; steps of one moment run in the order they were asked for."""
        heapq.heappush(self.due, [self.clock + max(delay_s, 0.0), self.count("due"), name, list(arguments)])

    def later_once(self, delay_s: float, name: str, *arguments: Any) -> None:
        """The same, unless it waits already."""
        if not any(entry[2] == name and entry[3] == list(arguments) for entry in self.due):
            self.later(delay_s, name, *arguments)

    def advance(self, seconds: float = 0.0) -> None:
        """Let time pass and do what became due, each step at its own moment."""
        target = self.clock + seconds
        while self.due and self.due[0][0] <= target:
            at, _, name, arguments = heapq.heappop(self.due)
            if at > self.clock:
                self.shift += at - self.clock
            try:
                _STEPS[name](self, *arguments)
            except Exception:
                self.broken.append(f"{name} {arguments}: {traceback.format_exc()}")
                raise
        self.shift += max(target - self.clock, 0.0) if seconds else 0.0

    # --- ids -------------------------------------------------------------------------------
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
    def add(self, kind: str, account: str, made: Json, **notes: Any) -> Json:
        """Keep a new object and return it; `notes` never leave the process."""
        stamp = {"livemode": False, "created": self.now}
        full = {"object": kind, **blank(kind), **{n: v for n, v in stamp.items() if knows(kind, n)}, **made}
        self.objects[full["id"]] = full
        self.owners[full["id"]] = account
        if notes:
            self.notes[full["id"]] = notes
        self.kinds.setdefault(kind, []).append(full["id"])
        return full

    def note(self, object_id: str) -> Json:
        """What we know of an object that Stripe does not tell; may be changed."""
        return self.notes.setdefault(object_id, {})

    def get(self, kind: str, object_id: str, account: str, param: str = "id") -> Json:
        """The object, or the 404 that Stripe gives for what this account cannot see."""
        found = self.objects.get(object_id)
        if found is None or found["object"] != kind or self.owners[object_id] != account:
            raise missing(kind, object_id, param)
        return found

    def drop(self, object_id: str) -> Json:
        """Forget an object; answers what Stripe says then."""
        gone = self.objects.pop(object_id)
        self.kinds[gone["object"]].remove(object_id)
        return {"id": object_id, "object": gone["object"], "deleted": True}

    def every(self, kind: str) -> list[Json]:
        """All objects of a kind, oldest first, of every account."""
        return [self.objects[i] for i in self.kinds.get(kind, [])]

    def show(self, value: Any, expand: list[str] | None = None) -> Any:
        """A copy, with the asked ids replaced by their objects."""
        shown = _copy(value)
        for path in expand or []:
            self._expand(shown, path.split("."))
        return shown

    def _expand(self, at: Any, steps: list[str]) -> None:
        if isinstance(at, list):
            for item in at:
                self._expand(item, steps)
        elif isinstance(at, dict) and steps:
            if steps[0] not in at and knows(str(at.get("object")), steps[0]):
                return
            if steps[0] not in at:
                message = f"This property cannot be expanded ({'.'.join(steps)})."
                raise Refusal(400, message, param="expand")
            if isinstance(at[steps[0]], str) and at[steps[0]] in self.objects:
                at[steps[0]] = _copy(self.objects[at[steps[0]]])
            self._expand(at[steps[0]], steps[1:])

    # --- what a test asks ------------------------------------------------------------------
    def check(self) -> list[str]:
        """What is wrong here by our own account; nothing, whatever was asked of us and whatever went wrong."""
        return [*self.broken, *(said for look in _CHECKS for said in look(self))]

    def state(self) -> Json:
        """Everything a client could find out, for a test to compare: the same seed and calls give the same state."""
        shown = {kind: [self.show(self.objects[i]) for i in ids] for kind, ids in sorted(self.kinds.items())}
        purses = {
            account: {currency: list(held) for currency, held in sorted(purse.items())}
            for account, purse in sorted(self.purses.items())
        }
        return {
            "now": self.now,
            "objects": shown,
            "balances": purses,
            "transactions": shown.get("balance_transaction", []),
            "due": [[at, name, *arguments] for at, _, name, arguments in sorted(self.due)],
            "outbox": len(self.outbox),
        }

    # --- disk ------------------------------------------------------------------------------
    def save(self) -> None:
        """Write the whole state beside the old file and put it in its place."""
        if self.state_file is None:
            return
        draft = self.state_file.with_name(self.state_file.name + ".new")
        draft.write_bytes(msgspec.json.encode({"version": 2, **{name: getattr(self, name) for name in _KEPT}}))
        draft.replace(self.state_file)

    def load(self) -> bool:
        """Continue from the state file, if there is one; a file of an earlier layout is set aside."""
        if self.state_file is None or not self.state_file.exists():
            return False
        read = msgspec.json.decode(self.state_file.read_bytes())
        if read.pop("version", 1) != 2:
            self.state_file.replace(self.state_file.with_name(self.state_file.name + ".old"))
            return False
        for name, value in read.items():
            setattr(self, name, value)
        return True


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(below) for name, below in value.items()}
    if isinstance(value, list):
        return [_copy(below) for below in value]
    return value
