"""Plans in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from pricing import plans, words


def said(model: dict[str, Any], meter: str | None = None, period: str | None = None) -> tuple[str, str]:
    component = {"id": "a", "meter": meter, "period": period, "model": model, "title": {"en": "Use", "zh": "用量"}}
    plan = plans.load({"type": "plan", "v": 1, "currency": "CNY", "components": [component]})
    (text,) = words.describe(plan)
    return text.en, text.zh


@pytest.mark.parametrize(
    ("model", "meter", "period", "english", "chinese"),
    [
        (
            {"type": "one_off", "amount": "1200"},
            None,
            None,
            "Use: CNY 1,200.00 once, when you order",
            "用量：下单时一次性支付 CNY 1,200.00",
        ),
        (
            {"type": "flat", "amount": "99.5", "in_advance": False},
            None,
            "year",
            "Use: CNY 99.50 per year, in arrears",
            "用量：每年 CNY 99.50，期末支付",
        ),
        (
            {"type": "per_unit", "unit_price": "0.05"},
            "files",
            None,
            "Use: CNY 0.05 per file",
            "用量：每个文件 CNY 0.05",
        ),
        (
            {"type": "per_unit", "unit_price": "0.000002"},
            "tokens",
            None,
            "Use: CNY 2.00 per million tokens",
            "用量：每百万词元 CNY 2.00",
        ),
        (
            {"type": "package", "size": 1000, "amount": "3"},
            "records",
            None,
            "Use: CNY 3.00 for each block of 1,000 records begun",
            "用量：每 1,000 条记录（不足一包按一包计）CNY 3.00",
        ),
        (
            {"type": "included", "quantity": 500, "overage": None},
            "records",
            "month",
            "Use: 500 records per month included; use stops there",
            "用量：每月包含 500 条记录，用完即止",
        ),
        (
            {"type": "graduated", "tiers": [{"up_to": 100, "unit_price": "1"}, {"unit_price": "0.5"}]},
            "requests",
            None,
            "Use: each tier's price for the units inside it: CNY 1.00 per request up to 100; CNY 0.50 per request beyond",
            "用量：分段累进计价：100 以内 每次请求 CNY 1.00；以上部分 每次请求 CNY 0.50",
        ),
    ],
)
def test_each_model_has_its_sentence(
    model: dict[str, Any], meter: str | None, period: str | None, english: str, chinese: str
) -> None:
    assert said(model, meter, period) == (english, chinese)
