"""The records of article 33 of the Data Security Law: every order with its source statement, both parties' checks, its papers. Pure."""

from __future__ import annotations

from compliance.reports.shape import FINDINGS_COLUMN, Cell, Column, Kind
from compliance.reports.trades import Identity, Trade, at
from exchange.kernel import ids
from exchange.kernel.text import Text

_LAW = "DSL 33"


def row(trade: Trade) -> dict[str, Cell]:
    """One order."""
    told, source, terms, sold = trade.told, trade.source(), trade.terms, trade.sold
    opened = min(trade.grants, key=lambda one: one.created_at, default=None)
    used = [one.first_used_at for one in trade.grants if one.first_used_at is not None]
    cells: dict[str, Cell] = {
        "leaf_index": told.leaf_index,
        "entry": told.text("id"),
        "ordered_at": told.text("at"),
        "order": told.envelope["object"]["id"],
        **_party("buyer", trade.buyer),
        **_party("seller", trade.seller),
        "offer": ids.text("ofr", trade.offer_id) if trade.offer_id else None,
        "offer_sha256": told.digest("offer"),
        "dataset": ids.text("ds", opened.dataset_id) if opened else None,
        "revision": ids.text("rev", opened.revision_id) if opened else None,
        "revision_sha256": told.digest("revision"),
        "source_en": source.provenance.get("en") if source else None,
        "source_zh": source.provenance.get("zh") if source else None,
        "source_sha256": source.digest.hex() if source else None,
        "data_licence": source.licence if source else None,
        "licence": terms.licence if terms else None,
        "terms_sha256": terms.terms_sha256 if terms else None,
        "agreement": told.text("agreement"),
        "agreement_sha256": told.digest("agreement"),
        "price": sold.price if sold else None,
        "currency": sold.currency if sold else None,
        "payment": sold.payment if sold else None,
        "paid_at": at(sold.paid_at) if sold else None,
        "grant": ids.text("grt", opened.id) if opened else None,
        "delivered_at": at(opened.created_at) if opened else None,
        "first_used_at": at(min(used)) if used else None,
        "rule_set": told.text("rule_set"),
    }
    return TRANSACTIONS.row(cells, findings(trade))


def findings(trade: Trade) -> list[str]:
    """What of article 33 is missing or does not fit."""
    found = [*_of_party("buyer", trade.buyer), *_of_party("seller", trade.seller)]
    if trade.sold is None or trade.agreement is None:
        found.append("deleted-early")
    elif trade.altered:
        found.append("agreement-altered")
    source = trade.source()
    if trade.grants and (source is None or not any(text.strip() for text in source.provenance.values())):
        found.append("no-source-statement")
    if trade.sold is not None and trade.sold.paid_at is not None and not trade.grants:
        found.append("not-delivered")
    evidence = {one for side in (trade.buyer, trade.seller) if side for one in side.evidence}
    if evidence & trade.files_gone:
        found.append("evidence-file-gone")
    return found


def _of_party(side: str, party: Identity | None) -> list[str]:
    if party is None or not party.verified:
        return [f"{side}-not-verified"]
    return [] if party.evidence else [f"{side}-without-evidence"]


def _party(side: str, party: Identity | None) -> dict[str, Cell]:
    return {
        side: ids.text("org", party.organisation_id) if party else None,
        f"{side}_country": party.country if party else None,
        f"{side}_decision": party.decision if party else None,
        f"{side}_state": party.state if party else None,
        f"{side}_decided_at": at(party.decided_at) if party else None,
        f"{side}_decided_by": party.decided_by if party else None,
        f"{side}_evidence": " ".join(one.hex() for one in party.evidence) if party else None,
    }


def _of(side: str, en: str, zh: str) -> tuple[Column, ...]:
    return (
        Column(side, Text(en, zh), Text(f"The {en.lower()}.", f"{zh}标识。"), f"{_LAW}(2)"),
        Column(
            f"{side}_country",
            Text(f"{en}'s country", f"{zh}所在国家或地区"),
            Text("ISO 3166 code.", "ISO 3166 代码。"),
        ),
        Column(
            f"{side}_decision",
            Text(f"{en}: check", f"{zh}核验记录"),
            Text(
                "The newest decision on its identity when the order was placed.", "下单时有效的最新一次身份核验决定。"
            ),
            f"{_LAW}(2), (3)",
        ),
        Column(
            f"{side}_state",
            Text(f"{en}: result", f"{zh}核验结果"),
            Text("What that decision said.", "该次决定的结论。"),
            f"{_LAW}(2)",
        ),
        Column(
            f"{side}_decided_at",
            Text(f"{en}: checked at", f"{zh}核验时间"),
            Text("When it was decided.", "作出决定的时间。"),
            f"{_LAW}(3)",
        ),
        Column(
            f"{side}_decided_by",
            Text(f"{en}: checked by", f"{zh}核验机构"),
            Text("The organisation that decided.", "作出决定的机构。"),
            f"{_LAW}(3)",
        ),
        Column(
            f"{side}_evidence",
            Text(f"{en}: documents", f"{zh}证明文件"),
            Text(
                "SHA-256 of each document on file then, space between.",
                "当时留存的各证明文件的 SHA-256，以空格分隔。",
            ),
            f"{_LAW}(3)",
        ),
    )


TRANSACTIONS = Kind(
    "transactions",
    Text("Transactions and verification records", "交易及核验记录"),
    "Data Security Law (DSL), articles 33 and 47",
    Text(
        "One row for each order placed in the period, in the order of the log: the provider's source statement, the check of "
        "both parties as it stood then, price, licence, papers and delivery. Each row names its entry in the log.",
        "期间内每个订单一行，按日志顺序排列：供应方的来源说明、当时双方的身份核验情况、价格、许可、合约文件与交付。"
        "每行注明其在日志中的条目。",
    ),
    (
        Column(
            "leaf_index",
            Text("Entry", "日志序号"),
            Text(
                "Index of the order's entry in the log: prove it with an export.",
                "订单条目在日志中的序号，可凭导出证明。",
            ),
            f"{_LAW}(3)",
        ),
        Column("entry", Text("Entry id", "条目标识"), Text("The entry's own id.", "条目自身的标识。")),
        Column("ordered_at", Text("Ordered at", "下单时间"), Text("UTC.", "协调世界时。"), f"{_LAW}(3)"),
        Column("order", Text("Order", "订单"), Text("The order.", "订单标识。"), f"{_LAW}(3)"),
        *_of("buyer", "Buyer", "买方"),
        *_of("seller", "Supplier", "供应方"),
        Column("offer", Text("Offer", "报价方案"), Text("The version bought.", "所购报价方案版本。")),
        Column(
            "offer_sha256",
            Text("Offer's hash", "报价方案哈希"),
            Text("As it stands in the log.", "日志中所载的哈希值。"),
        ),
        Column("dataset", Text("Dataset", "数据集"), Text("What was bought.", "所购数据集。"), f"{_LAW}(3)"),
        Column("revision", Text("Revision", "版本"), Text("The version delivered.", "所交付的版本。"), f"{_LAW}(3)"),
        Column(
            "revision_sha256",
            Text("Revision's hash", "版本哈希"),
            Text("As it stands in the log.", "日志中所载的哈希值。"),
            f"{_LAW}(3)",
        ),
        Column(
            "source_en",
            Text("Source (English)", "来源说明（英文）"),
            Text("The provider's statement of the data's source.", "供应方对数据来源的说明。"),
            f"{_LAW}(1)",
        ),
        Column(
            "source_zh",
            Text("Source (Chinese)", "来源说明（中文）"),
            Text("The same in Chinese.", "中文说明。"),
            f"{_LAW}(1)",
        ),
        Column(
            "source_sha256",
            Text("Source's hash", "来源说明哈希"),
            Text(
                "The digest `description` in the entry `dataset.register` of this dataset.",
                "与该数据集登记条目（dataset.register）中的摘要 description 相同。",
            ),
            f"{_LAW}(1)",
        ),
        Column(
            "data_licence",
            Text("Licence of the data", "数据许可"),
            Text("Under which the provider holds it.", "供应方持有数据所依据的许可。"),
            f"{_LAW}(1)",
        ),
        Column(
            "licence",
            Text("Licence granted", "授予的许可"),
            Text("What the terms name, or their own text.", "条款所引许可，或自有条款。"),
            f"{_LAW}(3)",
        ),
        Column("terms_sha256", Text("Terms' hash", "条款哈希"), Text("The terms agreed.", "所约定条款的哈希值。")),
        Column("agreement", Text("Agreement", "合约"), Text("The agreement.", "合约标识。"), f"{_LAW}(3)"),
        Column(
            "agreement_sha256",
            Text("Agreement's hash", "合约哈希"),
            Text("As it stands in the log.", "日志中所载的哈希值。"),
            f"{_LAW}(3)",
        ),
        Column(
            "price",
            Text("Price", "价格"),
            Text("What was due at the order.", "下单时应付价款。"),
            f"{_LAW}(3)",
            amount=True,
        ),
        Column("currency", Text("Currency", "币种"), Text("ISO 4217 code.", "ISO 4217 代码。")),
        Column("payment", Text("Payment", "付款方式"), Text("wallet or card.", "钱包或银行卡。")),
        Column("paid_at", Text("Paid at", "付款时间"), Text("UTC; empty: not paid.", "协调世界时；空白表示未付款。")),
        Column("grant", Text("Access", "使用权"), Text("The right to use that it brought.", "由此产生的使用权。")),
        Column(
            "delivered_at",
            Text("Delivered at", "交付时间"),
            Text("When access was opened.", "开通使用权的时间。"),
            f"{_LAW}(3)",
        ),
        Column(
            "first_used_at",
            Text("First used at", "首次使用时间"),
            Text("The quarter-hour of the first sealed use.", "首条已封存用量所在的一刻钟。"),
        ),
        Column(
            "rule_set", Text("Rule set", "规则集"), Text("The rules it was decided by.", "作出判断所依据的规则版本。")
        ),
        FINDINGS_COLUMN,
    ),
)
