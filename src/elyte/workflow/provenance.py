"""Where the labels of an exported data set came from: a JSON file beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from elyte.workflow.database import Entry
from elyte.workflow.store import write_whole

SUFFIX = "provenance.json"


def provenance_path(path: str | os.PathLike[str]) -> Path:
    """Return where the provenance of an exported file, or folder, lies."""
    place = Path(path)
    return place.with_name(f"{place.name}.{SUFFIX}") if place.suffix else place / SUFFIX


def write_provenance(
    path: str | os.PathLike[str], entries: Sequence[Entry], levels: Sequence[str]
) -> None:
    """Write one record for each frame of an export, in its order.

    Args:
        path: the file or folder that was exported.
        entries: rows of the ledger.
        levels: what the levels of theory are called in the export.

    Raises:
        StorageError: the folder cannot be written, or the disk is full.
    """
    records = [
        {
            "key": entry.key,
            "level": level,
            "config_type": entry.config_type,
            "labelled": entry.created,
            "structure_sha256": entry.digest,
            "arrays_sha256": entry.content,
            **entry.provenance,
        }
        for entry, level in zip(entries, levels, strict=True)
    ]
    text = json.dumps({"frames": records}, indent=1, ensure_ascii=False)
    write_whole(provenance_path(path), text.encode())
