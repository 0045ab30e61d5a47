"""The catalogue's refusals."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

DATASET_INVALID = problem_type(
    "dataset-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Dataset description not complete", "数据集描述不完整"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and send the dataset again.", "请修改该字段后重新提交数据集。"),
)
DATASET_NOT_ACTIVE = problem_type(
    "dataset-not-active",
    Kind.CONFLICT,
    title=Text("Dataset not active", "数据集不可用"),
    detail=Text(
        "The dataset is {state}; files can be added only while it is active.",
        "数据集当前状态为 {state}，仅在 active 状态下可以添加文件。",
    ),
    remedy=Text(
        "Use another dataset, or ask the operator why this one was stopped.",
        "请使用其他数据集，或向运营方询问停用原因。",
    ),
)
PATH_INVALID = problem_type(
    "path-invalid",
    Kind.UNPROCESSABLE,
    title=Text("File path not acceptable", "文件路径不符合要求"),
    detail=Text("The path cannot be used: {reason}.", "该路径不可用：{reason}。"),
    remedy=Text(
        "Use a relative path with '/' between names, such as train/part-0001.jsonl.",
        "请使用以 “/” 分隔的相对路径，例如 train/part-0001.jsonl。",
    ),
)
PATH_TAKEN = problem_type(
    "path-taken",
    Kind.CONFLICT,
    title=Text("Path already in use", "路径已被占用"),
    detail=Text(
        "Another file of this revision has the path {path}, or one that differs only in capital letters or"
        " that is a folder of it.",
        "本版本中已有文件使用路径 {path}，或仅大小写不同，或与其存在文件夹包含关系。",
    ),
    remedy=Text("Choose another path, or give up the other upload first.", "请更换路径，或先放弃另一个上传。"),
)
UPLOAD_TOO_LARGE = problem_type(
    "upload-too-large",
    Kind.TOO_LARGE,
    title=Text("File too large", "文件过大"),
    detail=Text("The upload may hold at most {limit_bytes} bytes.", "该上传最多 {limit_bytes} 字节。"),
    remedy=Text(
        "Declare the true size when opening the upload; split a file above the exchange's limit into parts.",
        "请在创建上传时声明真实大小；超过交易所上限的文件请拆分。",
    ),
)
UPLOAD_TOO_MANY_PARTS = problem_type(
    "upload-too-many-parts",
    Kind.UNPROCESSABLE,
    title=Text("Too many small pieces", "分片过多"),
    detail=Text("One upload may have at most {limit} pieces.", "一个上传最多 {limit} 个分片。"),
    remedy=Text("Open the upload again and send larger pieces.", "请重新创建上传并使用更大的分片。"),
)
UPLOADS_TOO_MANY = problem_type(
    "uploads-too-many",
    Kind.CONFLICT,
    title=Text("Too many uploads", "上传数量过多"),
    detail=Text("The dataset has {limit} uploads that are not sealed yet.", "该数据集已有 {limit} 个尚未封存的上传。"),
    remedy=Text("Seal a revision or give up uploads first.", "请先封存版本或放弃部分上传。"),
)
UPLOAD_OFFSET = problem_type(
    "upload-offset",
    Kind.CONFLICT,
    title=Text("Wrong offset", "偏移量错误"),
    detail=Text("The next byte of this upload has the offset {expected}.", "该上传的下一个字节偏移量应为 {expected}。"),
    remedy=Text("Go on from that offset.", "请从该偏移量继续上传。"),
)
UPLOAD_NOT_OPEN = problem_type(
    "upload-not-open",
    Kind.CONFLICT,
    title=Text("Upload not open", "上传不可用"),
    detail=Text("The upload is {state}; this needs {needs}.", "上传当前状态为 {state}，该操作需要 {needs}。"),
    remedy=Text("Open a new upload for a changed file.", "文件有变化时请创建新的上传。"),
)
UPLOAD_INCOMPLETE = problem_type(
    "upload-incomplete",
    Kind.CONFLICT,
    title=Text("Upload not complete", "上传未完成"),
    detail=Text(
        "The file {path} is not completely uploaded: its {size_bytes} bytes are not all here and hashed.",
        "文件 {path} 尚未上传完成：{size_bytes} 字节尚未全部收到并校验。",
    ),
    remedy=Text("Send the remaining bytes, then try again.", "请上传剩余字节后重试。"),
)
UPLOAD_HASH = problem_type(
    "upload-hash-mismatch",
    Kind.UNPROCESSABLE,
    title=Text("File differs from its hash", "文件与哈希不一致"),
    detail=Text(
        "The received bytes have the SHA-256 {received}, not {declared}. The upload was given up.",
        "收到的内容 SHA-256 为 {received}，与声明的 {declared} 不符，该上传已作废。",
    ),
    remedy=Text("Check the file and upload it again.", "请检查文件后重新上传。"),
)
REVISION_EMPTY = problem_type(
    "revision-empty",
    Kind.UNPROCESSABLE,
    title=Text("Revision without files", "版本没有文件"),
    detail=Text("A revision needs at least one uploaded file.", "一个版本至少需要一个已上传的文件。"),
    remedy=Text("Name the uploads that belong to the revision.", "请指定属于该版本的上传。"),
)
REVISION_TOO_LARGE = problem_type(
    "revision-too-large",
    Kind.UNPROCESSABLE,
    title=Text("Revision too large", "版本过大"),
    detail=Text(
        "A revision may have at most {assets_max} files and {size_max_bytes} bytes.",
        "一个版本最多 {assets_max} 个文件、{size_max_bytes} 字节。",
    ),
    remedy=Text("Split the dataset into several datasets.", "请将数据拆分为多个数据集。"),
)
REVISION_UNCHANGED = problem_type(
    "revision-unchanged",
    Kind.CONFLICT,
    title=Text("Nothing changed", "内容没有变化"),
    detail=Text(
        "Revision {number} ({revision}) already has exactly these files.",
        "版本 {number}（{revision}）已包含完全相同的文件。",
    ),
    remedy=Text("Use that revision, or upload what is new.", "请使用该版本，或上传有变化的文件。"),
)
LISTING_INVALID = problem_type(
    "listing-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Listing not complete", "上架信息不完整"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and send the listing again.", "请修改该字段后重新提交。"),
)
LISTING_STATE = problem_type(
    "listing-state",
    Kind.CONFLICT,
    title=Text("Not possible for this listing now", "当前状态不允许该操作"),
    detail=Text("A listing that is {state} cannot become {wanted}.", "状态为 {state} 的产品不能变更为 {wanted}。"),
    remedy=Text("Read the listing again and decide anew.", "请重新读取产品信息后再决定。"),
)
OFFER_INVALID = problem_type(
    "offer-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Offer not acceptable", "报价方案不符合要求"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and send the offer again.", "请修改该字段后重新提交报价方案。"),
)
OFFERS_TOO_MANY = problem_type(
    "offers-too-many",
    Kind.CONFLICT,
    title=Text("Too many offers", "报价方案过多"),
    detail=Text("A listing may have at most {limit} offers.", "一个产品最多 {limit} 个报价方案。"),
    remedy=Text(
        "Make a new version of an existing offer, or withdraw one.", "请更新已有报价方案的版本，或撤回其中一个。"
    ),
)
OFFER_UNCHANGED = problem_type(
    "offer-unchanged",
    Kind.CONFLICT,
    title=Text("Nothing changed", "内容没有变化"),
    detail=Text(
        "Version {version} ({offer}) of this offer already says exactly this.",
        "该报价方案的第 {version} 版（{offer}）内容完全相同。",
    ),
    remedy=Text("Use that version.", "请使用该版本。"),
)
SEARCH_INVALID = problem_type(
    "search-invalid",
    Kind.INVALID,
    title=Text("Search not understood", "无法识别搜索条件"),
    detail=Text("The filter {field} is not acceptable: {reason}.", "筛选条件 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the filter and search again.", "请修改筛选条件后重新搜索。"),
)
PLAN_INVALID = problem_type(
    "plan-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Plan not acceptable", "价格方案不符合要求"),
    detail=Text("The field {field} is not acceptable: {reason}.", "字段 {field} 不符合要求：{reason}。"),
    remedy=Text("Correct the field and send the plan again.", "请修改该字段后重新提交价格方案。"),
)
PLANS_TOO_MANY = problem_type(
    "plans-too-many",
    Kind.CONFLICT,
    title=Text("Too many plans", "价格方案过多"),
    detail=Text("A supplier may have at most {limit} plans.", "每个供应方最多 {limit} 个价格方案。"),
    remedy=Text("Make a new version of an existing plan, or retire one.", "请更新已有方案的版本，或停用其中一个。"),
)
PLAN_UNCHANGED = problem_type(
    "plan-unchanged",
    Kind.CONFLICT,
    title=Text("Nothing changed", "内容没有变化"),
    detail=Text(
        "Version {version} ({plan}) of this plan already says exactly this.",
        "该价格方案的第 {version} 版（{plan}）内容完全相同。",
    ),
    remedy=Text("Use that version.", "请使用该版本。"),
)
PLAN_RETIRED = problem_type(
    "plan-retired",
    Kind.CONFLICT,
    title=Text("The plan is retired", "价格方案已停用"),
    detail=Text(
        "The plan {plan} was retired; no offer may use it any more.", "价格方案 {plan} 已停用，不能再用于报价方案。"
    ),
    remedy=Text("Use another version, or store the plan again as a new one.", "请使用其他版本，或重新保存为新版本。"),
)
PEOPLE_INVALID = problem_type(
    "people-declaration-invalid",
    Kind.UNPROCESSABLE,
    title=Text("Declaration of persons invalid", "人数申报无效"),
    detail=Text("The declaration does not hold together: {reason}.", "申报内容不成立：{reason}。"),
    remedy=Text(
        "Count persons, not rows, and declare again; the declarations before stay on record.",
        "请按人数（而非行数）统计后重新申报；此前的申报保留在案。",
    ),
)
