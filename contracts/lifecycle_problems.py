"""What events of an agreement's life are refused for."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

EVENT_NOT_ALLOWED = problem_type(
    "agreement-event-not-allowed",
    Kind.CONFLICT,
    title=Text("Not possible in this state of the agreement", "合约当前状态不允许该操作"),
    detail=Text(
        "The agreement {agreement} is {state}; {kind} by the {party} is not among what may follow.",
        "合约 {agreement} 当前状态为 {state}，{party} 不得进行 {kind}。",
    ),
    remedy=Text(
        "Read the agreement's events and the table of transitions in the guide to agreements.",
        "请查看合约事件以及合约指南中的状态转换表。",
    ),
)
EVENT_FIELD = problem_type(
    "agreement-event-field",
    Kind.UNPROCESSABLE,
    title=Text("A field of the event is wrong", "事件字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field; the guide to agreements says which fields each kind of event has.",
        "请修改该字段；各类事件的字段见合约指南。",
    ),
)
EVENT_CLOSED = problem_type(
    "agreement-event-closed",
    Kind.CONFLICT,
    title=Text("This event is no longer open", "该事件已结束"),
    detail=Text("The event {event} is {state}.", "事件 {event} 的状态为 {state}。"),
    remedy=Text(
        "Read the agreement's events; propose anew if you still want it.", "请查看合约事件；如仍需要请重新提议。"
    ),
)
EVENT_NOT_YOURS = problem_type(
    "agreement-event-not-yours",
    Kind.CONFLICT,
    title=Text("Not yours to answer", "无需贵机构答复"),
    detail=Text("The event {event} {why}.", "事件 {event} {why}。"),
    remedy=Text("Who proposed it may withdraw it; the others sign or refuse.", "提议方可撤回；其他各方可签署或拒绝。"),
)
AGREEMENT_NOT_RUNNING = problem_type(
    "agreement-not-running",
    Kind.CONFLICT,
    title=Text("There is no use to change", "没有可变更的使用权"),
    detail=Text(
        "No grant of the agreement {agreement} is running: it is not paid for yet, or has ended.",
        "合约 {agreement} 没有有效的使用权：尚未付款或已经结束。",
    ),
    remedy=Text(
        "Pay the order first; for an agreement that has ended, order or negotiate a new one.",
        "请先完成付款；已结束的合约请重新下单或协商。",
    ),
)
TRANSFER_HAS_CHARGES = problem_type(
    "transfer-has-charges",
    Kind.CONFLICT,
    title=Text("A licence that still costs something is not passed on", "仍在计费的许可不可转让"),
    detail=Text(
        "The price plan of {agreement} charges by time or by use, so its debts cannot pass with it.",
        "合约 {agreement} 的价格方案按时间或用量计费，其债务无法随之转让。",
    ),
    remedy=Text(
        "Terminate it by agreement and let the other organisation order for itself.",
        "请协商终止，由对方机构自行下单。",
    ),
)
SUCCESSOR_UNFIT = problem_type(
    "successor-unfit",
    Kind.UNPROCESSABLE,
    title=Text("Not an organisation that a licence can pass to", "该机构不能受让许可"),
    detail=Text("The organisation {organisation} {why}.", "机构 {organisation} {why}。"),
    remedy=Text("Name a verified buyer that is no side of this agreement.", "请指定已核验且非本合约当事方的采购机构。"),
)
NOTICE_TOO_SHORT = problem_type(
    "notice-too-short",
    Kind.UNPROCESSABLE,
    title=Text("The notice is too short", "通知期不足"),
    detail=Text(
        "Terminated with notice, the agreement ends at {earliest} at the earliest: after 30 days, and with the end of what "
        "is paid for or committed. Until {until} that moment may be named; no earlier than the one you named, "
        "it is {following}.",
        "以通知方式终止的，合约最早于 {earliest} 终止：须提前 30 天通知，且不早于已付款或已承诺期间的结束时间。"
        "在 {until} 之前可指定该时间；若不早于所指定的时间，则为 {following}。",
    ),
    remedy=Text(
        "Send the notice again with effective_at = {earliest}, or leave effective_at out: then the earliest moment is "
        "taken. Or agree on a retirement with the other side, or state a breach.",
        "请以 effective_at = {earliest} 重新提交，或不填 effective_at（将采用最早时间）；也可与对方协商停用，或说明违约情形。",
    ),
)
