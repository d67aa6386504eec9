"""Reading YAML strictly, and one clear line for each thing that is wrong in a recipe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from elyte.core.errors import RecipeError, did_you_mean


class _Strict(yaml.SafeLoader):
    """A loader that refuses a key given twice: YAML would silently keep the last."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the key '{key}' is given twice", problem_mark=key_node.start_mark
            )
        seen.add(key)
    return dict(loader.construct_pairs(node, deep=True))


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises:
        RecipeError: no such file, not text, or not YAML (with the line).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecipeError(f"there is no recipe file '{path}'") from None
    except IsADirectoryError:
        raise RecipeError(f"'{path}' is a folder, not a recipe file") from None
    except UnicodeDecodeError:
        raise RecipeError(f"'{path}' is not a text file") from None
    try:
        return yaml.load(text, Loader=_Strict)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{path.name}{where}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise RecipeError(f"{path.name}: not valid YAML: {line}") from None


def explain_all(errors: Sequence[Any], model: type[BaseModel]) -> list[str]:
    """Return one line for each fault; a key that is only misspelt does not count as missing."""
    lines = list(dict.fromkeys(explain(error, model) for error in errors))
    meant = "\n".join(lines)
    return [
        line
        for line in lines
        if not (line.endswith(" is missing") and f"did you mean {line.split()[0]}" in meant)
    ]


def explain(error: Any, model: type[BaseModel]) -> str:
    """Return one line on one of pydantic's errors: where, what, and what to do."""
    *parents, last = error["loc"] or ("",)
    names, group = _walk(model, parents)
    full = [*names, last] if not _is_choice(group, last) else names
    # the place in a list says less than the text that the message quotes
    where = ".".join(str(part) for part in full if not isinstance(part, int))
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _keys(group[0])
        inside = f" in '{'.'.join(map(str, names))}'" if names else ""
        return f"unknown key '{last}'{inside}{did_you_mean(str(last), known)}"
    if kind == "missing":
        short = isinstance(last, int)  # of a pair
        return f"{where}: two values are needed" if short else f"'{where}' is missing"
    if kind == "model_type":
        return f"{where}: a group of keys is needed, not {error['input']!r}"
    message = str(error.get("ctx", {}).get("error", error["msg"]))
    if kind != "value_error":
        message = re.sub(r", (unable to parse|got a number) .*", "", message)
        message = f"{message[0].lower()}{message[1:]}, not {error['input']!r}"
    return f"{where}: {message}" if where else message


def _walk(model: type[BaseModel], location: list[Any]) -> tuple[list[Any], list[type[BaseModel]]]:
    """Follow a location; return the keys as a person wrote them, and the model(s) at its end.

    Where a group is one of several models, pydantic names the chosen one in the location.
    """
    names: list[Any] = []
    models = [model]
    for part in location:
        if _is_choice(models, part):
            models = [m for m in models if m.model_fields["engine"].default == part]
            continue
        names.append(part)
        models = next(
            (
                found
                for name, field in models[0].model_fields.items()
                if part in (name, field.alias) and (found := _models(field.annotation))
            ),
            models,
        )
    return names, models


def _models(annotation: Any) -> list[type[BaseModel]]:
    candidates = [annotation, *get_args(annotation)]
    return [a for a in candidates if isinstance(a, type) and issubclass(a, BaseModel)]


def _is_choice(models: list[type[BaseModel]], part: Any) -> bool:
    return len(models) > 1 and any(
        m.model_fields["engine"].default == part for m in models if "engine" in m.model_fields
    )


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
