"""What a request with a wrong form is told: by public names, with the words that are right, in the reader's language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts import terms
from tests.support.api import Market, market

READ = "/buyer/v1/negotiations"


@pytest.fixture
async def m(database_url: str, tmp_path: Path) -> AsyncIterator[Market]:
    async with market(database_url, tmp_path) as made:
        yield made


async def test_wrong_queries_are_named_as_the_document_names_them(m: Market) -> None:
    buyer, supplier = await m.join("buyer"), await m.join("supplier")
    for language, wanted in (
        ("en", ["state: must be one of REQUESTED, OFFERED, ", ", TERMINATED, not 'banana'"]),
        ("zh", ["state：须为 REQUESTED, OFFERED, ", ", TERMINATED 之一，不能为 'banana'"]),
    ):
        headers = {**buyer.headers, "accept-language": language}
        answer = await m.http.get(f"{READ}?state=banana", headers=headers)
        assert answer.status_code == 400
        for part in wanted:
            assert part in answer.json()["detail"]
        assert "standing" not in answer.text
    answer = await m.get(supplier, "/supplier/v1/datasets/ds_01m80jwmabesg81hwe4cc73nw9/rights", state="banana")
    assert "state: must be one of declared, expired, withdrawn, not 'banana'" in answer.json()["detail"]
    answer = await m.http.get("/catalog/v1/datasets/ds_01m80jwmabesg81hwe4cc73nw9/data-contract?format=xml")
    assert "format: must be one of json, yaml, not 'xml'" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "en", "zh"),
    [
        (b'{"offer": ', "truncated", "请求内容不完整"),
        (b'{"offer": tru}', "malformed", "JSON 格式有误（第 "),
        (b'{"ofer": "x"}', "unknown field `ofer`", "含有未知字段 ofer"),
        (b"{}", "missing required field `offer`", "缺少必填字段 offer"),
        (b'{"offer": 7}', "Expected `str`, got `int`", "须为文本，不能为整数"),
        (b'{"offer": "x", "purposes": []}', "length >= 1", "长度不少于 1"),
        (
            b'{"offer": "ofr_nonsense", "purposes": ["pretrain"], "payment": "wallet"}',
            "must be ofr_ and 26 letters and digits, not 'ofr_nonsense'",
            "须为 ofr_ 加 26 位字母与数字",
        ),
        (
            b'{"offer": "x", "purposes": ["pretrain"], "payment": "gold"}',
            "one of account, card, wallet",
            "account, card, wallet 之一",
        ),
        (b"", "a body in JSON is wanted", "须提供 JSON 请求内容"),
    ],
)
async def test_a_wrong_body_is_explained_in_both_languages(m: Market, body: bytes, en: str, zh: str) -> None:
    buyer = await m.join("buyer")
    for language, wanted in (("en", en), ("zh", zh)):
        headers = {
            **buyer.headers,
            "accept-language": language,
            "content-type": "application/json",
            "idempotency-key": f"k-{language}",
        }
        answer = await m.http.post("/buyer/v1/orders", content=body, headers=headers)
        assert answer.status_code == 400, answer.text
        assert wanted in answer.json()["detail"]


def test_an_unlisted_licence_is_named_in_both_languages() -> None:
    document = {"type": "terms", "v": 1, "prevailing_language": "en", "spdx": "MIT-9"}
    (problem,) = terms.parse(document)  # type: ignore[misc]
    assert problem.detail("en").endswith("SPDX does not list MIT-9.")
    assert "SPDX 未收录 MIT-9" in problem.detail("zh")
    assert "Unknown" not in problem.detail("zh")
