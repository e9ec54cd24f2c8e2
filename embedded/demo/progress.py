"""Progress and result of the seeding: a bar on a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Mapping
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


@dataclass(frozen=True, slots=True)
class SeedSummary:
    """What this run added, and where everything is: ids by title."""

    accounts: int
    albums: int
    songs: int
    interactions: int
    seconds: float
    album_ids: Mapping[str, str]
    song_ids: Mapping[str, str]

    def __str__(self) -> str:
        return (
            f"Demo content: {self.songs} songs, {self.albums} albums, {self.accounts} accounts and "
            f"{self.interactions} interactions added in {self.seconds:.1f} s"
        )


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
