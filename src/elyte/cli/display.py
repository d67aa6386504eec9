"""What a person sees while elyte works: a live line, or plain lines without a terminal."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from elyte.core.progress import Progress as Report

PLAIN_EVERY = 15.0  # seconds between plain lines of one stage


def wide_console() -> Console:
    """Return the console of long work: a log file, which has no width, gets wide lines."""
    console = Console(soft_wrap=True, highlight=False)
    return console if console.is_terminal else Console(width=150, soft_wrap=True, highlight=False)


def duration(seconds: float) -> str:
    """Return a time as "42 s", "3 min 05 s" or "1 h 20 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


class Display:
    """A `Watcher`: a live progress line in a terminal, plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or wide_console()
        self._start = time.monotonic()
        self._bar: Progress | None = None
        if self.console.is_terminal:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("[bold]{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )

    def __enter__(self) -> Display:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Print one line above the live display, with the time since the start."""
        elapsed = time.monotonic() - self._start
        self.console.print(
            f"[dim]{int(elapsed // 60):3d}:{int(elapsed % 60):02d}[/dim]  {escape(text)}"
        )

    def stage(self, name: str) -> Report:
        """Begin a stage: the former live line gives way to a new one."""
        return self._live(name) if self._bar else self._plain(name)

    def _live(self, name: str) -> Report:
        bar, start = self._bar, time.monotonic()
        assert bar is not None
        for task in list(bar.task_ids):
            bar.remove_task(task)
        task_id = bar.add_task(name, total=None, note="")

        def report(done: float, total: float, note: str = "") -> None:
            text = "  ".join(part for part in (_counts(done, total, start), note) if part)
            if task_id in bar.task_ids:
                bar.update(task_id, completed=done, total=total or None, note=text)

        return report

    def _plain(self, name: str) -> Report:
        start = last = time.monotonic()

        def report(done: float, total: float, note: str = "") -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= PLAIN_EVERY:
                last = now
                self.say(f"{name}: {_counts(done, total, start)}  {note}".rstrip())

        return report


def _counts(done: float, total: float, start: float) -> str:
    spent = time.monotonic() - start
    text = f"{done:.0f}/{total:.0f}" if total and total >= 10 else f"{done / (total or 1):.0%}"
    if done > 0 and total > done and spent > 2:
        text += f", {duration(spent * (total - done) / done)} left"
    return text
