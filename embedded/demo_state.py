"""How far the demo content is that a first start puts in: kept in the folder of all state."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class DemoState:
    """`heard` names the listeners whose history is in."""

    path: Path
    heard: list[str] = field(default_factory=list)
    is_done: bool = False

    @classmethod
    def in_folder(cls, data_dir: Path) -> Self:
        """As it was kept, or at its beginning."""
        path = data_dir / "demo.json"
        if not path.exists():
            return cls(path)
        kept = json.loads(path.read_text())
        return cls(path, kept["heard"], kept["done"])

    def keep(self) -> None:
        """Write it down, whole or not at all."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({"heard": self.heard, "done": self.is_done}))
        draft.replace(self.path)
