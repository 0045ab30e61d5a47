"""What an organisation does in the market, and which portals that opens."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from exchange.kernel.text import Text


class Role(StrEnum):
    """A role: a closed set, so that rules can name it."""

    SUPPLIER = "supplier"
    BUYER = "buyer"
    ASSESSOR = "assessor"
    BROKER = "broker"
    REGULATOR = "regulator"
    OPERATOR = "operator"
    ANNOTATOR = "annotator"
    CLEANER = "cleaner"
    INTEGRATOR = "integrator"
    SYNTHESISER = "synthesiser"
    COMPLIANCE_CERTIFIER = "compliance_certifier"
    SECURITY_AUDITOR = "security_auditor"
    NOTARY = "notary"
    CUSTODIAN = "custodian"
    VALUER = "valuer"
    INSURER = "insurer"
    ARBITRATOR = "arbitrator"
    RISK_ASSESSOR = "risk_assessor"
    TRAINER = "trainer"


NAMES: dict[Role, Text] = {
    Role.SUPPLIER: Text("Data supplier", "数据供应方"),
    Role.BUYER: Text("Data buyer", "数据买方"),
    Role.ASSESSOR: Text("Quality assessor", "质量评估机构"),
    Role.BROKER: Text("Data broker", "数据经纪机构"),
    Role.REGULATOR: Text("Regulator", "监管机构"),
    Role.OPERATOR: Text("Exchange operator", "交易所运营方"),
    Role.ANNOTATOR: Text("Annotation provider", "数据标注服务商"),
    Role.CLEANER: Text("Cleaning provider", "数据清洗服务商"),
    Role.INTEGRATOR: Text("Data integrator", "数据集成服务商"),
    Role.SYNTHESISER: Text("Synthetic data provider", "合成数据服务商"),
    Role.COMPLIANCE_CERTIFIER: Text("Compliance certifier", "合规认证机构"),
    Role.SECURITY_AUDITOR: Text("Security auditor", "安全审计机构"),
    Role.NOTARY: Text("Data notary", "数据公证机构"),
    Role.CUSTODIAN: Text("Data custodian", "数据托管机构"),
    Role.VALUER: Text("Asset valuer", "资产评估机构"),
    Role.INSURER: Text("Data insurer", "数据保险机构"),
    Role.ARBITRATOR: Text("Arbitrator", "争议仲裁机构"),
    Role.RISK_ASSESSOR: Text("Risk assessor", "风险评估机构"),
    Role.TRAINER: Text("Training provider", "人才培训机构"),
}

# Nobody asks for this one over HTTP: the first operator is made by `exchange admin create-operator`, who may add others.
RESERVED = frozenset({Role.OPERATOR})

# Who is owed money for sales or cases, and so names where it should go.
PAYEES = frozenset({Role.SUPPLIER.value, Role.BROKER.value, Role.ASSESSOR.value, Role.ARBITRATOR.value})
PAYEES_NAMED = "supplier, broker, assessor or arbitrator"

ORGANISATION_SCOPE = "organisation"
_PORTALS: dict[Role, frozenset[str]] = {
    Role.SUPPLIER: frozenset({"supplier"}),
    Role.BUYER: frozenset({"buyer", "data"}),
    Role.REGULATOR: frozenset({"regulator"}),
    Role.OPERATOR: frozenset({"operator"}),
}
# Assessors and all other service providers share one portal; what each may do there is asked of its roles.
_SERVICE_PORTAL = frozenset({"assessor"})
SCOPES = frozenset({ORGANISATION_SCOPE}) | _SERVICE_PORTAL | frozenset().union(*_PORTALS.values())


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """The scopes that an organisation with these roles may use once it is verified."""
    opened = (_PORTALS.get(role, _SERVICE_PORTAL) for role in roles)
    return frozenset({ORGANISATION_SCOPE}).union(*opened)
