"""The option --species: elements, in the order of the types of a file that only numbers them."""

from __future__ import annotations


def elements_of(text: str | None) -> list[str] | None:
    """Return the elements of "Li, Ti, O", or None where none were given."""
    return None if text is None else [name.strip() for name in text.split(",")]
