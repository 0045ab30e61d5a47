"""How many persons are in a dataset: what a supplier declares for the rules on data that leaves its country. Pure.

A declaration is never changed: the next one follows it, and what was in force at a transfer stays known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from exchange.catalog.problems import PEOPLE_INVALID
from exchange.kernel.errors import Problem
from exchange.kernel.text import Text

PEOPLE_MAX = 10_000_000_000
DECLARATIONS_MAX = 1_000


class Exemption(StrEnum):
    """Why data may leave without a filing (CAC Order 16, articles 3 to 6)."""

    BUSINESS_WITHOUT_PERSONS = "business_without_persons"
    FOREIGN_ORIGIN = "foreign_origin"
    CONTRACT = "contract"
    PERSONNEL = "personnel"
    EMERGENCY = "emergency"
    FREE_TRADE_ZONE = "free_trade_zone"


class Way(StrEnum):
    """What the supplier did so that the data may leave."""

    NONE = "none"
    EXEMPT = "exempt"
    STANDARD_CONTRACT = "standard_contract"
    CERTIFICATION = "certification"
    SECURITY_ASSESSMENT = "security_assessment"


@dataclass(frozen=True, slots=True)
class PeopleDraft:
    """What a supplier hands in.

    shapes   document_sha256: the filing, certificate or decision, 32 bytes; valid_until: until when that holds
    units    persons, not rows: `personal` those with no sensitive data, `sensitive` those with some
    """

    personal: int
    sensitive: int
    important: bool
    critical_infrastructure: bool
    path: str
    exemption: str | None = None
    document_sha256: bytes | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PeopleDeclaration:
    """One declaration, numbered within its dataset."""

    id: UUID
    dataset_id: UUID
    supplier_id: UUID
    number: int
    personal: int
    sensitive: int
    important: bool
    critical_infrastructure: bool
    exemption: str | None
    path: str
    document_sha256: bytes | None
    valid_until: datetime | None
    created_at: datetime


def refuse(draft: PeopleDraft, personal_data: str) -> Problem | None:
    """What is wrong with a draft, or None.

    errors   answers PEOPLE_INVALID
    """
    if not (0 <= draft.personal <= PEOPLE_MAX and 0 <= draft.sensitive <= PEOPLE_MAX):
        return PEOPLE_INVALID(reason=Text(f"numbers of persons lie between 0 and {PEOPLE_MAX}", "人数超出范围"))
    if draft.path not in set(Way) or draft.exemption not in {None, *Exemption}:
        return PEOPLE_INVALID(
            reason=Text("the way or the exemption is none of those known", "路径或豁免情形不在列表中")
        )
    if (draft.path == Way.EXEMPT) != (draft.exemption is not None):
        return PEOPLE_INVALID(
            reason=Text(
                "an exemption is named where the way is exempt, and nowhere else", "仅当路径为 exempt 时须填写豁免情形"
            )
        )
    if draft.exemption == Exemption.BUSINESS_WITHOUT_PERSONS and (draft.personal or draft.sensitive or draft.important):
        return PEOPLE_INVALID(
            reason=Text(
                "article 3 is for data without persons and not important", "第三条仅适用于不含个人信息和重要数据的情形"
            )
        )
    if personal_data == "none" and (draft.personal or draft.sensitive):
        return PEOPLE_INVALID(
            reason=Text("the dataset is registered as one without personal data", "该数据集登记为不含个人信息")
        )
    return None
