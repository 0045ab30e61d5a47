"""Weight vectors: what each supplier of a product contributed, as a signed document that anybody can recompute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

from exchange.kernel import ids
from exchange.kernel.canonical import canonical, sha256_hex
from settlement.splits import Role, Share, ordered
from settlement.weighing import WEIGHTS_TOTAL, Difference, differences, exact, weigh

TYPE, VERSION, PURPOSE = "weight-vector", 1, "agreement"
# (key id, signed bytes, signature) -> whether that key made it; a Keyring's `verify` is one.
Verify = Callable[[str, bytes, bytes], bool]


class WeightState(StrEnum):
    """Where a weight vector stands; it follows from what was said and measured."""

    WAITING = "waiting"
    DECLINED = "declined"
    MEASURING = "measuring"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered, by whom, and who is asked to agree; `sha256` is over the canonical document of the order."""

    id: UUID
    subject: str
    method: str
    utility: str
    ordered_by: UUID
    asked: tuple[UUID, ...]
    sha256: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlayerWeight:
    """What one payee contributed: its exact value and its whole weight of WEIGHTS_TOTAL."""

    organisation_id: UUID
    value: Fraction
    weight: int


@dataclass(frozen=True, slots=True)
class WeightVector:
    """A measured vector; `document` is canonical and signed."""

    id: UUID
    subject: str
    version: int
    ordered_by: UUID
    document: bytes
    kid: str
    signature: bytes
    created_at: datetime

    @property
    def players(self) -> tuple[PlayerWeight, ...]:
        """Each payee's value and weight."""
        return tuple(
            PlayerWeight(ids.parse("org", one["organisation"]), exact(one["value"]), one["weight"])
            for one in self._result["players"]
        )

    @property
    def residual_weight(self) -> int:
        """What is nobody's: taken from copies, and never given to those who are left."""
        weight: int = self._result["residual"]["weight"]
        return weight

    @property
    def robust(self) -> str:
        """Against what the vector is proof: `copies`, `accounts` or `owners`."""
        found: str = self._result["robust"]
        return found

    def shares(self, residual: tuple[Role, UUID | None] = (Role.PLATFORM, None)) -> tuple[Share, ...]:
        """Shares to split money by, in their fixed order; they sum to WEIGHTS_TOTAL.

        shapes   who contributed nothing has no share; `residual`: who holds what is nobody's, the platform if not said
        """
        shares = [Share(Role.SUPPLIER, one.organisation_id, one.weight) for one in self.players if one.weight]
        if self.residual_weight:
            shares.append(Share(*residual, self.residual_weight))
        return ordered(shares)

    @property
    def _result(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = msgspec.json.decode(self.document)["result"]
        return found


def result_of(inputs: bytes) -> dict[str, Any]:
    """The weights that follow from inputs; takes up to some seconds.

    errors   BadInputs
    """
    return weigh(msgspec.json.decode(inputs))


def vector_document(
    order: Order, version: int, inputs: bytes, result: Mapping[str, Any], measured_at: datetime
) -> bytes:
    """The canonical bytes that are signed: `result_of(inputs)`, and what it was measured for."""
    stated = msgspec.json.decode(inputs)
    return canonical(
        {
            "type": TYPE,
            "v": VERSION,
            "id": ids.text("wgt", order.id),
            "subject": order.subject,
            "version": version,
            "ordered_by": ids.text("org", order.ordered_by),
            "order_sha256": order.sha256.hex(),
            **{name: stated[name] for name in ("method", "utility", "parameters")},
            "inputs_sha256": sha256_hex(inputs),
            "result": dict(result),
            "weights_total": WEIGHTS_TOTAL,
            "measured_at": measured_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }
    )


def recompute(document: bytes, inputs: bytes) -> tuple[Difference, ...]:
    """Every line of a vector's document that its inputs do not give; none where it holds.

    errors   BadInputs for inputs from which nothing follows, ValueError for what is no JSON
    """
    return tuple(differences(msgspec.json.decode(document), msgspec.json.decode(inputs), inputs))


def holds(vector: WeightVector, inputs: bytes, keys: Verify) -> bool:
    """Whether the exchange signed just this document, and every line of it follows from the inputs."""
    return keys(vector.kid, vector.document, vector.signature) and not recompute(vector.document, inputs)


def state_of(order: Order, answers: Mapping[UUID, bool], *, measured: bool) -> WeightState:
    """Where an order stands, by who agreed and whether it was measured."""
    if measured:
        return WeightState.MEASURED
    if not all(answers.values()):
        return WeightState.DECLINED
    return WeightState.MEASURING if set(answers) >= set(order.asked) else WeightState.WAITING
