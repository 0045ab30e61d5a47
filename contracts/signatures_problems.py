"""What keys and signatures of organisations are refused for."""

from __future__ import annotations

from exchange.kernel.errors import Kind, problem_type
from exchange.kernel.text import Text

KEY_FORM = problem_type(
    "signing-key-form",
    Kind.UNPROCESSABLE,
    title=Text("Not an Ed25519 public key", "不是有效的 Ed25519 公钥"),
    detail=Text("The public key {why}.", "公钥{why}。"),
    remedy=Text(
        "Send the 32 raw bytes of an Ed25519 public key in base64 (with or without padding, URL-safe or not).",
        "请以 base64 发送 Ed25519 公钥的 32 个原始字节（可省略填充，可使用 URL 安全字母表）。",
    ),
)
KEY_NOT_PROVEN = problem_type(
    "signing-key-not-proven",
    Kind.UNPROCESSABLE,
    title=Text("Possession of the key is not proven", "未能证明持有该私钥"),
    detail=Text(
        "The signature does not fit the registration document {document} under this public key.",
        "签名与登记文件 {document} 在该公钥下不符。",
    ),
    remedy=Text(
        "Sign exactly these bytes with the private key and send the 64 bytes of the signature in base64.",
        "请用私钥对上述文件的原始字节签名，并以 base64 发送 64 字节的签名。",
    ),
)
KEY_TAKEN = problem_type(
    "signing-key-taken",
    Kind.CONFLICT,
    title=Text("This key is registered already", "该密钥已登记"),
    detail=Text("The key {kid} was registered before.", "密钥 {kid} 此前已登记。"),
    remedy=Text("Make a new key pair and register that.", "请生成新的密钥对后登记。"),
)
KEY_RETIRED = problem_type(
    "signing-key-retired",
    Kind.CONFLICT,
    title=Text("This key is retired", "该密钥已停用"),
    detail=Text("The key {kid} was retired at {at}.", "密钥 {kid} 已于 {at} 停用。"),
    remedy=Text(
        "Sign with a key that is in use; what was signed before stays verifiable.",
        "请使用在用的密钥签名；此前的签名仍可验证。",
    ),
)
KEYS_TOO_MANY = problem_type(
    "signing-keys-too-many",
    Kind.CONFLICT,
    title=Text("Too many keys in use", "在用密钥过多"),
    detail=Text("An organisation has at most {limit} keys of its own in use.", "每个机构最多有 {limit} 把在用密钥。"),
    remedy=Text("Retire one that you no longer sign with.", "请先停用不再使用的密钥。"),
)
SIGNATURE_MISSING = problem_type(
    "signature-missing",
    Kind.UNPROCESSABLE,
    title=Text("Your own signature is needed", "需要贵机构自行签名"),
    detail=Text(
        "Your organisation signs with a key of its own, so the exchange does not sign {object} for it.",
        "贵机构使用自有密钥签名，交易所不代为签署 {object}。",
    ),
    remedy=Text(
        "Sign the exact bytes of the document with your key and send kid and signature.",
        "请用贵机构密钥对文件的原始字节签名，并提交 kid 与 signature。",
    ),
)
SIGNATURE_KEY = problem_type(
    "signature-key-unknown",
    Kind.UNPROCESSABLE,
    title=Text("Not a key of yours", "不是贵机构的密钥"),
    detail=Text("The key {kid} is no key of your own that you registered.", "密钥 {kid} 不是贵机构登记的自有密钥。"),
    remedy=Text(
        "Register the public key at POST /buyer/v1/signing-keys or /supplier/v1/signing-keys first.",
        "请先通过 POST /buyer/v1/signing-keys 或 /supplier/v1/signing-keys 登记公钥。",
    ),
)
SIGNATURE_WRONG = problem_type(
    "signature-wrong",
    Kind.UNPROCESSABLE,
    title=Text("The signature is wrong", "签名不正确"),
    detail=Text(
        "The signature is not by the key {kid} over the document with the SHA-256 {sha256}.",
        "该签名不是密钥 {kid} 对 SHA-256 为 {sha256} 的文件所作。",
    ),
    remedy=Text(
        "Sign the exact bytes as the exchange delivered them, without reformatting, and send 64 bytes in base64.",
        "请对交易所提供的原始字节签名，勿重新排版，并以 base64 发送 64 字节。",
    ),
)
SIGNED_ALREADY = problem_type(
    "signed-already",
    Kind.CONFLICT,
    title=Text("Signed already", "已签名"),
    detail=Text("Your organisation has signed {object} in this way before.", "贵机构已以此方式签署 {object}。"),
    remedy=Text("Nothing needs to be done.", "无需其他操作。"),
)
