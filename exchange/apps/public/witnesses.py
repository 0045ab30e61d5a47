"""Who watches the log, for everybody: the policy, and the newest checkpoint that enough witnesses cosigned."""

from __future__ import annotations

from litestar import Response, get

from compliance import notes, policy, witness_store
from compliance.problems import NOT_WITNESSED
from exchange.apps.http.answers import Asked
from exchange.apps.http.context import services_of
from exchange.apps.http.documented import answers
from exchange.kernel.errors import Refused

_TEXT = "text/plain"


@get("/log/policy", responses=answers(str, 200, media_type=_TEXT))
async def read_policy(request: Asked) -> Response[bytes]:
    """The log's keys, its witnesses and the quorum (C2SP tlog-policy). 日志信任策略。

    Take it once, judge the witnesses yourself, and keep it: a policy that is asked of the log each time proves nothing.
    """
    services = services_of(request)
    process = services.settings.process
    async with services.db.read(None) as tx:
        rows = await witness_store.active(tx)
    logs = [policy.Log(one) for one in notes.log_verifiers(services.keyring, process.log_origin)]
    witnesses = [policy.Witness(one.verifier, one.url) for one in rows]
    text = policy.policy_text(logs, witnesses, process.log_quorum)
    return Response(text, media_type=_TEXT, headers={"cache-control": "no-cache"})


@get("/log/witnessed", responses=answers(str, 200, 503, media_type=_TEXT))
async def read_witnessed(request: Asked) -> Response[bytes]:
    """The newest checkpoint that enough witnesses cosigned, with their cosignatures. 已达见证要求的最新检查点。"""
    services = services_of(request)
    needed = services.settings.process.log_quorum
    async with services.db.read(None) as tx:
        note = await witness_store.newest_witnessed(tx, needed)
    if note is None:
        raise Refused(NOT_WITNESSED(needed=needed))
    return Response(note, media_type=_TEXT, headers={"cache-control": "no-cache"})


ROUTES = (read_policy, read_witnessed)
