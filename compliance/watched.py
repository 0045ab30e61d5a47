"""What came of asking a witness, and what is wrong with an answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from compliance.notes import Checkpoint, SignatureLine

EVIDENCE_BYTES_MAX = 32_768


class Fault(StrEnum):
    """Why there is no cosignature."""

    AWAY = "away"
    """No answer in time, or one that says that it cannot answer now."""
    LOG_UNKNOWN = "log-unknown"
    """The witness was not told of this log."""
    KEY_REFUSED = "key-refused"
    """The witness trusts none of the log's keys."""
    ANSWER_MALFORMED = "answer-malformed"
    """An answer that is not of the protocol."""
    COSIGNATURE_WRONG = "cosignature-wrong"
    """No cosignature by the witness's key over this checkpoint."""
    TIME_WRONG = "cosignature-time-wrong"
    """A cosignature from the future."""
    WENT_BACK = "went-back"
    """It says that it saw less than it has cosigned before."""
    CLAIMS_MORE = "claims-more"
    """It says that it saw more of the log than there is, and shows no checkpoint that the log signed."""
    PROOF_REFUSED = "proof-refused"
    """It refuses a proof that holds, and shows no checkpoint that the log signed otherwise."""
    OTHER_HISTORY = "other-history"
    """It shows a checkpoint that the log's own key signed and that this log does not continue."""
    LOG_BEHIND = "log-behind"
    """It shows a checkpoint that the log's own key signed and that is longer than this log."""


# Nobody lies by being away, or by not having been told.
INNOCENT = frozenset({Fault.AWAY, Fault.LOG_UNKNOWN, Fault.KEY_REFUSED})
# What says that our own log has another history; the others are the witness's doing.
ABOUT_US = frozenset({Fault.OTHER_HISTORY, Fault.LOG_BEHIND})


@dataclass(frozen=True, slots=True)
class Observed:
    """One exchange with a witness over the checkpoint of `size`.

    `claimed` is the size the witness says it has seen; `shown` a checkpoint that the log's key signed and the witness
    holds against us, with its note in `evidence`.
    """

    witness: UUID
    size: int
    line: SignatureLine | None = None
    fault: Fault | None = None
    evidence: bytes = b""
    claimed: int | None = None
    shown: Checkpoint | None = None
