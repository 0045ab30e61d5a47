"""Every setting of a process, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from exchange.access.settings import AccessSettings
from exchange.catalog.settings import CatalogSettings
from exchange.kernel.batch import BatchSettings
from exchange.kernel.clock import Clock, SandboxClock, SystemClock
from exchange.kernel.db import DatabaseSettings, DatabaseUrls
from exchange.kernel.files import FilesSettings
from exchange.kernel.settings import BadSetting, read, variables
from exchange.kernel.text import Text
from exchange.parties.settings import PartiesSettings, TokenSettings
from exchange.webhooks.settings import WebhookSettings
from settlement.dispute_settings import DisputeSettings
from settlement.payout_minimums import BadMinimums
from settlement.settings import SettlementSettings, StripeSettings

SEQUENCERS = ("process", "inside", "off")
CHECKPOINT_S_MIN, CHECKPOINT_S_MAX = 0.05, 60.0


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where this process lives and listens."""

    home: str = ".exchange"
    """Folder of the embedded database, files, keys and logs."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8480
    """Port to listen on."""
    origin: str = ""
    """Public address of the exchange, without a slash at the end; http://HOST:PORT when empty."""
    log_origin: str = "corpus-exchange.example/log"
    """The log's name in its checkpoints (C2SP origin); never changes once the log has leaves."""
    log_level: str = "info"
    """debug, info, warning or error."""
    node_id: str = "centre"
    """The node that this process serves."""
    keys: str = ""
    """Folder of the private signing keys; HOME/keys when empty."""
    vault: str = ""
    """Where the keys of people's sealed data lie: one or more places, separated by spaces, each a `file:///folder` or an `s3://`, `gs://`, `az://` address; the folder `subjects` beside the signing keys when empty. Never the database, and not the backup of the database."""
    sandbox: bool = False
    """Whether this is a market of made-up money, whose clock can be moved; refused with a live Stripe key."""
    log_quorum: Annotated[int, Meta(ge=0, le=64)] = 1
    """How many witnesses must cosign a checkpoint before it, and an export under it, counts as witnessed; 0 asks for none."""
    worker_lanes: int = 2
    """How many jobs one worker runs at a time."""
    sequencer: str = "process"
    """Where the log's sequencer runs: process (one beside each worker), inside (in the worker itself), off (`exchange sequencer`)."""
    checkpoint_every_s: float = 0.5
    """How often the log signs a checkpoint at most, in seconds."""


class UrlSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the database is; all empty = the embedded one."""

    url: str = ""
    """postgresql://exchange_app:...@host/exchange; the other three roles default to the same server and password."""
    url_portal: str = ""
    """Address for the role exchange_portal."""
    url_regulator: str = ""
    """Address for the role exchange_regulator."""
    url_migrate: str = ""
    """Address for the role exchange_migrate."""

    def urls(self) -> DatabaseUrls | None:
        """The four addresses, or None for the embedded server."""
        if not self.url:
            return None
        base = DatabaseUrls.from_one(self.url)

        def own(url: str, fallback: str) -> str:
            return url.replace("postgresql://", "postgresql+asyncpg://", 1) if url else fallback

        return DatabaseUrls(
            own(self.url, base.app),
            own(self.url_portal, base.portal),
            own(self.url_regulator, base.regulator),
            own(self.url_migrate, base.migrate),
        )


FORMS = {
    "exchange": ProcessSettings,
    "database": UrlSettings,
    "exchange_db": DatabaseSettings,
    "exchange_files": FilesSettings,
    "exchange_batch": BatchSettings,
    "exchange_token": TokenSettings,
    "exchange_parties": PartiesSettings,
    "exchange_catalog": CatalogSettings,
    "exchange_access": AccessSettings,
    "stripe": StripeSettings,
    "exchange_settlement": SettlementSettings,
    "exchange_disputes": DisputeSettings,
    "exchange_webhooks": WebhookSettings,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All packages' settings."""

    process: ProcessSettings
    database: UrlSettings
    db: DatabaseSettings
    files: FilesSettings
    batch: BatchSettings
    token: TokenSettings
    parties: PartiesSettings
    catalog: CatalogSettings
    access: AccessSettings
    stripe: StripeSettings
    settlement: SettlementSettings
    disputes: DisputeSettings
    webhooks: WebhookSettings

    @property
    def home(self) -> Path:
        """The process's folder, absolute."""
        return Path(self.process.home).absolute()

    @property
    def keys(self) -> Path:
        """The folder of the private keys."""
        return Path(self.process.keys).absolute() if self.process.keys else self.home / "keys"

    @property
    def vault(self) -> list[str]:
        """The places of subjects' keys; each has all of them."""
        return self.process.vault.split() or [(self.keys / "subjects").as_uri()]

    def clock(self) -> Clock:
        """The machine's clock, or the movable one of a sandbox."""
        return SandboxClock(self.home / "clock") if self.process.sandbox else SystemClock()

    @property
    def origin(self) -> str:
        """The exchange's public address."""
        return self.process.origin or f"http://{self.process.host}:{self.process.port}"


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables from which `load` would make these settings again, for a process of the same kind."""
    found = {}
    for form, prefix in zip(fields(Settings), FORMS, strict=True):
        values = getattr(settings, form.name)
        for variable in variables(FORMS[prefix], prefix):
            value = getattr(values, variable.field)
            if value is not None:
                found[variable.name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def load(environment: Mapping[str, str]) -> Settings:
    """Read every setting.

    errors   BadSetting
    """
    process = read(ProcessSettings, "exchange", environment)
    origin = process.origin or f"http://{process.host}:{process.port}"
    given = {
        "EXCHANGE_FILES_URL": (Path(process.home).absolute() / "files").as_uri(),
        "EXCHANGE_TOKEN_ISSUER": origin,
        "EXCHANGE_TOKEN_AUDIENCE": origin,
        **environment,
    }
    if process.sequencer not in SEQUENCERS or not CHECKPOINT_S_MIN <= process.checkpoint_every_s <= CHECKPOINT_S_MAX:
        raise BadSetting(
            Text(
                "EXCHANGE_SEQUENCER is process, inside or off, and EXCHANGE_CHECKPOINT_EVERY_S from 0.05 to 60",
                "EXCHANGE_SEQUENCER 须为 process、inside 或 off，EXCHANGE_CHECKPOINT_EVERY_S 须在 0.05 至 60 之间",
            )
        )
    if process.sandbox and environment.get("STRIPE_API_KEY", "").startswith(("sk_live", "rk_live")):
        raise BadSetting(
            Text(
                "EXCHANGE_SANDBOX is set beside a live Stripe key; a sandbox never moves real money",
                "设置了 EXCHANGE_SANDBOX，却同时给出 Stripe 正式密钥；沙盒绝不动用真实资金",
            )
        )
    made = Settings(*(read(form, prefix, given) for prefix, form in FORMS.items()))
    try:
        _ = made.settlement.minimums
    except BadMinimums as error:
        raise BadSetting(Text(f"least payouts: {error}", f"最低付款额设置有误：{error}")) from error
    if made.webhooks.loopback and not process.sandbox:
        raise BadSetting(
            Text(
                "EXCHANGE_WEBHOOKS_LOOPBACK lets webhooks reach this very machine; only a sandbox may have it",
                "EXCHANGE_WEBHOOKS_LOOPBACK 允许 Webhook 访问本机，仅可用于沙盒",
            )
        )
    return made
