"""Run a command that ends when whoever started it is gone, even by kill -9: `python leash.py COMMAND ...`.

The starter holds the other end of our standard input; when that closes, the command is asked to stop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

STOP_S_MAX = 20.0


def main() -> int:
    """Start the command, and wait for its end or for the end of the input."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603

    def stop(*_: object) -> None:
        if child.poll() is None:
            child.terminate()
            timer = threading.Timer(STOP_S_MAX, child.kill)
            timer.daemon = True
            timer.start()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main())
