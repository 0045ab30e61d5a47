"""Records of processing (GDPR, article 30): what the operator says, and beside it who really receives personal data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind
from compliance.reports.trades import Source, at
from compliance.retention import keep_until
from exchange.kernel import ids
from exchange.kernel.text import Text

_TEXTS = ("purpose", "subjects", "data", "recipients", "erasure", "security")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may use, or could use, a dataset with people in it.

    shapes   `ends_at` None: some of its grants have no end
    """

    dataset_id: UUID
    provider_id: UUID
    provider_country: str
    buyer_id: UUID
    buyer_country: str
    grants: int
    starts_at: datetime
    ends_at: datetime | None


def declared_rows(document: bytes | None) -> Iterator[dict[str, Cell]]:
    """The operator's own record, an activity a row; one row that says so where there is none."""
    if document is None:
        yield PROCESSING.row({**_blank(), "section": "activity"}, ["no-processing-record"])
        return
    record: dict[str, Any] = msgspec.json.decode(document)
    for activity in record["activities"]:
        texts = {f"{name}_{lang}": activity[name][lang] for name in _TEXTS for lang in ("en", "zh")}
        transfers = activity["transfers"]
        cells = {
            **_blank(),
            **texts,
            "section": "activity",
            "id": activity["id"],
            "role": activity["role"],
            "countries": " ".join(one["country"] for one in transfers),
            "safeguards": " | ".join(f"{one['country']}: {one['safeguard']['en']}" for one in transfers),
        }
        yield PROCESSING.row(cells)


def recipient_row(one: Recipient, source: Source) -> dict[str, Cell]:
    """One recipient of one dataset with people in it."""
    away = one.provider_country != one.buyer_country
    cells: dict[str, Cell] = {
        **_blank(),
        "section": "recipient",
        "id": ids.text("ds", one.dataset_id),
        "role": "processor",
        "data_en": source.personal_data,
        "data_zh": source.personal_data,
        "provider": ids.text("org", one.provider_id),
        "recipient": ids.text("org", one.buyer_id),
        "countries": one.buyer_country,
        "safeguards": source.cross_border_basis if away else None,
        "legal_basis": source.legal_basis,
        "grants": one.grants,
        "started_at": at(one.starts_at),
        "ended_at": at(one.ends_at),
        "retention_until": None if one.ends_at is None else at(keep_until(one.ends_at)),
    }
    return PROCESSING.row(cells, ["transfer-without-safeguard"] if away and not source.cross_border_basis else [])


def controllers(document: bytes | None) -> Mapping[str, Any]:
    """Who answers for the processing, for the head of the report."""
    record: dict[str, Any] = {} if document is None else msgspec.json.decode(document)
    return {name: value for name, value in record.items() if name != "activities" and value is not None}


def _blank() -> dict[str, Cell]:
    return {one.name: None for one in PROCESSING.columns if one is not FINDINGS_COLUMN}


def _texts() -> Iterator[Column]:
    words = {
        "purpose": ("Purpose", "目的", "30(1)(b)"),
        "subjects": ("Categories of persons", "数据主体类别", "30(1)(c)"),
        "data": ("Categories of data", "数据类别", "30(1)(c)"),
        "recipients": ("Categories of recipients", "接收方类别", "30(1)(d)"),
        "erasure": ("Time limits for erasure", "删除期限", "30(1)(f)"),
        "security": ("Security measures", "安全措施", "30(1)(g)"),
    }
    for name in _TEXTS:
        en, zh, article = words[name]
        for code, tag in (("en", "English"), ("zh", "Chinese")):
            said = Text(
                f"As the operator states it, in {tag}.", f"运营方的说明（{'英文' if code == 'en' else '中文'}）。"
            )
            column = Text(f"{en} ({code})", f"{zh}（{code}）")
            yield Column(f"{name}_{code}", column, said, f"GDPR {article}")


PROCESSING = Kind(
    "processing",
    Text("Records of processing", "处理活动记录"),
    "GDPR, article 30; EU standard contractual clauses, clause 8",
    Text(
        "First the operator's own record of its activities, a row each; then every recipient of every dataset that holds data "
        "about people, as the rights to use stand: who provides it, who gets it, where, on which basis, until when.",
        "先列运营方自行登记的处理活动，每项一行；再列每个涉及个人信息的数据集的每个接收方（依现有使用权）："
        "提供方、接收方、所在国家或地区、依据及期限。",
    ),
    (
        Column(
            "section",
            Text("Section", "部分"),
            Text(
                "activity: declared by the operator; recipient: from the tables.",
                "activity：运营方登记；recipient：系统数据。",
            ),
        ),
        Column("id", Text("Id", "标识"), Text("The activity, or the dataset.", "处理活动或数据集的标识。")),
        Column(
            "role",
            Text("Role", "角色"),
            Text(
                "The exchange's own: controller or processor.",
                "交易所的角色：controller（控制者）或 processor（处理者）。",
            ),
            "GDPR 30(1), 30(2)",
        ),
        *_texts(),
        Column("provider", Text("Provider", "提供方"), Text("The supplier.", "供应方。"), "GDPR 30(2)(a)"),
        Column("recipient", Text("Recipient", "接收方"), Text("The buyer.", "买方。"), "GDPR 30(1)(d)"),
        Column(
            "countries",
            Text("Countries", "国家或地区"),
            Text("Where it goes (ISO 3166).", "数据去向（ISO 3166 代码）。"),
            "GDPR 30(1)(e)",
        ),
        Column(
            "safeguards",
            Text("Safeguards", "保障措施"),
            Text("On what the transfer rests.", "跨境提供的依据。"),
            "GDPR 30(1)(e)",
        ),
        Column("legal_basis", Text("Legal basis", "合法性基础"), Text("As the supplier states it.", "供应方的说明。")),
        Column("grants", Text("Rights to use", "使用权数"), Text("How many.", "使用权数量。")),
        Column("started_at", Text("From", "开始时间"), Text("The first one's start.", "最早的开始时间。")),
        Column(
            "ended_at",
            Text("To", "结束时间"),
            Text("The last one's end; empty: none.", "最晚的结束时间；空白表示无期限。"),
        ),
        Column(
            "retention_until",
            Text("Kept until", "保存至"),
            Text("How long the record of it is kept at least.", "相关记录至少保存至此时。"),
            "GDPR 30(1)(f)",
        ),
        FINDINGS_COLUMN,
    ),
)
