"""The log of the intermediation activity (DGA, article 12(o)): quotes, negotiations, orders, transfers, as the log has them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind
from compliance.reports.trades import Told
from exchange.kernel.text import Text

# The stage of an action is that of the longest beginning that fits.
STAGES: Mapping[str, str] = {
    "quote": "quote",
    "auction.": "quote",
    "bid.": "quote",
    "negotiation.": "negotiation",
    "agreement.": "agreement",
    "purchase": "order",
    "order.": "order",
    "grant.change-offer": "order",
    "refund": "order",
    "grant.": "transfer",
    "token.grant": "transfer",
    "delivery.": "transfer",
    "usage.report": "transfer",
}


def stage_of(action: str) -> str | None:
    """Where in a trade an action belongs; None: it is no intermediation."""
    fits = [one for one in STAGES if action.startswith(one)]
    return STAGES[max(fits, key=len)] if fits else None


def patterns() -> list[str]:
    """The same for a database, as patterns of LIKE."""
    return [f"{one}%" for one in STAGES]


def row(told: Told) -> dict[str, Cell]:
    """One entry."""
    said = told.envelope
    cells: dict[str, Cell] = {
        "leaf_index": told.leaf_index,
        "entry": said["id"],
        "at": said["at"],
        "stage": stage_of(said["action"]),
        "action": said["action"],
        "outcome": said["outcome"],
        "problem": said["problem"],
        "organisation": said["actor"]["organisation"],
        "object": said["object"]["id"],
        "agreement": said["agreement"],
        "concerned": " ".join(said["organisations"]),
        "rule_set": said["rule_set"],
        "digests": " ".join(f"{name}:{value}" for name, value in sorted(said["digests"].items())),
    }
    return INTERMEDIATION.row(cells)


_LAW = "DGA 12(o)"
INTERMEDIATION = Kind(
    "intermediation",
    Text("Log of the intermediation activity", "数据中介活动日志"),
    "Data Governance Act (Regulation (EU) 2022/868), article 12(o)",
    Text(
        "Every quote, negotiation, agreement, order and transfer of the period, done or refused, in the order of the log and "
        "as it stands there: each row can be proven with an export of the same entry.",
        "期间内的每次询价、协商、签约、下单与提供，无论成功或被拒绝，按日志顺序原样列出；每行均可凭同一条目的导出证明。",
    ),
    (
        Column("leaf_index", Text("Entry", "日志序号"), Text("Index in the log.", "在日志中的序号。"), _LAW),
        Column("entry", Text("Entry id", "条目标识"), Text("The entry's own id.", "条目自身的标识。")),
        Column("at", Text("At", "时间"), Text("UTC.", "协调世界时。"), _LAW),
        Column(
            "stage",
            Text("Stage", "阶段"),
            Text(
                "quote, negotiation, agreement, order or transfer.",
                "quote（询价）、negotiation（协商）、agreement（合约）、order（订单）、transfer（提供）。",
            ),
            _LAW,
        ),
        Column("action", Text("Action", "操作"), Text("What was done.", "所做的操作。"), _LAW),
        Column(
            "outcome", Text("Outcome", "结果"), Text("done or refused.", "done（完成）或 refused（被拒绝）。"), _LAW
        ),
        Column("problem", Text("Refusal", "拒绝原因"), Text("Why it was refused.", "被拒绝的原因代码。"), _LAW),
        Column("organisation", Text("Organisation", "机构"), Text("Who acted.", "操作机构。"), _LAW),
        Column("object", Text("Object", "对象"), Text("On what.", "操作对象。"), _LAW),
        Column("agreement", Text("Agreement", "合约"), Text("Under which agreement.", "所依据的合约。")),
        Column("concerned", Text("Concerned", "相关机构"), Text("Everybody concerned.", "所涉及的全部机构。"), _LAW),
        Column("rule_set", Text("Rule set", "规则集"), Text("The rules it was decided by.", "所依据的规则版本。")),
        Column(
            "digests",
            Text("Hashes", "哈希"),
            Text("Documents as name:SHA-256.", "相关文件，格式为 名称:SHA-256。"),
        ),
        FINDINGS_COLUMN,
    ),
)
