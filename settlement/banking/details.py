"""Bank details: where money can be sent, checked before anybody relies on them. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec
from stdnum import bic, iban
from stdnum.exceptions import ValidationError

from exchange.kernel.canonical import canonical
from exchange.kernel.errors import Problem
from exchange.kernel.subjects import SubjectKey, lock, unlock
from exchange.kernel.text import Text
from settlement.banking_problems import BANK_DETAILS_INVALID

HOLDER_MAX = 140
# Countries whose accounts a SEPA credit transfer reaches.
# source: European Payments Council, EPC409-09, version 6.0 of 2025
_SEPA = "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA"
SEPA = frozenset(_SEPA.split())
_CN_ACCOUNT = re.compile(r"[0-9]{8,32}\Z")
_CNAPS = re.compile(r"[0-9]{12}\Z")
# What a spreadsheet would take for a formula at the beginning of a cell, in half and (normalised) in full width.
_FORMULA = ("=", "+", "-", "@", "\u2212")
_NAME = Text("the holder's name is missing, too long, or begins like a formula", "户名缺失、过长，或以公式字符开头")
_IBAN = Text("it is no IBAN: country, length or check digits are wrong", "不是有效的 IBAN：国家、长度或校验位有误")
_NOT_SEPA = Text("SEPA does not reach banks of that country", "SEPA 不覆盖该国家或地区的银行")
_BIC = Text("it is no BIC of eight or eleven characters", "不是 8 位或 11 位的 BIC")
_COUNTRY = Text("the BIC is of another country than the account", "BIC 与账户所属国家不一致")
_NUMBER = Text("an account number in China has 8 to 32 digits", "中国境内账号应为 8 至 32 位数字")
_CNAPS_WORDS = Text("the CNAPS code of the branch has 12 digits", "开户行联行号（CNAPS）应为 12 位数字")
_BRANCH = Text("name the bank and branch, as the bank writes it", "请按银行口径填写开户行全称")


class Scheme(StrEnum):
    """How an account is named: by IBAN and BIC, or by number and CNAPS code."""

    IBAN = "iban"
    CN = "cn"


# The one scheme by which a currency is paid out; others are refused until somebody needs them.
BY_CURRENCY = {"EUR": Scheme.IBAN, "CNY": Scheme.CN}


@dataclass(frozen=True, slots=True)
class BankDetails:
    """An account at a bank as its holder wrote it down; personal where the holder is a person, so never in a log.

    shapes   bank: BIC ('' where unknown) or CNAPS code; bank_name: in China the name of the branch
    """

    scheme: Scheme
    holder: str
    account: str
    bank: str
    bank_name: str = ""

    def __repr__(self) -> str:
        """Show the last four digits alone: a representation ends up in logs."""
        return f"BankDetails({self.scheme.value} ...{self.last4})"

    @property
    def country(self) -> str:
        """Where the account is."""
        return self.account[:2] if self.scheme is Scheme.IBAN else "CN"

    @property
    def last4(self) -> str:
        """What may be shown."""
        return self.account[-4:]

    @property
    def digest(self) -> bytes:
        """What the account is recognised by in statements."""
        return account_digest(self.account)

    @property
    def fingerprint(self) -> bytes:
        """What an approval binds: every field."""
        return hashlib.sha256(canonical({"scheme": self.scheme.value, **_fields(self)})).digest()


def formula_like(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula, also in full-width signs or after spaces."""
    seen = unicodedata.normalize("NFKC", cell).lstrip()
    return seen.startswith(_FORMULA) or cell.startswith(("\t", "\r", "\n"))


def account_digest(account: str) -> bytes:
    """The SHA-256 of an account's number, without spaces and in capitals."""
    return hashlib.sha256("".join(account.split()).upper().encode()).digest()


def read_details(scheme: Scheme, holder: str, account: str, bank: str, bank_name: str = "") -> BankDetails | Problem:
    """Check bank details and write them in one form.

    errors   answers bank-details-invalid
    source   ISO 13616, ISO 9362; the CNAPS code of the People's Bank of China has no published check digit
    """
    holder, bank_name = " ".join(holder.split()), " ".join(bank_name.split())
    if not 0 < len(holder) <= HOLDER_MAX or not holder.isprintable() or formula_like(holder):
        return BANK_DETAILS_INVALID(field="holder", reason=_NAME)
    if scheme is Scheme.IBAN:
        return _by_iban(holder, account, bank)
    account, bank = "".join(account.split()), "".join(bank.split())
    if not _CN_ACCOUNT.match(account):
        return BANK_DETAILS_INVALID(field="account", reason=_NUMBER)
    if not _CNAPS.match(bank):
        return BANK_DETAILS_INVALID(field="bank", reason=_CNAPS_WORDS)
    if not 0 < len(bank_name) <= HOLDER_MAX or not bank_name.isprintable() or formula_like(bank_name):
        return BANK_DETAILS_INVALID(field="bank_name", reason=_BRANCH)
    return BankDetails(scheme, holder, account, bank, bank_name)


def _by_iban(holder: str, account: str, bank: str) -> BankDetails | Problem:
    try:
        number = iban.validate(account)
    except ValidationError:
        return BANK_DETAILS_INVALID(field="account", reason=_IBAN)
    if number[:2] not in SEPA:
        return BANK_DETAILS_INVALID(field="account", reason=_NOT_SEPA)
    if not bank:
        return BankDetails(Scheme.IBAN, holder, number, "")
    try:
        code = bic.validate(bank)
    except ValidationError:
        return BANK_DETAILS_INVALID(field="bank", reason=_BIC)
    if code[4:6] != number[:2] and not (number[:2] in _AT_ANOTHER and code[4:6] in _AT_ANOTHER[number[:2]]):
        return BANK_DETAILS_INVALID(field="bank", reason=_COUNTRY)
    return BankDetails(Scheme.IBAN, holder, number, code)


# Accounts whose banks' codes name another country.
_AT_ANOTHER = {"SM": {"IT"}, "VA": {"IT"}, "MC": {"FR"}, "LI": {"CH"}, "GB": {"IM", "JE", "GG"}, "FR": {"MC"}}


def sealed_details(key: SubjectKey, object_id: UUID, details: BankDetails) -> bytes:
    """Bank details as they are kept: sealed under the key of whoever they belong to."""
    return lock(key.key, _about(object_id), canonical(_fields(details)))


def opened_details(key: bytes | None, object_id: UUID, scheme: Scheme, sealed: bytes) -> BankDetails | None:
    """Bank details again; None once the key is destroyed.

    errors   Unreadable for another's key or text
    """
    if key is None:
        return None
    fields = msgspec.json.decode(unlock(key, _about(object_id), sealed), type=dict[str, str])
    return BankDetails(scheme, fields["holder"], fields["account"], fields["bank"], fields["bank_name"])


def _fields(details: BankDetails) -> dict[str, str]:
    return {
        "account": details.account,
        "bank": details.bank,
        "bank_name": details.bank_name,
        "holder": details.holder,
    }


def _about(object_id: UUID) -> bytes:
    return f"settlement.bank-details {object_id}".encode()
