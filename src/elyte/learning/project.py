"""The folder of a run: the ledger of labels, the store of finished tasks, the potentials."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any

from elyte.core.errors import DamagedData
from elyte.core.frame import Dataset, Frame, LabelledFrame
from elyte.learning.state import State
from elyte.potentials.mtp import MTP
from elyte.reference.labelling import TIME_LIMIT
from elyte.selection import ActiveSet
from elyte.workflow import Ledger, ResultStore
from elyte.workflow.store import write_whole


class Project:
    """A project folder.

    ```
    recipe.yaml  status.json  ledger/  work/  potentials/  production/  report/
    ```

    Args:
        folder: made when it is not there.
        workers: how many tasks run side by side.
        cores: processes that share one label, where the engine can.
        time_limit: longest time of one label, s.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        workers: int = 2,
        cores: int = 1,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self.folder = Path(folder)
        self.workers = workers
        self.cores = cores
        self.time_limit = time_limit
        self.stop = Event()  # set when a person wants the run to end
        self.store = ResultStore(self.folder / "work")
        self.ledger = Ledger(self.folder / "ledger")
        self.result = lru_cache(maxsize=32)(self._result)
        self.potential = lru_cache(maxsize=2)(self._potential)
        self.active_set = lru_cache(maxsize=2)(self._active_set)

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.ledger.close()

    def _result(self, key: str) -> dict[str, Any]:
        return self.store.load(key)

    def frame(self, task: str, index: int) -> Frame:
        """Return one frame of a finished task's result; negative indices count from the end."""
        frames: list[Frame] = self.result(task)["frames"]
        return frames[max(index, -len(frames))]

    def labelled(self, keys: list[str]) -> Dataset:
        """Return labelled frames of the ledger in the order of their keys."""
        found = [self.ledger.get(key) for key in keys]
        for key, item in zip(keys, found, strict=True):
            if not isinstance(item, LabelledFrame):
                raise DamagedData(
                    f"the label {key[:16]} is no longer in the ledger of {self.folder}"
                )
        return Dataset(item for item in found if isinstance(item, LabelledFrame))

    def potential_path(self, key: str) -> Path:
        """Return where the potential of a training lies."""
        return self.folder / "potentials" / f"{key[:16]}.almtp"

    def _potential(self, key: str) -> MTP:
        result = self.result(key)
        path = self.potential_path(key)
        if not path.exists():
            write_whole(path, result["potential"].encode())
        return MTP.load(path, species=result["summary"]["species"])

    def _active_set(self, key: str) -> ActiveSet:
        path = self.folder / "potentials" / f"{key[:16]}.active.npz"
        if not path.exists():
            write_whole(path, self.result(key)["active_set"].tobytes())
        return ActiveSet.load(path)

    def save_status(self, state: State) -> None:
        """Write where the run stands, for `elyte status`; the run itself does not read it."""
        fields = asdict(replace(state, settings=replace(state.settings, **_NO_CELLS)))
        write_whole(self.folder / "status.json", json.dumps(fields, indent=1).encode())


_NO_CELLS: dict[str, Any] = {"label_cell": None, "production_cell": None}
