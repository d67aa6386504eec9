"""How long work tells what it is doing: one callable, so that no room knows a display."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as often as the work likes; the display decides what to draw."""

    def __call__(self, done: float, total: float, note: str = "") -> None:
        """Report `done` of `total` units, with a short note ("loss 3.2e-4, F 91 meV/Å")."""


def silent(done: float, total: float, note: str = "") -> None:
    """Report to nobody."""


class Watcher(Protocol):
    """Who watches a long run: a display in the terminal, plain lines, or nobody."""

    def stage(self, name: str) -> Progress:
        """Begin a stage and return the callable that reports on it."""

    def say(self, text: str) -> None:
        """Say one line."""


class SilentWatcher:
    """Nobody watches."""

    def stage(self, name: str) -> Progress:
        """Begin a stage that nobody watches."""
        return silent

    def say(self, text: str) -> None:
        """Say nothing."""
