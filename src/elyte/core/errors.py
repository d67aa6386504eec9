"""What can go wrong, as one tree.

ElyteError
├── InputError            what was wrong, where, and what to do
│   ├── RecipeError       a recipe that cannot be realised
│   ├── FormatError       a file that is not what it should be
│   └── UnknownSpecies    an element or molecule that is not there
├── MissingDependency     an optional library or program is not installed
├── StorageError          a folder that cannot be written, a full disk
├── ProjectLocked         another process writes to this project
└── DamagedData           stored data that does not match its hash

CloseContact is a warning: two atoms nearer than the potential is meant for.

A scientific non-success (an SCF that does not converge, a liquid with a void) is not an
exception but a value: `Outcome`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any


class ElyteError(Exception):
    """Base of all errors that elyte raises on purpose."""


class InputError(ElyteError, ValueError):
    """Input that cannot be used; the message says what, where, and what to do."""


class RecipeError(InputError):
    """A recipe that cannot be realised."""


class FormatError(InputError):
    """A file whose content is not what its format promises."""


class UnknownSpecies(InputError):
    """An element or molecule that the potential or the species library does not know."""


class MissingDependency(ElyteError):
    """An optional library or program that is not installed."""


class StorageError(ElyteError):
    """A folder that cannot be written or read, or a disk that is full."""


class ProjectLocked(ElyteError):
    """Another process is writing to the same project folder."""


class CloseContact(UserWarning):
    """Two atoms came nearer than the least distance that the potential is meant for."""


class DamagedData(ElyteError):
    """Stored data whose content does not match its hash."""


@dataclass(frozen=True)
class Outcome:
    """How a piece of work ended: `kind` is "done" or a short name of the non-success.

    Args:
        kind: "done", "scf_not_converged", "exploded", "extrapolating", "void", "decomposed",
            "too_hot", "rejected", "failed", "timed_out", …
        reason: one sentence for a person; empty when done.
        details: plain values that go with it.
    """

    kind: str = "done"
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether the work reached its end."""
        return self.kind == "done"


def did_you_mean(word: str, known: list[str]) -> str:
    """Return " (did you mean …?)" for the known word nearest to `word`, or an empty string."""
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    return f" (did you mean '{lowered[close[0]]}'?)" if close else ""
