"""Ctrl-C reaches a command even while a library has put a handler of its own in place."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import ctypes, os, signal, time
import elyte.__main__
from elyte.cli.interrupts import hear_interrupts
hear_interrupts()
# what RDKit does while it embeds: a handler in C, which Python does not know of
libc = ctypes.CDLL(None)
libc.signal(signal.SIGINT, ctypes.cast(libc.getpid, ctypes.c_void_p))
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(600)
except KeyboardInterrupt:
    print("heard")
"""


def run(*prefix: str) -> str:
    done = subprocess.run(
        [*prefix, sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_interrupt_is_heard_behind_a_foreign_handler() -> None:
    assert "heard" in run()


def test_interrupt_is_heard_where_the_shell_ignores_it() -> None:
    assert "heard" in run("bash", "-c", "trap '' INT; exec \"$@\"", "bash")
