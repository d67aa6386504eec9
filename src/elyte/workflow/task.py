"""A piece of work as a value: which function, with which inputs."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from elyte.core.errors import InputError
from elyte.workflow.codec import content_hash


@dataclass(frozen=True, eq=False)
class Task:
    """A function, named by its import path, and the plain values it is called with.

    Args:
        function: "package.module:name"; the function takes the inputs as keyword arguments and
            returns a dictionary of plain values and arrays, or an `Outcome`.
        inputs: plain values, arrays and frames; never a path or a host, for they go into the key.
    """

    function: str
    inputs: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the function's name and the canonical content of the inputs."""
        return content_hash({"function": self.function, "inputs": self.inputs})

    def run(self) -> Any:
        """Call the function here and now, in this process."""
        return resolve(self.function)(**self.inputs)


def resolve(function: str) -> Callable[..., Any]:
    """Return the function of an import path "package.module:name".

    Raises:
        InputError: the path has no colon, or nothing callable is there.
    """
    module, separator, name = function.partition(":")
    if not separator:
        raise InputError(f"the function '{function}' is not of the form 'package.module:name'")
    target = getattr(importlib.import_module(module), name, None)
    if not callable(target):
        raise InputError(f"the module {module} has no function '{name}'")
    found: Callable[..., Any] = target
    return found
