"""How labels are made: `EngineSettings`, and the key of a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from elyte.core.errors import ElyteError, InputError, did_you_mean
from elyte.core.frame import Frame
from elyte.workflow.codec import content_hash, encode


@dataclass(frozen=True)
class EngineSettings:
    """Which reference method, and everything that changes its numbers.

    Args:
        engine: "xtb".
        method: "GFN1-xTB", "GFN2-xTB" or "IPEA1-xTB".
        accuracy: tblite's factor on its numerical thresholds; smaller is tighter.
        electronic_temperature: of the Fermi smearing, K.
        max_iterations: of the self-consistent field.
        charge: total charge, e.
        unpaired_electrons: number of unpaired electrons; None takes 0 or 1, by parity.

    Raises:
        InputError: a value that no calculation can have.
    """

    engine: str = "xtb"
    method: str = "GFN1-xTB"
    accuracy: float = 1.0
    electronic_temperature: float = 300.0
    max_iterations: int = 250
    charge: float = 0.0
    unpaired_electrons: int | None = None

    def __post_init__(self) -> None:
        for name in ("accuracy", "electronic_temperature", "charge"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "max_iterations", int(self.max_iterations))
        if self.accuracy <= 0 or self.max_iterations < 1 or self.electronic_temperature < 0:
            raise InputError(
                "accuracy and max_iterations of an engine must be positive and its "
                "electronic_temperature not negative"
            )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> EngineSettings:
        """Make settings from a mapping (a part of a recipe).

        Raises:
            InputError: a key that is none of the fields, with the nearest one.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise InputError(f"unknown engine setting '{key}'{did_you_mean(key, known)}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    def differences(self) -> str:
        """Return what is not at its default, as "accuracy=0.1,charge=1.0", or ""."""
        default = EngineSettings()
        named = {"engine", "method"}
        pairs = [(name, value) for name, value in self.as_dict().items() if name not in named]
        return ",".join(f"{n}={v}" for n, v in pairs if v != getattr(default, n))


def label_key(frame: Frame, settings: EngineSettings, version: str) -> str:
    """Return the hash of the physics alone: structure, engine, version and settings.

    Not in it: paths, hosts, time limits, the order of frames, molecule ids.
    """
    return content_hash(
        {"frame": frame.digest(), "settings": settings.as_dict(), "version": version}
    )


def recorded_key(frame: Frame, provenance: Mapping[str, Any]) -> str | None:
    """Return the key that a label's kept engine version and settings give, or None without them.

    Settings of an earlier or later elyte, which knew other fields, say nothing either.
    """
    settings, version = provenance.get("settings"), provenance.get("version")
    if not isinstance(settings, dict) or not isinstance(version, str):
        return None
    try:
        known = EngineSettings.from_mapping(settings)
    except (ElyteError, TypeError, ValueError):
        return None
    same = encode(known.as_dict()) == encode(settings)
    return label_key(frame, known, version) if same else None
