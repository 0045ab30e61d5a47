"""What a report can find wrong, each with its words: a finding is a fact for the regulator, never a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from exchange.kernel.text import Text

FINDINGS: Mapping[str, Text] = {
    "no-source-statement": Text(
        "The provider stated no source for the data (Data Security Law, article 33).",
        "供应方未说明数据来源（《数据安全法》第三十三条）。",
    ),
    "buyer-not-verified": Text(
        "No decision says that the buyer's identity was verified when it ordered.", "下单时没有买方身份核验通过的记录。"
    ),
    "seller-not-verified": Text(
        "No decision says that the supplier's identity was verified at the order.",
        "下单时没有供应方身份核验通过的记录。",
    ),
    "buyer-without-evidence": Text(
        "The buyer was verified without a document on file.", "买方核验时未留存任何证明文件。"
    ),
    "seller-without-evidence": Text(
        "The supplier was verified without a document on file.", "供应方核验时未留存任何证明文件。"
    ),
    "evidence-file-gone": Text(
        "A document that a decision rests on is not in the file store any more.", "核验所依据的文件已不在文件存储中。"
    ),
    "deleted-early": Text(
        "The log says that this record was made, and it is gone before its retention ran out "
        "(Network Data Security Regulations, article 12: three years at least).",
        "日志记载有此记录，但在保存期届满前已不存在（《网络数据安全管理条例》第十二条：至少保存三年）。",
    ),
    "agreement-altered": Text(
        "The agreement on file is not the one whose hash stands in the log.",
        "留存的合约与日志中的哈希值不符。",
    ),
    "not-delivered": Text("It was paid, and no access was opened.", "已付款，但未开通使用权。"),
    "no-security-duty": Text(
        "The data holds personal or important data, and the terms fix no duty of the recipient.",
        "数据含个人信息或重要数据，而条款未约定接收方义务。",
    ),
    "no-purpose": Text("The transfer names no purpose.", "该次提供未写明目的。"),
    "people-not-declared": Text(
        "The supplier did not declare how many persons are in the data, nor whether it is important data.",
        "供应方未申报数据涉及的人数以及是否属于重要数据。",
    ),
    "declared-late": Text(
        "The supplier declared the persons in the data only after data had been provided abroad.",
        "供应方在数据出境之后才申报涉及人数。",
    ),
    "path-insufficient": Text(
        "The way that the supplier declared is not the one that the numbers ask for.",
        "供应方申报的出境路径低于按人数应采取的路径。",
    ),
    "path-without-evidence": Text(
        "The supplier declared a way that needs a filing or certificate, and no document for it.",
        "供应方申报的路径需要备案或证书，但未提交相应文件。",
    ),
    "path-lapsed": Text(
        "What the supplier declared had run out when data was provided abroad.", "数据出境时，所申报的路径已过有效期。"
    ),
    "no-processing-record": Text(
        "The operator put no record of processing on file (GDPR, article 30).",
        "运营方未提交处理活动记录（GDPR 第三十条）。",
    ),
    "transfer-without-safeguard": Text(
        "Personal data went to another country, and nothing says on which basis.",
        "个人信息提供至其他国家或地区，但未说明依据。",
    ),
    "checkpoint-late": Text(
        "Entries waited longer than two seconds for a signed checkpoint.", "有条目等待签名检查点超过两秒。"
    ),
}
