"""The records of article 12 of the Network Data Security Regulations: every provision of data to somebody else. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from compliance.reports.cross_border import is_abroad
from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind
from compliance.reports.trades import Opened, Source, Trade, at
from compliance.retention import keep_until
from exchange.kernel import ids
from exchange.kernel.text import Text

_LAW = "NDSR 12"


def rows(trade: Trade) -> Iterator[dict[str, Cell]]:
    """One row for each access that an order brought; none before it was paid."""
    for grant in trade.grants:
        source = (trade.sources or {}).get(grant.dataset_id)
        cells = {**_who(trade), **_what(trade, grant, source), **_when(grant)}
        yield TRANSFERS.row(cells, findings(trade, grant, source))
    if not trade.grants and (trade.sold is None or trade.agreement is None):
        yield TRANSFERS.row({**_who(trade), **_gone(trade)}, ["deleted-early"])


def findings(trade: Trade, grant: Opened, source: Source | None) -> list[str]:
    """What of article 12 is missing."""
    found = []
    if trade.agreement is None:
        found.append("deleted-early")
    elif trade.altered:
        found.append("agreement-altered")
    if not grant.purposes:
        found.append("no-purpose")
    personal = source is None or source.personal_data != "none"
    if personal and not (trade.terms and trade.terms.duties):
        found.append("no-security-duty")
    if personal and _abroad(trade) and not (source and source.cross_border_basis):
        found.append("transfer-without-safeguard")
    return found


def _abroad(trade: Trade) -> bool:
    return trade.seller is not None and trade.buyer is not None and is_abroad(trade.seller.country, trade.buyer.country)


def _who(trade: Trade) -> dict[str, Cell]:
    told = trade.told
    return {
        "leaf_index": told.leaf_index,
        "order": ids.text("ord", trade.order_id) if trade.order_id else None,
        "provider": ids.text("org", trade.seller_id) if trade.seller_id else None,
        "provider_country": trade.seller.country if trade.seller else None,
        "recipient": ids.text("org", trade.buyer_id) if trade.buyer_id else None,
        "recipient_country": trade.buyer.country if trade.buyer else None,
        "abroad": _abroad(trade),
        "contract": told.text("agreement"),
        # Who takes an agreement over signs an event; the log has the hash of that.
        "contract_sha256": told.digest("agreement") or told.digest("event"),
        "scope_sha256": told.digest("revision"),
    }


def _what(trade: Trade, grant: Opened, source: Source | None) -> dict[str, Cell]:
    terms = trade.terms
    return {
        "grant": ids.text("grt", grant.id),
        "purpose": " ".join(grant.purposes),
        "method": " ".join(terms.ways) if terms else None,
        "dataset": ids.text("ds", grant.dataset_id),
        "revision": ids.text("rev", grant.revision_id),
        "limits": grant.quota,
        "type": source.modality if source else None,
        "personal_data": source.personal_data if source else None,
        "legal_basis": source.legal_basis if source else None,
        "cross_border_basis": source.cross_border_basis if source else None,
        "security_duties": " ".join(terms.duties) if terms else None,
        "terms_sha256": terms.terms_sha256 if terms else None,
    }


def _when(grant: Opened) -> dict[str, Cell]:
    ended = grant.ends_at
    return {
        "started_at": at(grant.starts_at),
        "ended_at": at(ended),
        "state": grant.state,
        "retention_until": None if ended is None else at(keep_until(ended)),
    }


def _gone(trade: Trade) -> dict[str, Cell]:
    names = (
        "grant", "purpose", "method", "dataset", "revision", "limits", "type", "personal_data", "legal_basis",
        "cross_border_basis", "security_duties", "terms_sha256", "started_at", "ended_at", "state", "retention_until",
    )  # fmt: skip
    return dict.fromkeys(names)


TRANSFERS = Kind(
    "transfers",
    Text("Records of data provided to others", "数据提供处理记录"),
    "Network Data Security Regulations (NDSR), article 12; PIPL article 23",
    Text(
        "One row for each right to use data that an order of the period brought, or that was passed on in it: to whom, for which purposes, in which ways, "
        "what, with which duties, from when to when, and until when the record is kept. All data is listed, personal or not.",
        "期间内订单产生或转让的每项使用权一行：提供给谁、目的、方式、范围、种类、安全保护义务、起止时间及记录保存期限。"
        "无论是否含个人信息均予列出。",
    ),
    (
        Column(
            "leaf_index",
            Text("Entry", "日志序号"),
            Text(
                "Index in the log of the order, or of the agreement's transfer to another buyer.",
                "订单条目（或合约转让给另一买方的条目）在日志中的序号。",
            ),
        ),
        Column("order", Text("Order", "订单"), Text("The order.", "订单标识。")),
        Column("provider", Text("Provider", "提供方"), Text("Who provides the data.", "提供数据的机构。"), _LAW),
        Column(
            "provider_country", Text("Provider's country", "提供方所在国家或地区"), Text("ISO 3166.", "ISO 3166 代码。")
        ),
        Column("recipient", Text("Recipient", "接收方"), Text("Who gets it.", "接收数据的机构。"), _LAW),
        Column(
            "recipient_country",
            Text("Recipient's country", "接收方所在国家或地区"),
            Text("ISO 3166.", "ISO 3166 代码。"),
        ),
        Column(
            "abroad",
            Text("Abroad", "是否出境"),
            Text("Whether it leaves mainland China.", "是否向境外提供。"),
            "NDSR 35",
        ),
        Column("contract", Text("Contract", "合约"), Text("The agreement.", "合约标识。"), _LAW),
        Column(
            "contract_sha256",
            Text("Contract's hash", "合约哈希"),
            Text(
                "As it stands in the log: of the agreement, or of the event that passed it on.",
                "日志中所载的哈希值：合约，或将其转让的事件文件。",
            ),
            _LAW,
        ),
        Column(
            "scope_sha256",
            Text("Scope's hash", "范围哈希"),
            Text("The revision's hash in the order's entry.", "订单条目中所载版本的哈希值。"),
            _LAW,
        ),
        Column("grant", Text("Access", "使用权"), Text("The right to use.", "使用权标识。")),
        Column(
            "purpose",
            Text("Purpose", "目的"),
            Text("Purposes agreed, space between.", "约定的用途，以空格分隔。"),
            _LAW,
        ),
        Column(
            "method",
            Text("Method", "方式"),
            Text("files: whole files; rows: records.", "files：整文件；rows：按记录。"),
            _LAW,
        ),
        Column("dataset", Text("Dataset", "数据集"), Text("What is provided.", "所提供的数据集。"), _LAW),
        Column("revision", Text("Revision", "版本"), Text("Which version of it.", "具体版本。"), _LAW),
        Column(
            "limits",
            Text("Limits", "限额"),
            Text("How much of it at most; empty: all.", "最多可取得的数量；空白表示全部。"),
            _LAW,
        ),
        Column("type", Text("Type", "种类"), Text("What one record is.", "单条记录的类型。"), _LAW),
        Column(
            "personal_data",
            Text("Personal data", "个人信息"),
            Text("none, pseudonymised or contains.", "none（无）、pseudonymised（去标识化）、contains（包含）。"),
            _LAW,
        ),
        Column(
            "legal_basis",
            Text("Legal basis", "合法性基础"),
            Text("As the supplier states it.", "供应方的说明。"),
            "PIPL 13, 23",
        ),
        Column(
            "cross_border_basis",
            Text("Basis abroad", "出境依据"),
            Text("As the supplier states it.", "供应方的说明。"),
            "PIPL 38",
        ),
        Column(
            "security_duties",
            Text("Duties", "安全保护义务"),
            Text("The duties that the terms put on the recipient.", "条款规定的接收方义务。"),
            _LAW,
        ),
        Column(
            "terms_sha256", Text("Terms' hash", "条款哈希"), Text("The terms agreed.", "所约定条款的哈希值。"), _LAW
        ),
        Column("started_at", Text("From", "开始时间"), Text("UTC.", "协调世界时。"), _LAW),
        Column("ended_at", Text("To", "结束时间"), Text("UTC; empty: no end.", "协调世界时；空白表示无期限。"), _LAW),
        Column(
            "state",
            Text("State", "状态"),
            Text("active, suspended or ended, when this was made.", "生成报告时的状态：active、suspended、ended。"),
        ),
        Column(
            "retention_until",
            Text("Kept until", "保存至"),
            Text(
                "Three years after the end at least; empty: no end yet, kept on.",
                "至少为结束后三年；空白表示尚未结束，持续保存。",
            ),
            _LAW,
        ),
        FINDINGS_COLUMN,
    ),
)
