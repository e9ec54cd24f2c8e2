"""Training in a process of its own: `python -m embedded.cloud.recombee.training FILE` for a store's file.

It reads the store, trains, and replaces the model file beside it, which outlives a restart. It runs with low
priority and one thread, and ends when the process that started it does.
"""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from embedded.cloud.recombee.listening import Listening
from embedded.cloud.recombee.song_index import SongIndex
from embedded.cloud.recombee.store import RecombeeStore
from embedded.cloud.recombee.trained_model import TrainedModel, train
from embedded.cloud.recombee.tuning import USUAL
from embedded.cloud.recombee.validation import tuned
from embedded.parent_watchdog import end_with_parent

NICENESS = 10
STOP_SECONDS = 5.0
_ROOT = Path(__file__).parents[3]
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class TrainingProcess:
    """Implements Training for the store in `file`. Close it."""

    def __init__(self, file: Path, source: int) -> None:
        """`source` identifies the store."""
        self._file = file
        self._source = source
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded_at_ns = 0

    def start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, with a path of ours
            [sys.executable, "-m", "embedded.cloud.recombee.training", str(self._file.absolute())],
            stdin=subprocess.PIPE,
            cwd=_ROOT,
            env={**os.environ, **_ONE_THREAD},
        )

    def finished(self) -> bool:
        if self._process is None:
            return True
        if self._process.poll() is None:
            return False
        self._end()
        return True

    def trained(self) -> TrainedModel | None:
        path = model_file(self._file)
        try:
            written_at_ns = path.stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if written_at_ns == self._loaded_at_ns:
            return None
        self._loaded_at_ns = written_at_ns
        return TrainedModel.load(path, self._source)

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        if process.stdin is not None:
            process.stdin.close()


def model_file(store_file: Path) -> Path:
    return store_file.with_suffix(".model.npz")


def train_and_tune(songs: SongIndex, listening: Listening, path: Path, source: int) -> None:
    """First a model with the values of the one before, then, when it is time, one with better values."""
    before = TrainedModel.load(path, source)
    now, tuning = time.time(), before.tuning if before else USUAL
    model = train(songs, listening, now=now, tuning=tuning)
    model.save(path, source)
    if not tuning.is_due(len(listening)):
        return
    chosen = tuned(songs, listening, now=now)
    if not chosen.relates_like(tuning):
        model = train(songs, listening, now=now, tuning=chosen)
    replace(model, tuning=chosen).save(path, source)


def main(store_file: Path) -> None:
    end_with_parent()
    os.nice(NICENESS)
    store = RecombeeStore(store_file)
    try:
        songs = SongIndex()
        songs.apply(store.song_changes(after=0).changed, ())
        listening, _ = store.listening(after=0)
        train_and_tune(songs, listening, model_file(store_file), store.id)
    finally:
        store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
