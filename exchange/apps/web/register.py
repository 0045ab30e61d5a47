"""Words and pages for the list of directives that everybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance import register_store
from compliance.directives import Kind
from compliance.register_store import Line
from exchange.kernel.db import Tx
from exchange.kernel.text import Text

SHOWN = 20
PAGES_MAX = 5_000
KINDS: Mapping[Kind, Text] = {
    "freeze": Text("Freeze: no sale and no data", "冻结：停止销售与数据交付"),
    "delist": Text("Delisting: no new sale", "下架：停止新的销售"),
    "preserve": Text("Preservation: nothing is erased", "保全：不得删除"),
    "disclose": Text("Disclosure: something is handed over", "披露：提交材料"),
    "inform": Text("Request for information", "询问：答复问题"),
}
# One of them, and several.
_SCOPE: Mapping[str, tuple[Text, Text]] = {
    "organisation": (Text("{n} organisation", "{n} 家机构"), Text("{n} organisations", "{n} 家机构")),
    "dataset": (Text("{n} dataset", "{n} 个数据集"), Text("{n} datasets", "{n} 个数据集")),
    "revision": (Text("{n} revision", "{n} 个版本"), Text("{n} revisions", "{n} 个版本")),
    "listing": (Text("{n} listing", "{n} 个上架产品"), Text("{n} listings", "{n} 个上架产品")),
    "offer": (Text("{n} offer", "{n} 个报价方案"), Text("{n} offers", "{n} 个报价方案")),
    "agreement": (Text("{n} agreement", "{n} 份合约"), Text("{n} agreements", "{n} 份合约")),
    "grant": (Text("{n} grant", "{n} 项使用权"), Text("{n} grants", "{n} 项使用权")),
    "order": (Text("{n} order", "{n} 笔订单"), Text("{n} orders", "{n} 笔订单")),
    "rule": (Text("{n} rule", "{n} 条规则"), Text("{n} rules", "{n} 条规则")),
    "by_rule": (
        Text("{n} dataset by rule", "依规则纳入 {n} 个数据集"),
        Text("{n} datasets by rule", "依规则纳入 {n} 个数据集"),
    ),
}


async def directives(tx: Tx, page: int) -> dict[str, Any]:
    """What the page shows of directives: counts of every kind, and a page of freezes and delistings."""
    found = await register_store.listed(tx, (page - 1) * SHOWN, SHOWN + 1)
    return {
        "counts": await register_store.counted(tx),
        "lines": [(one, _scope(one)) for one in found[:SHOWN]],
        "next_page": str(page + 1) if len(found) > SHOWN and page < PAGES_MAX else "",
        "previous_page": str(page - 1) if page > 1 else "",
        "kinds": KINDS,
    }


def _scope(one: Line) -> Text:
    parts = [(words[n > 1], n) for about, words in _SCOPE.items() if (n := one.scope.get(about, 0))]
    return Text(
        ", ".join(each.en.format(n=f"{n:,}") for each, n in parts),
        "、".join(each.zh.format(n=f"{n:,}") for each, n in parts),
    )
