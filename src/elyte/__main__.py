"""`elyte` and `python -m elyte`: the command line."""

import signal

# Threads inherit the mask, so this stands before any library starts some: Ctrl-C is then heard by
# nothing but the thread that waits for it (`elyte.cli.interrupts`). Libraries that put handlers of
# their own in place for a while (RDKit does) would drop it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

from elyte.cli import main  # noqa: E402

__all__ = ["main"]

if __name__ == "__main__":
    main()
