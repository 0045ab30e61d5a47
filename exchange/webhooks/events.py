"""Which entries of the audit log are told to the organisations that they concern, under which public names. Pure.

The names here are a promise to receivers: one is added, never changed. An action of the log that does not stand here is
told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exchange.kernel.text import Text

ALL, FAMILY = "*", ".*"
TEST = "webhook.test"
SUPPLIER, BUYER, ASSESSOR = "supplier", "buyer", "assessor"
PORTALS = (SUPPLIER, BUYER, ASSESSOR)
_ID = "{id}"


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event: its public name, the log's actions behind it, and where each portal shows the object.

    shapes   paths: portal -> path below the portal's prefix, `{id}` for the object's id; a portal that is missing is not told
    """

    kind: str
    actions: tuple[str, ...]
    says: Text
    paths: Mapping[str, str]


def _kind(kind: str, actions: str, en: str, zh: str, **paths: str) -> EventKind:
    return EventKind(kind, tuple(actions.split()), Text(en, zh), MappingProxyType(paths))


def _trade(path: str) -> dict[str, str]:
    return {SUPPLIER: path, BUYER: path}


def _payees(path: str) -> dict[str, str]:
    return {SUPPLIER: path, ASSESSOR: path}


def _everybody(path: str) -> dict[str, str]:
    return dict.fromkeys(PORTALS, path)


_ORDERS = (
    _kind("order.placed", "purchase", "An order was placed.", "已下单。", **_trade(f"/orders/{_ID}")),
    _kind("order.cancelled", "order.cancel", "An order was given up.", "订单已取消。", **_trade(f"/orders/{_ID}")),
    _kind(
        "delivery.rejected",
        "delivery.reject",
        "A delivery was rejected.",
        "交付被拒收。",
        **_trade(f"/orders/{_ID}/inspection"),
    ),
    _kind(
        "delivery.accepted",
        "delivery.accept",
        "A delivery was accepted.",
        "交付已验收。",
        **_trade(f"/orders/{_ID}/inspection"),
    ),
    _kind(
        "delivery.decided",
        "delivery.release delivery.refund",
        "A rejected delivery was decided.",
        "拒收已裁定。",
        **_trade(f"/orders/{_ID}/inspection"),
    ),
    _kind("refund.made", "refund", "Money went back for a sale.", "销售已退款。", **_trade("/refunds")),
    _kind(
        "grant.ended", "grant.end", "A grant was ended.", "使用权已结束。", supplier="/grants", buyer=f"/grants/{_ID}"
    ),
    _kind(
        "grant.not-charged",
        "settlement.held",
        "A settlement left a grant out until somebody has looked.",
        "结算时暂未计费，待人工处理。",
        supplier="/grants",
        buyer=f"/grants/{_ID}",
    ),
    _kind("usage.held", "usage.hold", "A day's use waits for a look.", "某日用量待核实。", **_trade("/held-usage")),
    _kind(
        "usage.decided",
        "usage.let_through usage.refuse",
        "Use that waited for a look was decided.",
        "待核实用量已处理。",
        **_trade("/held-usage"),
    ),
    _kind("milestone.reported", "milestone.report", "A milestone was reported.", "里程碑已报告。", **_trade("/orders")),
    _kind(
        "milestone.answered",
        "milestone.accept milestone.reject milestone.drop",
        "A milestone was accepted, rejected or dropped.",
        "里程碑已接受、拒绝或放弃。",
        **_trade("/orders"),
    ),
)
_MONEY = (
    _kind("payment.succeeded", "payment.succeeded", "A payment arrived.", "支付成功。", buyer=f"/payments/{_ID}"),
    _kind("payment.failed", "payment.failed", "A payment failed.", "支付失败。", buyer=f"/payments/{_ID}"),
    _kind("wallet.credited", "bank.credit", "A bank transfer reached the wallet.", "银行转账已入账。", buyer="/wallet"),
    _kind("invoice.issued", "settlement.invoice", "An invoice was issued.", "账单已开具。", buyer=f"/invoices/{_ID}"),
    _kind(
        "statement.issued",
        "settlement.statement",
        "A settlement statement was issued.",
        "结算单已出具。",
        **_payees(f"/statements/{_ID}"),
    ),
    _kind(
        "service-credit.granted",
        "credit.grant",
        "A credit was granted because a promise was not kept.",
        "因未履行承诺而发放补偿。",
        supplier="/breaches",
        buyer="/breaches",
    ),
    _kind(
        "document.issued",
        "settlement.document",
        "A paper was issued.",
        "票据已开具。",
        **_everybody(f"/documents/{_ID}"),
    ),
    _kind("payout.created", "payout.order", "A payout was made up.", "付款已生成。", **_payees("/payouts")),
    _kind("payout.sent", "payout.sent", "A payout is on its way.", "付款已发出。", **_payees("/payouts")),
    _kind("payout.paid", "payout.paid", "A payout was paid.", "付款已到账。", **_payees("/payouts")),
    _kind(
        "payout.returned", "payout.returned", "The bank returned a payout.", "付款被银行退回。", **_payees("/payouts")
    ),
    _kind("payout.reversed", "payout.reversed", "A payout was taken back.", "付款已撤回。", **_payees("/payouts")),
    _kind("payout.failed", "payout.failed", "A payout failed.", "付款失败。", **_payees("/payouts")),
    _kind(
        "payout-account.changed",
        "payout-account.opening payout-account.restricted payout-account.active payout-account.refused",
        "A payout account changed its state.",
        "收款账户状态变更。",
        **_payees("/payout-accounts"),
    ),
    _kind(
        "hold.expired", "hold.expire", "Money that was held came back.", "冻结款项到期解冻。", **_everybody("/holds")
    ),
    _kind(
        "dunning.opened",
        "dunning.open",
        "Money is overdue, and reminders have begun.",
        "款项逾期，催收开始。",
        buyer=f"/dunning-cases/{_ID}",
    ),
    _kind(
        "dunning.notice",
        "dunning.notice",
        "A reminder of an overdue sum.",
        "逾期款项催告。",
        buyer=f"/dunning-cases/{_ID}",
    ),
    _kind(
        "dunning.suspended",
        "dunning.suspend",
        "Grants were suspended because a sum stayed overdue.",
        "因款项长期逾期，使用权已暂停。",
        buyer=f"/dunning-cases/{_ID}",
        supplier="/grants",
    ),
    _kind(
        "dunning.resumed",
        "dunning.resume",
        "Grants that were suspended for an overdue sum go on.",
        "因逾期暂停的使用权已恢复。",
        buyer=f"/dunning-cases/{_ID}",
        supplier="/grants",
    ),
    _kind(
        "dunning.closed",
        "dunning.close",
        "An overdue sum is settled.",
        "逾期款项已结清。",
        buyer=f"/dunning-cases/{_ID}",
    ),
)
_DISPUTES = (
    _kind("dispute.opened", "dispute.open", "A dispute was opened.", "争议已提出。", **_everybody(f"/disputes/{_ID}")),
    _kind(
        "dispute.moved",
        "dispute.answer dispute.prove dispute.propose dispute.accept dispute.withdraw dispute.escalate dispute.assign "
        "dispute.take_up dispute.decline dispute.ask dispute.waive dispute.redeliver dispute.confirm dispute.object "
        "dispute.lapse",
        "A dispute moved.",
        "争议有新进展。",
        **_everybody(f"/disputes/{_ID}"),
    ),
    _kind(
        "dispute.decided", "dispute.decide", "A dispute was decided.", "争议已裁决。", **_everybody(f"/disputes/{_ID}")
    ),
    _kind(
        "dispute.appealed",
        "dispute.appeal",
        "A decision was appealed against.",
        "裁决已被上诉。",
        **_everybody(f"/disputes/{_ID}"),
    ),
    _kind("dispute.closed", "dispute.close", "A dispute is over.", "争议已终结。", **_everybody(f"/disputes/{_ID}")),
)
_CONTRACTS = (
    _kind(
        "agreement.signed", "agreement.sign", "An agreement was signed.", "合约已签署。", **_trade(f"/agreements/{_ID}")
    ),
    _kind(
        "agreement.event-proposed",
        "agreement.propose-event",
        "An event of an agreement was proposed.",
        "合约事件已提出。",
        **_trade(f"/agreement-events/{_ID}"),
    ),
    _kind(
        "agreement.changed",
        "agreement.amendment agreement.renewal agreement.transfer",
        "An agreement was amended, renewed or transferred.",
        "合约已变更、续期或转让。",
        **_trade(f"/agreement-events/{_ID}"),
    ),
    _kind(
        "agreement.suspended",
        "agreement.suspension",
        "An agreement was suspended.",
        "合约已暂停。",
        **_trade(f"/agreement-events/{_ID}"),
    ),
    _kind(
        "agreement.lifted",
        "agreement.lifting",
        "A suspension was lifted.",
        "合约暂停已解除。",
        **_trade(f"/agreement-events/{_ID}"),
    ),
    _kind(
        "agreement.ended",
        "agreement.retirement agreement.termination",
        "An agreement was retired or terminated.",
        "合约已停用或终止。",
        **_trade(f"/agreement-events/{_ID}"),
    ),
    _kind(
        "obligation.changed",
        "obligation.due obligation.overdue obligation.fulfilled obligation.waived",
        "An obligation became due, overdue, fulfilled or waived.",
        "合约义务到期、逾期、履行或免除。",
        **_trade(f"/obligations/{_ID}"),
    ),
    _kind(
        "negotiation.message",
        "negotiation.request negotiation.offer negotiation.accept negotiation.agree negotiation.verify "
        "negotiation.finalize negotiation.terminate negotiation.expire",
        "A negotiation moved.",
        "协商有新进展。",
        **_trade(f"/negotiations/{_ID}"),
    ),
    _kind(
        "measurement.submitted",
        "measurement.submit",
        "A measurement was submitted.",
        "测量结果已提交。",
        **_everybody(f"/measurements/{_ID}"),
    ),
    _kind(
        "auction.awarded",
        "auction.award",
        "An auction has a winner.",
        "拍卖已有得主。",
        **_trade(f"/auctions/{_ID}"),
    ),
)
_DATA = (
    _kind(
        "assessment.requested",
        "assessment.requested",
        "An assessment was asked for.",
        "收到评估申请。",
        **_payees(f"/assessments/{_ID}"),
    ),
    _kind(
        "certificate.signed",
        "certificate.signed",
        "A certificate was signed.",
        "证书已签发。",
        **_payees("/assessments"),
    ),
    _kind(
        "listing.suspended",
        "listing.suspend",
        "A listing was suspended.",
        "上架产品已暂停销售。",
        supplier=f"/listings/{_ID}",
    ),
    _kind(
        "listing.resumed",
        "listing.resume",
        "A listing is on sale again.",
        "上架产品已恢复销售。",
        supplier=f"/listings/{_ID}",
    ),
    _kind(
        "data-contract.broken",
        "data-contract.broken",
        "A revision breaks its data contract.",
        "版本违反数据合同。",
        **_trade("/breaches"),
    ),
    _kind(
        "rights.notice",
        "rights.told",
        "A right to data that is held has ended.",
        "所持数据的权利已终止。",
        buyer="/rights-notices",
    ),
    _kind(
        "directive.notice",
        "directive.told",
        "A regulator's directive reaches this organisation.",
        "收到监管指令通知。",
        **_everybody("/directive-notices"),
    ),
    _kind(
        "organisation.decided",
        "organisation.verify organisation.reject organisation.suspend",
        "The operator decided about this organisation.",
        "运营方已对本机构作出决定。",
        **_everybody("/organisation"),
    ),
    _kind(
        "webhook.disabled",
        "webhook.disable",
        "A webhook of this organisation was disabled.",
        "本机构的 Webhook 已停用。",
        **_everybody(f"/webhooks/{_ID}"),
    ),
)
KINDS: tuple[EventKind, ...] = (*_ORDERS, *_MONEY, *_DISPUTES, *_CONTRACTS, *_DATA)
BY_ACTION: Mapping[str, EventKind] = MappingProxyType({action: one for one in KINDS for action in one.actions})
ACTIONS = tuple(BY_ACTION)


def kinds_of(portal: str) -> list[EventKind]:
    """The kinds of events that a portal's endpoints may ask for."""
    return [one for one in KINDS if portal in one.paths]


def link_of(one: EventKind, portal: str, origin: str, object_id: str) -> str:
    """Where a portal shows what an event is about."""
    return f"{origin}/{portal}/v1{one.paths[portal].replace(_ID, object_id)}"
