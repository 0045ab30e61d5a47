"""The refusals of compliance."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

FROZEN = problem_type(
    "frozen-by-directive",
    Kind.FORBIDDEN,
    title=Text("Frozen by the regulator", "已被监管机构冻结"),
    detail=Text("A regulator's directive stops this: {target}.", "监管指令已禁止该操作：{target}。"),
    remedy=Text(
        "Ask the operator which directive it is and who issued it; nothing can be done until it is lifted.",
        "请向运营方查询具体指令及发出机构；指令解除前无法操作。",
    ),
)
NOT_PUBLISHABLE = problem_type(
    "publication-rules-not-met",
    Kind.UNPROCESSABLE,
    title=Text("Publication rules not met", "不符合上架规则"),
    detail=Text("Rules of {rule_set} that are not met: {rules}", "未满足 {rule_set} 中的规则：{rules}"),
    remedy=Text("Each rule says what is missing; mend that and submit again.", "请按各规则的说明补正后重新提交。"),
)
NO_CHECKPOINT = problem_type(
    "log-not-started",
    Kind.UNAVAILABLE,
    title=Text("No checkpoint yet", "尚无检查点"),
    detail=Text("The audit log has not signed its first checkpoint.", "审计日志尚未签发首个检查点。"),
    remedy=Text("Start the worker and ask again in a second.", "请启动后台任务进程，稍后重试。"),
)
LEAF_UNKNOWN = problem_type(
    "leaf-unknown",
    Kind.NOT_FOUND,
    title=Text("Not in the log", "日志中不存在"),
    detail=Text("The log of {size} entries has no entry {index}.", "日志共 {size} 条，没有第 {index} 条。"),
    remedy=Text("Take a newer checkpoint, or an index below its size.", "请使用更新的检查点，或小于其条数的序号。"),
)
EXPORT_SCOPE = problem_type(
    "export-scope-invalid",
    Kind.INVALID,
    title=Text("Export scope invalid", "导出范围无效"),
    detail=Text("The scope does not fit the log: {reason}.", "导出范围与日志不符：{reason}。"),
    remedy=Text(
        "Use indexes within the newest checkpoint and at most 50 actions.",
        "请使用最新检查点以内的序号，且操作类型不超过 50 个。",
    ),
)
EXPORT_NOT_READY = problem_type(
    "export-not-ready",
    Kind.CONFLICT,
    title=Text("Export not ready", "导出尚未完成"),
    detail=Text("The export is {state}.", "导出当前状态为 {state}。"),
    remedy=Text("Ask for its state again in a few seconds.", "请数秒后重新查询状态。"),
)
EXPORT_ENDED = problem_type(
    "export-ended",
    Kind.CONFLICT,
    title=Text("Export has ended", "导出已结束"),
    detail=Text("The export is {state}.", "导出当前状态为 {state}。"),
    remedy=Text("Ask for a new one if you need it.", "如有需要，请重新申请。"),
)
NOT_A_REGULATOR = problem_type(
    "regulator-only",
    Kind.FORBIDDEN,
    title=Text("Only for regulators", "仅限监管机构"),
    detail=Text(
        "Directives, and exports with personal data disclosed, are for regulators.",
        "监管指令及披露个人数据的导出仅限监管机构使用。",
    ),
    remedy=Text("Use a client of an organisation with the role regulator.", "请使用具有监管角色的机构的应用。"),
)
DIRECTIVE_INVALID = problem_type(
    "directive-invalid",
    Kind.INVALID,
    title=Text("Directive invalid", "监管指令无效"),
    detail=Text("A directive needs {needs}.", "监管指令需要 {needs}。"),
    remedy=Text(
        "Give a kind, targets or rules, a legal basis in both languages and a reason; and a deadline where an answer is asked for.",
        "请提供指令类型、对象或规则、中英文法律依据及理由；要求答复的指令还须提供期限。",
    ),
)
DIRECTIVE_TARGET_UNKNOWN = problem_type(
    "directive-target-unknown",
    Kind.UNPROCESSABLE,
    title=Text("Nothing of that name", "指令对象不存在"),
    detail=Text(
        "There is no {target} here that a directive could be about.", "本平台不存在 {target}，无法作为指令对象。"
    ),
    remedy=Text(
        "Look the id up in the market's lists and send the directive again.", "请在市场列表中核对编号后重新发出指令。"
    ),
)
DIRECTIVE_CATCHES_NOTHING = problem_type(
    "directive-catches-nothing",
    Kind.UNPROCESSABLE,
    title=Text("Nobody to ask", "没有可询问的对象"),
    detail=Text(
        "No dataset meets the rules now, and a directive that asks for an answer reaches only what is there.",
        "目前没有数据集符合所列规则；要求答复的指令仅及于现有对象。",
    ),
    remedy=Text(
        "Look the declared properties up in the catalogue, or name whom you ask.",
        "请在目录中核对申报属性，或直接指明对象。",
    ),
)
DIRECTIVE_CATCHES_TOO_MUCH = problem_type(
    "directive-catches-too-much",
    Kind.UNPROCESSABLE,
    title=Text("Too many datasets", "数据集过多"),
    detail=Text("The rules catch more than {limit} datasets.", "所列规则涉及的数据集超过 {limit} 个。"),
    remedy=Text("Add a property to each rule, or issue several directives.", "请为规则增加条件，或分别发出多项指令。"),
)
DIRECTIVE_LIFTED = problem_type(
    "directive-already-lifted",
    Kind.CONFLICT,
    title=Text("Directive already lifted", "监管指令已解除"),
    detail=Text("The directive was lifted before.", "该监管指令此前已解除。"),
    remedy=Text("Issue a new directive if it is needed again.", "如需再次执行，请发出新的指令。"),
)
DIRECTIVE_ASKS_NOTHING = problem_type(
    "directive-asks-nothing",
    Kind.CONFLICT,
    title=Text("No answer is asked for", "该指令无需答复"),
    detail=Text(
        "The directive is a {kind}: it asks you to confirm it, not to answer.",
        "该指令类型为 {kind}，只需确认收悉，无需答复。",
    ),
    remedy=Text(
        "Send a confirmation; write to the regulator about everything else.", "请确认收悉；其他事项请直接联系监管机构。"
    ),
)
DIRECTIVE_ANSWER_INVALID = problem_type(
    "directive-answer-invalid",
    Kind.INVALID,
    title=Text("Answer invalid", "答复无效"),
    detail=Text("An answer needs {needs}.", "答复需要 {needs}。"),
    remedy=Text("Mend what is named and send the answer again.", "请按提示补正后重新提交答复。"),
)
TOO_MANY_ANSWERS = problem_type(
    "directive-answers-full",
    Kind.CONFLICT,
    title=Text("Answered often enough", "答复次数已达上限"),
    detail=Text("A notice takes at most {limit} answers.", "一份通知最多可答复 {limit} 次。"),
    remedy=Text("Ask the regulator for a new directive.", "请联系监管机构另行发出指令。"),
)
HELD = problem_type(
    "held-by-directive",
    Kind.CONFLICT,
    title=Text("Kept by a regulator's directive", "依监管指令须予保全"),
    detail=Text(
        "Nothing of this may be erased while the directive {directive} stands.",
        "在监管指令 {directive} 解除前，不得删除相关内容。",
    ),
    remedy=Text(
        "Ask again once it is lifted; what was asked for stays on record.",
        "请在指令解除后再次申请；本次申请已留存记录。",
    ),
)
DISCLOSURE_INVALID = problem_type(
    "disclosure-invalid",
    Kind.INVALID,
    title=Text("Basis of disclosure invalid", "披露依据无效"),
    detail=Text("A disclosure needs {needs}.", "披露需要 {needs}。"),
    remedy=Text(
        "Name a law of the list with its article, or a directive of kind disclose that you issued.",
        "请列明清单中的法律及条款，或本机构发出的披露（disclose）指令。",
    ),
)
DISCLOSURE_DIRECTIVE = problem_type(
    "disclosure-directive-unfit",
    Kind.UNPROCESSABLE,
    title=Text("No directive to disclose", "指令不可作为披露依据"),
    detail=Text(
        "{directive} is no directive of kind disclose that your organisation issued and that stands.",
        "{directive} 不是本机构发出且仍有效的披露（disclose）指令。",
    ),
    remedy=Text(
        "Issue a directive to disclose first, or name a law with its article.",
        "请先发出披露指令，或列明法律及条款。",
    ),
)
WITNESS_INVALID = problem_type(
    "witness-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Witness invalid", "见证方无效"),
    detail=Text("The witness cannot be taken: {reason}.", "无法登记该见证方：{reason}。"),
    remedy=Text(
        "Give the witness's key as it prints it (type 0x04), and its address beginning with http:// or https://.",
        "请提供见证方所输出的公钥（类型 0x04）及以 http:// 或 https:// 开头的地址。",
    ),
)
WITNESS_KNOWN = problem_type(
    "witness-already-there",
    Kind.CONFLICT,
    title=Text("Witness already there", "见证方已登记"),
    detail=Text(
        "A witness with the name {name} or with this key is asked already.", "已有名称为 {name} 或使用该公钥的见证方。"
    ),
    remedy=Text(
        "Remove the other one first, or give this one a key and a name of its own.",
        "请先移除原有见证方，或为其使用独立的名称与公钥。",
    ),
)
WITNESS_REMOVED = problem_type(
    "witness-already-removed",
    Kind.CONFLICT,
    title=Text("Witness already removed", "见证方已移除"),
    detail=Text("The witness is not asked any more.", "已不再向该见证方请求会签。"),
    remedy=Text("Add it again if it shall be asked.", "如需恢复，请重新登记。"),
)
NOT_WITNESSED = problem_type(
    "log-not-witnessed",
    Kind.UNAVAILABLE,
    title=Text("Not witnessed yet", "尚未达到见证要求"),
    detail=Text(
        "No checkpoint has the cosignatures of {needed} witnesses yet.", "尚无检查点取得 {needed} 个见证方的会签。"
    ),
    remedy=Text(
        "Ask again in a few seconds; the operator sees at /operator/v1/witnesses what is wrong.",
        "请数秒后重试；运营方可在 /operator/v1/witnesses 查看原因。",
    ),
)
