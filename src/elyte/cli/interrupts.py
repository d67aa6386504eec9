"""Ctrl-C, heard whatever libraries do with signals."""

from __future__ import annotations

import _thread
import signal
import time
from threading import Thread, get_ident

WAKING = 10  # times, 0.1 s apart, that the main thread is woken


def hear_interrupts() -> None:
    """Let a thread that does nothing else wait for Ctrl-C, and interrupt the main thread.

    The signal is blocked, so a C++ library that puts a handler of its own in place cannot drop
    it; Python's handler of SIGINT runs in the main thread as ever, and a second signal, of which
    no library wants anything, wakes that thread from what it may be waiting for. A shell may
    start a command with SIGINT ignored; Python then has no handler, and is given its usual one.
    To be called in the main thread.
    """

    def wait() -> None:
        while True:
            signal.sigwait({signal.SIGINT})
            _thread.interrupt_main(signal.SIGINT)
            for _ in range(WAKING):  # one may come just before the main thread begins to wait
                signal.pthread_kill(main, signal.SIGURG)
                time.sleep(0.1)

    main = get_ident()
    signal.signal(signal.SIGURG, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    Thread(target=wait, name="interrupts", daemon=True).start()
