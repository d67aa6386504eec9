"""How labels are made: `EngineSettings`, and the key of a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from elyte.chemistry.recipe_errors import explain_all
from elyte.chemistry.reference_presets import expand_preset
from elyte.chemistry.reference_settings import PLAIN, SETTINGS, ReferenceSettings
from elyte.core.errors import ElyteError, InputError
from elyte.core.frame import Frame
from elyte.reference.fingerprints import RESTING_ON_FILES, fingerprints
from elyte.workflow.codec import content_hash, encode


@dataclass(frozen=True, init=False)
class EngineSettings:
    """Which reference method, and everything that changes its numbers.

    Args:
        engine: "xtb", "gpaw", "cp2k", … (`elyte.reference.ENGINES`).
        method: parametrisation or functional; None takes the engine's default.
        charge: total charge, e.
        unpaired_electrons: number of unpaired electrons; None takes 0 or 1, by parity.
        options: the engine's own settings, to start from; None takes its defaults.
        values: settings of the engine by name (docs/reference/engines.md); quantities as numbers
            in internal units (K, Å, eV) or with their unit ("400 eV").

    Raises:
        InputError: a name that the engine has no setting of, or a value that cannot be.
    """

    engine: str
    options: ReferenceSettings
    charge: float
    unpaired_electrons: int | None

    def __init__(
        self,
        engine: str = "xtb",
        method: str | None = None,
        charge: float = 0.0,
        unpaired_electrons: int | None = None,
        options: ReferenceSettings | None = None,
        **values: Any,
    ) -> None:
        given = {} if options is None else options.physics()
        given.update(values)
        if method is not None:
            given["method"] = method
        set_ = object.__setattr__
        set_(self, "engine", engine)
        set_(self, "options", _checked(engine, given))
        set_(self, "charge", float(charge))
        set_(self, "unpaired_electrons", unpaired_electrons)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> EngineSettings:
        """Make settings from a mapping (`as_dict`, or a part of a recipe; a preset is expanded).

        Raises:
            InputError: as the class.
        """
        return cls(**expand_preset(values))

    @property
    def method(self) -> str:
        """The parametrisation or functional."""
        return str(getattr(self.options, "method", ""))

    def as_dict(self) -> dict[str, Any]:
        """Return everything as one flat mapping of plain values."""
        return {
            "engine": self.engine,
            **self.options.physics(),
            "charge": self.charge,
            "unpaired_electrons": self.unpaired_electrons,
        }

    def differences(self, *named: str) -> str:
        """Return what is not at its default, as "accuracy=0.1,charge=1.0", or "".

        Args:
            named: fields that the level of theory names otherwise, besides the method.
        """
        left_out = {"method", *named, *self.options.hidden, *self.options.resources}
        default = {
            **_plain(type(self.options).model_construct()),
            "charge": 0.0,
            "unpaired_electrons": None,
        }
        pairs = [(n, v) for n, v in self.as_dict().items() if n not in left_out]
        return ",".join(f"{n}={v}" for n, v in pairs if v != default.get(n))


def _plain(defaults: ReferenceSettings) -> dict[str, Any]:
    """Return the defaults, which stand with their units in the model, as plain numbers."""
    required = [n for n, f in type(defaults).model_fields.items() if f.is_required()]
    filled = type(defaults).model_validate(dict.fromkeys(required, ""))
    return filled.physics()


def _checked(engine: str, values: Mapping[str, Any]) -> ReferenceSettings:
    # An engine that was registered from outside, such as a test's, has the settings of xTB.
    model = SETTINGS.get(engine, SETTINGS["xtb"])
    for name in values:
        if name in model.resources:
            raise InputError(f"'{name}' says how labels are computed, not what they are")
    try:
        return model.model_validate(dict(values), context=PLAIN)
    except ValidationError as error:
        lines = explain_all(error.errors(), model)
        raise InputError("; ".join(f"engine '{engine}': {line}" for line in lines)) from None


def label_key(frame: Frame, settings: EngineSettings, version: str) -> str:
    """Return the hash of the physics alone: structure, engine, version and settings.

    Not in it: paths, hosts, time limits, the order of frames, molecule ids. A setting that names
    a file or a folder counts by the content of what is used of it.
    """
    physics = {**settings.as_dict(), **fingerprints(frame, settings.engine, settings.options)}
    return content_hash({"frame": frame.digest(), "settings": physics, "version": version})


def recorded_key(frame: Frame, provenance: Mapping[str, Any]) -> str | None:
    """Return the key that a label's kept engine version and settings give, or None without them.

    Settings of an earlier or later elyte, which knew other fields, say nothing either, and
    neither do settings that name files, which may have changed.
    """
    settings, version = provenance.get("settings"), provenance.get("version")
    if not isinstance(settings, dict) or not isinstance(version, str):
        return None
    try:
        known = EngineSettings.from_mapping(settings)
    except (ElyteError, TypeError, ValueError):
        return None
    same = encode(known.as_dict()) == encode(settings)
    resting = isinstance(known.options, RESTING_ON_FILES)
    return label_key(frame, known, version) if same and not resting else None
