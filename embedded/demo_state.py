"""The progress of adding the demo content, stored in the data folder."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class DemoState:
    """`histories` names the listeners whose history is complete."""

    path: Path
    histories: list[str] = field(default_factory=list)
    is_done: bool = False

    @classmethod
    def in_folder(cls, data_dir: Path) -> Self:
        """The stored state, or an empty one."""
        path = data_dir / "demo.json"
        if not path.exists():
            return cls(path)
        kept = json.loads(path.read_text())
        return cls(path, kept["heard"], kept["done"])

    def keep(self) -> None:
        """Store it atomically."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({"heard": self.histories, "done": self.is_done}))
        draft.replace(self.path)
