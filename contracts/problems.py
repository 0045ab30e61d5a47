"""What contracts refuses, and why."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

TERMS_FIELD = problem_type(
    "terms-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the licence terms is wrong", "许可条款字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field; the JSON Schema is at /catalog/v1/schemas/terms.schema.json, worked examples are in the documentation.",
        "请修改该字段；JSON Schema 见 /catalog/v1/schemas/terms.schema.json，示例见文档。",
    ),
)
FRAME_FIELD = problem_type(
    "frame-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the legal frame is wrong", "法律框架字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field, or leave it out: it is then shown as missing. The JSON Schema is at "
        "/catalog/v1/schemas/frame.schema.json.",
        "请修改该字段，或将其省略（将显示为未约定）；JSON Schema 见 /catalog/v1/schemas/frame.schema.json。",
    ),
)
QUESTION_FIELD = problem_type(
    "question-field-wrong",
    Kind.UNPROCESSABLE,
    title=Text("A field of the question is wrong", "提问字段有误"),
    detail=Text("{field} {why}.", "{field} {why}。"),
    remedy=Text(
        "Correct the field, or leave out what is not known; the answer is then unknown where it matters. The JSON Schema is at "
        "/catalog/v1/schemas/question.schema.json.",
        "请修改该字段；未知的事实可省略，相关规则的结论将为“未知”。JSON Schema 见 /catalog/v1/schemas/question.schema.json。",
    ),
)
POLICY_CLAUSE = problem_type(
    "policy-clause-foreign",
    Kind.UNPROCESSABLE,
    title=Text("A clause of the policy is not in our profile", "策略条款不在本平台支持范围内"),
    detail=Text("{clause} {why}.", "{clause} {why}。"),
    remedy=Text(
        "Write the clause in the profile's vocabulary, or take it out; no clause is ever dropped in silence.",
        "请使用本平台词汇表改写该条款或将其删除；平台不会静默忽略任何条款。",
    ),
)
TERMS_FORBID = problem_type(
    "terms-forbid",
    Kind.FORBIDDEN,
    title=Text("The licence terms do not allow this", "许可条款不允许该用途"),
    detail=Text("{reason}.", "{reason}。"),
    remedy=Text(
        "Choose a purpose that the terms name, or negotiate other terms with the supplier.",
        "请选择条款允许的用途，或与供应方协商其他条款。",
    ),
)
AGREEMENT_FORM = problem_type(
    "agreement-not-canonical",
    Kind.UNPROCESSABLE,
    title=Text("These are not the bytes of an agreement", "该内容不是合约原文"),
    detail=Text("The document {why}.", "文件{why}。"),
    remedy=Text(
        "Verify the file exactly as the exchange delivered it, without reformatting.",
        "请使用交易所提供的原始文件进行核验，勿重新排版。",
    ),
)
AGREEMENT_SIGNATURE = problem_type(
    "agreement-signature-wrong",
    Kind.UNPROCESSABLE,
    title=Text("The signature does not fit the agreement", "签名与合约不符"),
    detail=Text(
        "The bytes hash to {sha256}, and this key did not sign them.", "内容的哈希为 {sha256}，该密钥未对其签名。"
    ),
    remedy=Text(
        "Fetch the agreement and the key named by its kid again; if it stays, the file was changed.",
        "请重新获取合约及其 kid 对应的公钥；如仍不符，说明文件已被改动。",
    ),
)
