"""The refusals of parties.

The token endpoint speaks RFC 6749: for the types in OAUTH_CODES the app answers with that code as `error`.
"""

from __future__ import annotations

from exchange.kernel.errors import Kind, ProblemType, problem_type
from exchange.kernel.text import Text

ORGANISATION_INVALID = problem_type(
    "organisation-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Organisation not complete", "机构信息不完整"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and send the application again.", "请修改该字段后重新提交申请。"),
)
IDENTIFIER_INVALID = problem_type(
    "identifier-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Official number not valid", "机构代码无效"),
    detail=Text("The number of scheme {scheme} is not valid: {reason}.", "{scheme} 代码无效：{reason}。"),
    remedy=Text(
        "Copy the number from the business licence or the register: 18 characters for a unified social credit code,"
        " 20 for a LEI, the country's letters first for a VAT number.",
        "请照营业执照或登记机关的记录填写：统一社会信用代码为 18 位，LEI 为 20 位，增值税号以国家字母开头。",
    ),
)
IDENTIFIER_TAKEN = problem_type(
    "identifier-taken",
    Kind.CONFLICT,
    title=Text("Official number belongs to another", "机构代码已被占用"),
    detail=Text(
        "Another verified organisation has the same number ({schemes}).",
        "另一家已核验机构使用相同的代码（{schemes}）。",
    ),
    remedy=Text(
        "Find out which of the two is the owner of the number before you verify one.",
        "请先查明该代码属于哪一家机构，再进行核验。",
    ),
)
EVIDENCE_INVALID = problem_type(
    "evidence-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Evidence not acceptable", "证明材料不符合要求"),
    detail=Text("The document cannot be taken: {reason}.", "无法接收该材料：{reason}。"),
    remedy=Text("Send the document again with the right kind and type.", "请以正确的类别和格式重新提交。"),
)
EVIDENCE_MISSING = problem_type(
    "evidence-missing",
    Kind.CONFLICT,
    title=Text("No evidence yet", "尚无证明材料"),
    detail=Text(
        "An organisation is submitted and verified on evidence, and there is none.",
        "提交和核验机构必须有证明材料，目前没有。",
    ),
    remedy=Text("Hand in at least one document, such as the business licence.", "请至少提交一份材料，例如营业执照。"),
)
TOO_MANY_DOCUMENTS = problem_type(
    "too-many-documents",
    Kind.CONFLICT,
    title=Text("Too many documents", "材料过多"),
    detail=Text("An organisation hands in at most {limit} documents.", "每家机构最多提交 {limit} 份材料。"),
    remedy=Text("Ask the operator to decide on what is there.", "请联系运营方就现有材料作出决定。"),
)
PERSON_INVALID = problem_type(
    "person-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Contact not complete", "联系人信息不完整"),
    # The value itself is personal data: it is never repeated.
    detail=Text("The contact's {field} is missing or malformed.", "联系人的 {field} 缺失或格式有误。"),
    remedy=Text("Give a name and an e-mail address.", "请填写姓名和电子邮箱。"),
)
REASON_MISSING = problem_type(
    "reason-missing",
    Kind.UNPROCESSABLE,
    title=Text("A decision needs its reason", "决定必须说明理由"),
    detail=Text("The reason is empty or longer than {limit} characters.", "理由为空或超过 {limit} 个字符。"),
    remedy=Text("Say in a sentence why, without naming a person.", "请用一句话说明理由，不要写出个人姓名。"),
)
BUYER_CLASS_MISPLACED = problem_type(
    "buyer-class-misplaced",
    Kind.UNPROCESSABLE,
    title=Text("A buyer class is confirmed by verifying", "买方类别只能在核验通过时确认"),
    detail=Text(
        "The decision names the buyer class {buyer_class} and leads to {state}; only one that verifies confirms a class.",
        "该决定写明买方类别 {buyer_class}，但结果为 {state}；只有核验通过的决定才能确认类别。",
    ),
    remedy=Text("Leave buyer_class out, or decide verify.", "请去掉 buyer_class，或作出核验通过的决定。"),
)
ORGANISATION_NOT_VERIFIED = problem_type(
    "organisation-not-verified",
    Kind.FORBIDDEN,
    title=Text("Organisation not verified", "机构未通过核验"),
    detail=Text(
        "The organisation is {state}; this needs a verified one.", "机构当前状态为 {state}，该操作需要已核验的机构。"
    ),
    remedy=Text("Hand in evidence and wait for the operator's decision.", "请提交证明材料并等待运营方的决定。"),
)
CLIENT_INVALID = problem_type(
    "client-not-acceptable",
    Kind.UNPROCESSABLE,
    title=Text("Client not acceptable", "应用信息不符合要求"),
    detail=Text("The client cannot be made: {reason}.", "无法创建应用：{reason}。"),
    remedy=Text("Correct the request and send it again.", "请修改后重新提交。"),
)
TOO_MANY_CLIENTS = problem_type(
    "too-many-clients",
    Kind.CONFLICT,
    title=Text("Too many clients", "应用过多"),
    detail=Text("An organisation has at most {limit} clients in use.", "每家机构最多有 {limit} 个在用的应用。"),
    remedy=Text("Revoke one that is no longer used.", "请先撤销不再使用的应用。"),
)
INVALID_CLIENT = problem_type(
    "invalid-client",
    Kind.UNAUTHENTICATED,
    title=Text("Client not recognised", "应用身份验证失败"),
    detail=Text(
        "The client id or its secret is wrong, or the client was revoked.", "应用标识或密钥错误，或应用已被撤销。"
    ),
    remedy=Text("Check the id and the secret, or make a new client.", "请检查标识和密钥，或创建新的应用。"),
)
INVALID_SCOPE = problem_type(
    "invalid-scope",
    Kind.INVALID,
    title=Text("Scope not available", "权限范围不可用"),
    detail=Text("This client can have: {scopes}.", "该应用可用的权限范围：{scopes}。"),
    remedy=Text(
        "Ask for these, or have the organisation verified for the role first.",
        "请申请上述范围，或先完成相应角色的核验。",
    ),
)
UNAUTHORIZED_CLIENT = problem_type(
    "unauthorized-client",
    Kind.INVALID,
    title=Text("Token of another client", "令牌属于其他应用"),
    detail=Text("The token was not issued to this client.", "该令牌不是签发给此应用的。"),
    remedy=Text("Let the client that holds the token revoke it.", "请由持有该令牌的应用自行撤销。"),
)
UNSUPPORTED_GRANT_TYPE = problem_type(
    "unsupported-grant-type",
    Kind.INVALID,
    title=Text("Grant type not supported", "不支持该授权类型"),
    detail=Text(
        "The token endpoint knows grant_type=client_credentials only.", "令牌端点仅支持 grant_type=client_credentials。"
    ),
    remedy=Text("Send grant_type=client_credentials.", "请发送 grant_type=client_credentials。"),
)

OAUTH_CODES: dict[ProblemType, str] = {
    INVALID_CLIENT: "invalid_client",
    INVALID_SCOPE: "invalid_scope",
    UNAUTHORIZED_CLIENT: "unauthorized_client",
    UNSUPPORTED_GRANT_TYPE: "unsupported_grant_type",
}
PROFILE_INVALID = problem_type(
    "profile-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Profile not complete", "票据资料不完整"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text(
        "Correct the field. What you send is printed on invoices as it is.", "请修改该字段；所填内容将原样印在发票上。"
    ),
)
