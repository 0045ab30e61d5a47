"""A listing on sale, made over HTTP by the parties that would make it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.flows.profile_revision import ScorecardReceipt, profile_revision
from exchange.kernel import ids
from tests.support.api import Market, Party

TITLE = {"en": "Tang poems", "zh": "唐诗三百首"}
SUMMARY = {
    "en": "Classical Chinese poetry with authors, one poem per line.",
    "zh": "带作者信息的中国古典诗歌语料库，每行一首。",
}
DATASET = {
    "title": TITLE,
    "description": SUMMARY,
    "modality": "text",
    "languages": ["zh-Hans"],
    "personal_data": "none",
    "licence": "MIT",
    "provenance": {"en": "Works of the Tang dynasty, typed by us", "zh": "唐代作品，由我方录入"},
    "cross_border_basis": "no personal data",
}
POEMS = ("床前明月光，疑是地上霜。", "白日依山尽，黄河入海流。", "春眠不觉晓，处处闻啼鸟。", "千山鸟飞绝，万径人踪灭。")
CONTENT = b"".join(
    json.dumps({"text": f"{poem}第{n}首"}, ensure_ascii=False).encode() + b"\n" for n in range(20) for poem in POEMS
)
STATEMENT = {"en": "We read every poem.", "zh": "我们逐首阅读。"}


def component(model: dict[str, Any], meter: str | None = None, period: str | None = None) -> dict[str, Any]:
    """One component of a plan."""
    title = {"en": "Price", "zh": "价格"}
    return {"id": f"c_{model['type']}", "title": title, "meter": meter, "period": period, "model": model}


def offer_document(kind: str = "one_off", *components: dict[str, Any], currency: str = "CNY") -> dict[str, Any]:
    """An offer's document."""
    parts = components or (component({"type": "one_off", "amount": "300.00"}),)
    plan = {"type": "plan", "v": 1, "currency": currency, "time_zone": "Asia/Shanghai", "components": list(parts)}
    return {
        "type": "offer",
        "v": 1,
        "kind": kind,
        "currency": currency,
        "plan": plan,
        "terms": {"type": "terms", "v": 1, "prevailing_language": "zh", "spdx": "CC-BY-4.0"},
        "delivery": {"files": True, "rows": True},
        "shares": [{"role": "supplier", "weight": 8800}, {"role": "platform", "weight": 1200}],
    }


@dataclass(frozen=True, slots=True)
class OnSale:
    """A published listing and what it came from."""

    supplier: Party
    assessor: Party
    dataset: str
    revision: str
    scorecard: str
    certificate: str
    listing: str
    offer: str


async def uploaded(m: Market, supplier: Party, dataset: str, path: str, content: bytes) -> str:
    """A complete upload."""
    wish = {"path": path, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    upload: str = (await m.done(supplier, f"/supplier/v1/datasets/{dataset}/uploads", wish))["id"]
    headers = {**supplier.headers, "upload-offset": "0"}
    sent = await m.http.patch(f"/supplier/v1/uploads/{upload}", content=content, headers=headers)
    assert sent.status_code == 204, sent.text
    finished = await m.done(supplier, f"/supplier/v1/uploads/{upload}/completion")
    assert finished["state"] == "complete"
    return upload


async def measured(m: Market, supplier: Party, dataset: str, *uploads: str) -> tuple[str, str]:
    """A sealed revision and its scorecard; the worker's step is done here."""
    wish = {"uploads": list(uploads)}
    revision: str = (await m.done(supplier, f"/supplier/v1/datasets/{dataset}/revisions", wish))["id"]
    card = await profile_revision(m.services.db, m.services.files, ids.parse("rev", revision))
    assert isinstance(card, ScorecardReceipt), card
    return revision, card.scorecard


async def certified(m: Market, supplier: Party, assessor: Party, revision: str) -> str:
    """A signed certificate of a measured revision."""
    path = f"/supplier/v1/revisions/{revision}/assessments"
    assessment = (await m.done(supplier, path, {"assessor": assessor.organisation}))["assessment"]
    await m.done(assessor, f"/assessor/v1/assessments/{assessment}/acceptance")
    wish = {"statement": STATEMENT, "scope": "full", "valid_days": 365}
    signed = await m.done(assessor, f"/assessor/v1/assessments/{assessment}/certificate", wish)
    certificate: str = signed["certificate"]
    return certificate


async def on_sale(m: Market, content: bytes = CONTENT, said: Mapping[str, Any] = DATASET) -> OnSale:
    """A supplier, an assessor, and a listing that is published; `said` is what the supplier registers of the data."""
    supplier, assessor = await m.join("supplier"), await m.join("assessor")
    dataset = (await m.done(supplier, "/supplier/v1/datasets", dict(said)))["id"]
    upload = await uploaded(m, supplier, dataset, "poems.jsonl", content)
    revision, scorecard = await measured(m, supplier, dataset, upload)
    certificate = await certified(m, supplier, assessor, revision)
    wish = {"revision": revision, "title": TITLE, "summary": SUMMARY}
    listing = (await m.done(supplier, "/supplier/v1/listings", wish))["id"]
    path = f"/supplier/v1/listings/{listing}"
    offer = (await m.done(supplier, f"{path}/offers", {"code": "once", "document": offer_document()}))["id"]
    published = await m.done(supplier, f"{path}/publication")
    assert published["state"] == "published"
    return OnSale(supplier, assessor, dataset, revision, scorecard, certificate, listing, offer)
