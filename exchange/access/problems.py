"""Refusals of this package."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

GRANT_SUSPENDED = problem_type(
    "grant-suspended",
    Kind.FORBIDDEN,
    title=Text("Grant suspended", "使用权已暂停"),
    detail=Text("The grant {grant} is suspended.", "使用权 {grant} 已被暂停。"),
    remedy=Text(
        "The agreement's events say who suspended it and why; no use is counted until it is lifted.",
        "请查看合约事件了解暂停方及原因；解除前不计用量。",
    ),
)
GRANT_ENDED = problem_type(
    "grant-ended",
    Kind.FORBIDDEN,
    title=Text("Grant ended", "使用权已结束"),
    detail=Text("The grant {grant} has ended.", "使用权 {grant} 已结束。"),
    remedy=Text("Order again to go on.", "如需继续使用，请重新下单。"),
)
GRANT_NOT_STARTED = problem_type(
    "grant-not-started",
    Kind.FORBIDDEN,
    title=Text("Grant not yet begun", "使用权尚未生效"),
    detail=Text("The grant {grant} begins at {starts_at}.", "使用权 {grant} 将于 {starts_at} 生效。"),
    remedy=Text("Wait until it begins.", "请在生效后再使用。"),
)
PURPOSE_NOT_ALLOWED = problem_type(
    "purpose-not-allowed",
    Kind.FORBIDDEN,
    title=Text("Purpose not allowed", "用途未获许可"),
    detail=Text(
        "The grant {grant} does not allow the purpose {purpose}.", "使用权 {grant} 不允许将数据用于 {purpose}。"
    ),
    remedy=Text(
        "Name a purpose of the agreement, or order an offer that has it.",
        "请使用合约约定的用途，或订购包含该用途的报价方案。",
    ),
)
QUOTA_EXHAUSTED = problem_type(
    "quota-exhausted",
    Kind.CONFLICT,
    title=Text("Quota exhausted", "配额已用尽"),
    detail=Text(
        "The quota of the meter {meter} is {limit}; less than the {needed} asked for is left or not held by running downloads.",
        "计量项 {meter} 的配额为 {limit}；除正在进行的下载所占用外，剩余量不足所需的 {needed}。",
    ),
    remedy=Text(
        "Ask for less, wait for running downloads or the next period, or order more.",
        "请减少用量、等待下载结束或下一周期，或追加订购。",
    ),
)
USAGE_SOURCE_UNKNOWN = problem_type(
    "usage-source-unknown",
    Kind.FORBIDDEN,
    title=Text("Not a usage source", "不是已登记的用量来源"),
    detail=Text("This client is not registered to report usage.", "该应用未登记为用量上报来源。"),
    remedy=Text("Register it with POST /supplier/v1/usage/sources.", "请通过 POST /supplier/v1/usage/sources 登记。"),
)
USAGE_MALFORMED = problem_type(
    "usage-malformed",
    Kind.INVALID,
    title=Text("Not a list of usage events", "不是用量事件列表"),
    detail=Text("The body is not a JSON list of events: {reason}.", "请求体不是 JSON 事件列表：{reason}。"),
    remedy=Text(
        "Send a list of CloudEvents with data.meter and data.value.",
        "请发送带有 data.meter 与 data.value 的 CloudEvents 列表。",
    ),
)
USAGE_TOO_MANY = problem_type(
    "usage-too-many",
    Kind.TOO_LARGE,
    title=Text("Too many events", "事件过多"),
    detail=Text("A batch holds at most {limit} events.", "每批最多 {limit} 个事件。"),
    remedy=Text("Send smaller batches.", "请分批发送。"),
)
USAGE_BATCH_CONFLICT = problem_type(
    "usage-batch-conflict",
    Kind.CONFLICT,
    title=Text("Batch id used before", "批次编号已被使用"),
    detail=Text("The batch {batch} came before with another body.", "批次 {batch} 此前已用于不同的内容。"),
    remedy=Text("Use a new batch id for a new body.", "新的内容请使用新的批次编号。"),
)
EVENT_MALFORMED = problem_type(
    "usage-event-malformed",
    Kind.UNPROCESSABLE,
    title=Text("Malformed usage event", "用量事件格式错误"),
    detail=Text("The event has not the expected form: {reason}.", "事件格式不符合要求：{reason}。"),
    remedy=Text("Correct this event and send it in a new batch.", "请更正该事件并以新批次发送。"),
)
EVENT_GRANT_UNKNOWN = problem_type(
    "usage-grant-unknown",
    Kind.UNPROCESSABLE,
    title=Text("Unknown grant", "未知的使用权"),
    detail=Text("There is no grant {grant} that you sell.", "您没有名为 {grant} 的已售使用权。"),
    remedy=Text("Name the grant by its id in `subject`.", "请在 subject 中填写使用权编号。"),
)
EVENT_METER_UNKNOWN = problem_type(
    "usage-meter-unknown",
    Kind.UNPROCESSABLE,
    title=Text("Meter not in the grant", "使用权不含该计量项"),
    detail=Text("The grant {grant} does not count this meter.", "使用权 {grant} 不统计该计量项。"),
    remedy=Text("Report the meters that the offer names.", "请上报报价方案中列出的计量项。"),
)
EVENT_TIME_REFUSED = problem_type(
    "usage-time-refused",
    Kind.UNPROCESSABLE,
    title=Text("Time out of range", "时间超出范围"),
    detail=Text(
        "An event lies within the grant's life, at most {future_s} seconds ahead and {age_days} days back.",
        "事件时间须在使用权有效期内，且最多超前 {future_s} 秒、滞后 {age_days} 天。",
    ),
    remedy=Text("Check the clock of the source.", "请检查来源设备的时钟。"),
)
METERS_TOO_MANY = problem_type(
    "meters-too-many",
    Kind.CONFLICT,
    title=Text("Too many meters of your own", "自定义计量项过多"),
    detail=Text(
        "An organisation brings in at most {limit} meters and data classes of its own.",
        "每个机构最多可新增 {limit} 个自定义计量项或数据类别。",
    ),
    remedy=Text("Use meters that your offers name already.", "请使用已有报价方案中的计量项。"),
)
TOKEN_NOT_FOR_DATA = problem_type(
    "data-token-invalid",
    Kind.UNAUTHENTICATED,
    title=Text("Not a valid grant token", "使用权令牌无效"),
    detail=Text(
        "The grant token is missing, malformed, expired or revoked.", "使用权令牌缺失、格式错误、已过期或已撤销。"
    ),
    remedy=Text(
        "Ask the buyer API for a new token of the grant and send it as 'Authorization: Bearer ...'.",
        "请通过采购接口获取该使用权的新令牌，并以 “Authorization: Bearer ...” 发送。",
    ),
)
EVENT_UNKNOWN = problem_type(
    "usage-event-unknown",
    Kind.UNPROCESSABLE,
    title=Text("No such usage event", "没有该用量事件"),
    detail=Text(
        "This source reported no event {event} with a time on {day} (UTC).",
        "该来源没有上报过时间在 {day}（UTC）、编号为 {event} 的事件。",
    ),
    remedy=Text(
        "Name the event by its id and its time as they were reported, and its source if it was another one of yours.",
        "请按上报时的编号和时间指明事件；如由您的其他来源上报，请同时填写 source。",
    ),
)
EVENT_PUT_ASIDE = problem_type(
    "usage-event-put-aside",
    Kind.UNPROCESSABLE,
    title=Text("The event does not count", "该事件未计入"),
    detail=Text(
        "The event {event} stands under another day, and was put aside under this one.",
        "事件 {event} 已计入另一日，在本日未予计入。",
    ),
    remedy=Text("Correct it under the day under which it counts.", "请在其计入的日期下更正。"),
)
CORRECTION_TOO_LATE = problem_type(
    "usage-correction-too-late",
    Kind.UNPROCESSABLE,
    title=Text("Too late to correct", "已超过更正期限"),
    detail=Text("An event can be corrected for {days} days after its time.", "事件仅可在其发生后 {days} 天内更正。"),
    remedy=Text("Settle it with the other side, by a refund for example.", "请与对方协商处理，例如通过退款。"),
)
CORRECTIONS_TOO_MANY = problem_type(
    "usage-corrections-too-many",
    Kind.UNPROCESSABLE,
    title=Text("Corrected too often", "更正次数过多"),
    detail=Text("The event {event} was corrected {limit} times already.", "事件 {event} 已更正 {limit} 次。"),
    remedy=Text("Look into what counts it wrongly; the operator can help.", "请排查计数错误的原因；运营方可提供协助。"),
)
CORRECTION_CHANGES_NOTHING = problem_type(
    "usage-correction-changes-nothing",
    Kind.UNPROCESSABLE,
    title=Text("Nothing to correct", "无需更正"),
    detail=Text("The event {event} counts as {quantity} already.", "事件 {event} 已按 {quantity} 计入。"),
    remedy=Text("Nothing needs to be done.", "无需操作。"),
)
ROOTS_PENDING = problem_type(
    "usage-roots-pending",
    Kind.CONFLICT,
    title=Text("The proof is not ready yet", "证明尚未生成"),
    detail=Text(
        "The day {day} is sealed and counted, but its Merkle roots are not written yet.",
        "{day} 已封存并计数，但当日的默克尔根尚未生成。",
    ),
    remedy=Text(
        "Ask again in a few minutes; the bill itself does not wait for it.", "请几分钟后重试；账单本身不受影响。"
    ),
)
HELD_USAGE_REASON = problem_type(
    "held-usage-reason",
    Kind.UNPROCESSABLE,
    title=Text("The decision has no reason", "决定缺少理由"),
    detail=Text("reason: {reason}.", "reason：{reason}。"),
    remedy=Text("Say why, in English and Chinese: both sides read it.", "请以中英文说明理由，供双方查阅。"),
)
HELD_USAGE_DECIDED = problem_type(
    "held-usage-decided",
    Kind.CONFLICT,
    title=Text("Decided already, or replaced", "已决定或已被替代"),
    detail=Text(
        "The exception {exception} was decided, or the day has grown since.",
        "例外 {exception} 已作出决定，或当日用量此后已增加。",
    ),
    remedy=Text("Look at the open exceptions again.", "请重新查看待处理的例外。"),
)
