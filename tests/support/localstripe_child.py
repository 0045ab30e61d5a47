"""Runs localstripe as its own process: `python -m tests.support.localstripe_child PORT`.

The only file that imports localstripe, which is under the GPL; nothing of ours imports this file. It drops
localstripe's copy to a fixed file in /tmp (two runs would share it) and ends when its parent does.
"""

from __future__ import annotations

import os
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the parent's end of the pipe closes, however the parent died
    os._exit(0)


def main() -> None:
    """Serve localstripe on the loopback port given as the only argument."""
    from aiohttp import web
    from localstripe import resources, server

    resources.Store.dump_to_disk = lambda self: None
    threading.Thread(target=_end_with_parent, daemon=True).start()
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
