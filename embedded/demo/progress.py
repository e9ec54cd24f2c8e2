"""Progress of the seeding: a bar on a terminal, one line elsewhere."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Never, Self, TextIO

from tqdm import tqdm

StepKind = Literal["account", "album", "song", "history", "playlist"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is now in place, the `done`th of `total`.

    `name` is an e-mail address for accounts and histories, else a title. `was_there`: it was added before
    this run.
    """

    kind: StepKind
    name: str
    done: int
    total: int
    was_there: bool


Progress = Callable[[Step], None]


class ProgressBar:
    """A `Progress` that draws on a terminal and leaves nothing of the bar behind; silent on anything else."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._bar: tqdm[Never] = tqdm(
            file=stream,
            disable=not stream.isatty(),
            leave=False,
            bar_format="Demo content {percentage:3.0f}% |{bar:30}| {desc}",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, step: Step) -> None:
        self._bar.total = step.total
        self._bar.n = step.done
        self._bar.set_description_str(f"{step.kind} {step.name}")
