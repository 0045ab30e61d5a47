"""A regulator's client signed in at an exchange: JSON, pages and files over HTTP, every refusal in words."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from exchange.cli.output import add_json, add_language
from exchange.cli.reading import Refused
from exchange.kernel.text import Text

TIMEOUT_S = 60.0
ATTEMPTS = 5
CLIENT, SECRET = "REGULATOR_CLIENT", "REGULATOR_SECRET"
_POLL_S = 1.0
_NO_CREDENTIALS = Text(
    f"set {CLIENT} and {SECRET} in the environment: the id and the secret of your client",
    f"请在环境变量 {CLIENT} 和 {SECRET} 中设置应用标识与密钥",
)


def add_verb(verbs: Any, name: str, words: str) -> argparse.ArgumentParser:
    """One verb of a command that speaks two languages and JSON."""
    made: argparse.ArgumentParser = verbs.add_parser(name, help=words, description=words)
    add_language(made)
    add_json(made)
    return made


class Session:
    """The regulator's portal of one exchange."""

    def __init__(self, origin: str, environment: Mapping[str, str], language: str) -> None:
        """Sign in; credentials come from the environment, where no list of processes shows them.

        errors   Refused
        """
        client, secret = environment.get(CLIENT), environment.get(SECRET)
        if not client or not secret:
            raise Refused(_NO_CREDENTIALS)
        self._http = httpx.Client(base_url=origin.rstrip("/"), timeout=TIMEOUT_S, follow_redirects=False)
        self._http.headers["accept-language"] = language
        self._credentials = (client, secret)
        try:
            self._sign_in()
        except Refused:
            self._http.close()
            raise

    def __enter__(self) -> Session:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """Read something; what is None is not asked for.

        errors   Refused
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=given).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Do something once.

        errors   Refused
        """
        given = {name: value for name, value in body.items() if value is not None}
        return self._send("POST", path, json=given, headers={"idempotency-key": secrets.token_hex(16)}).json()

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Every item of a list, page by page.

        errors   Refused
        """
        cursor = None
        while True:
            page = self.get(path, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def wait(self, path: str, wait_s: float) -> Any:
        """Read something until its state is done.

        errors   Refused where it takes longer
        """
        until = time.monotonic() + wait_s
        while True:
            found = self.get(path)
            if found["state"] == "done":
                return found
            if time.monotonic() > until:
                raise Refused(
                    Text(f"{found['id']} is still {found['state']}", f"{found['id']} 仍处于 {found['state']} 状态")
                )
            time.sleep(_POLL_S)

    def save(self, path: str, file: Path) -> int:
        """Download something into a file; its size in bytes.

        errors   Refused
        """
        size = 0
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                    raise Refused(_why(answer))
                with file.open("wb") as out:
                    for part in answer.iter_bytes():
                        size += out.write(part)
        except httpx.HTTPError as error:
            raise Refused(_away(error)) from error
        except OSError as error:
            raise Refused(_unwritable(file, error)) from error
        return size

    def resume(self, path: str, file: Path, size: int, etag: str, told: Callable[[int], None]) -> None:
        """Download something of a known size into a file, from where the file ends; a cut connection is tried again.

        errors   Refused
        """
        failures = 0
        while (at := file.stat().st_size if file.exists() else 0) < size:
            try:
                headers = {"range": f"bytes={at}-", "if-range": etag} if at else {}
                with self._http.stream("GET", path, headers=headers) as answer:
                    if answer.status_code == httpx.codes.UNAUTHORIZED and failures < ATTEMPTS - 1:
                        failures += 1
                        self._sign_in()
                        continue
                    if answer.is_error:
                        answer.read()
                        raise Refused(_why(answer))
                    # Whoever does not know ranges, or has something else by now, sends it from the beginning.
                    with file.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as out:
                        for part in answer.iter_bytes():
                            # No more than was announced, whatever comes: the rest of the disk is not the exchange's.
                            out.write(part[: size - out.tell()])
                            told(out.tell())
                            if out.tell() == size:
                                break
                if file.stat().st_size <= at:
                    raise httpx.ReadError("an answer without anything in it")
            except (httpx.HTTPError, OSError) as error:
                # Only attempts that bring nothing count: a bad line still gets there.
                failures = 0 if file.exists() and file.stat().st_size > at else failures + 1
                if isinstance(error, OSError):
                    raise Refused(_unwritable(file, error)) from error
                if failures == ATTEMPTS:
                    raise Refused(_away(error)) from error
                time.sleep(_POLL_S)

    def _sign_in(self) -> None:
        form = {"grant_type": "client_credentials"}
        self._http.headers.pop("authorization", None)
        answer = self._send("POST", "/oauth2/token", data=form, auth=self._credentials)
        self._http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
            if answer.status_code == httpx.codes.UNAUTHORIZED and "authorization" in self._http.headers:
                # Who waits long outlives a token.
                self._sign_in()
                answer = self._http.request(method, path, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused(_away(error)) from error
        if answer.is_error:
            raise Refused(_why(answer))
        return answer


def _away(error: Exception) -> Text:
    told = str(error) or type(error).__name__
    return Text(f"the exchange cannot be asked: {told}", f"无法连接交易所：{told}")


def _unwritable(file: Path, error: OSError) -> Text:
    why = error.strerror or str(error)
    return Text(f"the file {file} cannot be written: {why}", f"无法写入文件 {file}：{why}")


def refuse_no_folder(file: str | None) -> None:
    """Refuse a place for a file whose folder does not exist, before anything is asked for.

    errors   Refused
    """
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise Refused(Text(f"there is no folder for {file}", f"{file} 所在目录不存在"))


def make_folder(folder: Path) -> None:
    """Make a folder for what is fetched.

    errors   Refused
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(_unwritable(folder, error)) from error


def _why(answer: httpx.Response) -> Text:
    """The refusal in the exchange's own words, which are in the language that was asked for."""
    try:
        said = answer.json()
        told = said.get("detail") or said.get("error_description") or said["error"]
        told = f"{told} {said.get('remedy', '')}".strip()
    except (ValueError, KeyError, AttributeError):
        told = f"HTTP {answer.status_code}"
    return Text(told, told)
