"""What measurements of an agreed outcome refuse, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

MEASUREMENT_INVALID = problem_type(
    "measurement-invalid",
    Kind.UNPROCESSABLE,
    title=Text("A field of the measurement is wrong", "测量记录字段有误"),
    detail=Text("{field}: {reason}.", "{field}：{reason}。"),
    remedy=Text(
        "Correct the field; the guide on outcome-based deals shows a whole one.",
        "请修改该字段；按效果付费指南中有完整示例。",
    ),
)
MEASUREMENT_AGREED = problem_type(
    "measurement-agreed",
    Kind.CONFLICT,
    title=Text("There is an agreed measurement already", "已有双方确认的测量结果"),
    detail=Text(
        "The component {component} of this grant has an agreed measurement, and there is one only.",
        "该使用权的组成项 {component} 已有双方确认的测量结果，且只能有一份。",
    ),
    remedy=Text(
        "An agreed measurement cannot be corrected here; settle the difference between yourselves, or ask the operator.",
        "已确认的测量结果无法在此更正；如有差异，请双方另行结清或联系运营方。",
    ),
)
MEASUREMENT_OPEN = problem_type(
    "measurement-open",
    Kind.CONFLICT,
    title=Text("A measurement waits for its answers", "已有测量记录等待确认"),
    detail=Text(
        "The measurement {measurement} of the same component is proposed and not answered by both sides yet.",
        "同一组成项的测量记录 {measurement} 已提交，尚未得到双方答复。",
    ),
    remedy=Text("Wait for the answers, or withdraw that measurement first.", "请等待双方答复，或先撤回该测量记录。"),
)
MEASUREMENT_CLOSED = problem_type(
    "measurement-closed",
    Kind.CONFLICT,
    title=Text("The measurement takes no more of this", "该测量记录不再接受此操作"),
    detail=Text("The measurement is {state}.", "该测量记录的状态为 {state}。"),
    remedy=Text(
        "After a dispute or a withdrawal the evaluator submits a new measurement.",
        "发生异议或撤回后，由评估机构提交新的测量记录。",
    ),
)
MEASUREMENT_ANSWERED = problem_type(
    "measurement-answered",
    Kind.CONFLICT,
    title=Text("You answered already", "已经答复"),
    detail=Text(
        "Your organisation has accepted this measurement, which binds it.", "贵机构已确认该测量记录，确认具有约束力。"
    ),
    remedy=Text("Wait for the other side.", "请等待对方答复。"),
)
MEASUREMENT_DIFFERS = problem_type(
    "measurement-differs",
    Kind.CONFLICT,
    title=Text("Not the document you accept", "与所确认的文件不符"),
    detail=Text(
        "The measurement's document hashes to {sha256}, not to what the request names.",
        "测量记录文件的哈希为 {sha256}，与请求中填写的不同。",
    ),
    remedy=Text(
        "Read the measurement again, check it, and name the hash of exactly that document.",
        "请重新读取并核对测量记录，填写该文件的哈希。",
    ),
)
MEASUREMENTS_TOO_MANY = problem_type(
    "measurements-too-many",
    Kind.CONFLICT,
    title=Text("Too many measurements", "测量记录过多"),
    detail=Text(
        "A component of a grant takes at most {limit} measurements, disputed and withdrawn ones included.",
        "每个使用权组成项最多 {limit} 份测量记录（包括有异议和已撤回的）。",
    ),
    remedy=Text("Agree on the method first, or ask the operator.", "请先就测量方法达成一致，或联系运营方。"),
)
MEASUREMENT_FORM = problem_type(
    "measurement-not-canonical",
    Kind.UNPROCESSABLE,
    title=Text("These are not the bytes of an agreed measurement", "该内容不是双方确认的测量结果原文"),
    detail=Text("The document {why}.", "文件{why}。"),
    remedy=Text(
        "Verify the file exactly as the exchange delivered it, without reformatting.",
        "请使用交易所提供的原始文件进行核验，勿重新排版。",
    ),
)
MEASUREMENT_SIGNATURE = problem_type(
    "measurement-signature-wrong",
    Kind.UNPROCESSABLE,
    title=Text("The signature does not fit the measurement", "签名与测量结果不符"),
    detail=Text(
        "The bytes hash to {sha256}, and this key did not sign them.", "内容的哈希为 {sha256}，该密钥未对其签名。"
    ),
    remedy=Text(
        "Fetch the measurement and the key named by its kid again; if it stays, the file was changed.",
        "请重新获取测量结果及其 kid 对应的公钥；如仍不符，说明文件已被改动。",
    ),
)
NOT_THE_EVALUATOR = problem_type(
    "not-the-evaluator",
    Kind.FORBIDDEN,
    title=Text("Another organisation measures", "测量由其他机构负责"),
    detail=Text(
        "The plan names {evaluator} as the evaluator of {component}.",
        "价格方案约定由 {evaluator} 负责 {component} 的测量。",
    ),
    remedy=Text("Ask that organisation to submit the measurement.", "请由该机构提交测量记录。"),
)
