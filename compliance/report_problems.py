"""The refusals of reports, samples and the record of processing."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

PROCESSING_INVALID = problem_type(
    "processing-record-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Record of processing invalid", "处理活动记录无效"),
    detail=Text("The field {field} needs {reason}.", "字段 {field} 要求：{reason}。"),
    remedy=Text("Mend the field and send the whole record again.", "请修正该字段后重新提交完整记录。"),
)
REPORT_PERIOD = problem_type(
    "report-period-invalid",
    Kind.INVALID,
    title=Text("Period of the report invalid", "报告期间无效"),
    detail=Text("This report cannot be made so: {reason}.", "无法按此生成报告：{reason}。"),
    remedy=Text(
        "Give a calendar year, or a beginning and an end; the report on persons abroad needs a year.",
        "请提供自然年，或起止时间；个人信息出境人数统计须提供年度。",
    ),
)
REPORT_NOT_READY = problem_type(
    "report-not-ready",
    Kind.CONFLICT,
    title=Text("Not ready", "尚未完成"),
    detail=Text("It is {state}.", "当前状态为 {state}。"),
    remedy=Text("Ask for its state again in a few seconds.", "请数秒后重新查询状态。"),
)
SAMPLE_INVALID = problem_type(
    "sample-invalid",
    Kind.INVALID,
    title=Text("Sample invalid", "抽样无效"),
    detail=Text("A sample cannot be drawn or judged so: {reason}.", "无法按此抽样或登记结果：{reason}。"),
    remedy=Text(
        "Ask for 1 to 10,000 records, with a seed of 32 bytes in hex or none; state how many of the drawn passed.",
        "请抽取 1 至 10,000 条记录，种子为 32 字节十六进制或留空；结果须说明抽中记录中合格的数量。",
    ),
)
SAMPLE_JUDGED = problem_type(
    "sample-judged-already",
    Kind.CONFLICT,
    title=Text("Sample judged already", "该样本已登记结果"),
    detail=Text("The result of this sample is on file.", "该样本的结果已登记。"),
    remedy=Text("Draw another sample: what was said of one is not changed.", "请另行抽样：已登记的结果不可更改。"),
)
