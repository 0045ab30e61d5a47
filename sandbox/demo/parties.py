"""Who takes part in the demo: made-up organisations whose official numbers have the right form and check digits."""

from __future__ import annotations

from dataclasses import dataclass

_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def uscc(body: str) -> str:
    """A unified social credit code: 17 signs and their check sign.

    source   GB 32100-2015
    """
    total = sum(_USCC_SIGNS.index(sign) * weight for sign, weight in zip(body, _USCC_WEIGHTS, strict=True))
    return body + _USCC_SIGNS[(31 - total) % 31]


def lei(body: str) -> str:
    """A Legal Entity Identifier: 18 signs and their two check digits.

    source   ISO 17442-1, ISO/IEC 7064 MOD 97-10
    """
    number = int("".join(str(int(sign, 36)) for sign in f"{body}00"))
    return f"{body}{98 - number % 97:02d}"


@dataclass(frozen=True)
class Cast:
    """One organisation of the demo, and the portal that it works in."""

    key: str
    en: str
    zh: str
    roles: tuple[str, ...]
    portal: str
    country: str
    identifiers: dict[str, str]
    contact: str
    email: str


CAST = (
    Cast(
        "supplier",
        "Hanlin Text Library (fictional)",
        "翰林文库（虚构）",
        ("supplier",),
        "/supplier/v1",
        "CN",
        {"uscc": uscc("91310000DEM0HAN01")},
        "Lin Yue",
        "data@hanlin.example",
    ),
    Cast(
        "archive",
        "Wenyuan Digital Archive (fictional)",
        "文渊数字档案馆（虚构）",
        ("supplier",),
        "/supplier/v1",
        "SG",
        {"lei": lei("9845WENYUANDEMO000")},
        "Tan Wei Ming",
        "desk@wenyuan.example",
    ),
    Cast(
        "assessor",
        "Zhizhun Data Assessment (fictional)",
        "知准数据评估（虚构）",
        ("assessor",),
        "/assessor/v1",
        "CN",
        {"uscc": uscc("91110000DEM0PG002")},
        "Zhao Min",
        "lab@zhizhun.example",
    ),
    Cast(
        "broker",
        "Silk Bridge Data Brokerage (fictional)",
        "丝桥数据经纪（虚构）",
        ("broker",),
        "/assessor/v1",
        "SG",
        {"lei": lei("9845SILKBRIDGEDEM0")},
        "Amira Rahman",
        "desk@silkbridge.example",
    ),
    Cast(
        "buyer",
        "Yunqi AI Lab (fictional)",
        "云启智能实验室（虚构）",
        ("buyer",),
        "/buyer/v1",
        "CN",
        {"uscc": uscc("91440300DEM0YQ003")},
        "Chen Rui",
        "data@yunqi.example",
    ),
    Cast(
        "arbitrator",
        "Elbe Data Arbitration (fictional)",
        "易北数据仲裁（虚构）",
        ("arbitrator",),
        "/assessor/v1",
        "DE",
        {"lei": lei("9845ELBEARBITRATE0")},
        "Greta Lindner",
        "desk@elbe-arbitration.example",
    ),
    Cast(
        "regulator",
        "Demo Data Administration (fictional)",
        "示范数据管理局（虚构）",
        ("regulator",),
        "/regulator/v1",
        "CN",
        {"uscc": uscc("11100000DEM0REG04")},
        "He Jing",
        "audit@data-administration.example",
    ),
)
BY_KEY = {one.key: one for one in CAST}
OPERATOR = ("Corpus Exchange Demo Operator", "语料交易所（演示运营方）")
