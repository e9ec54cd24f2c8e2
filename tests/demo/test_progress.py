"""How the progress of the seeding is shown on a terminal and elsewhere."""

import io

from embedded.demo.progress import ProgressBar, Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STEP = Step("song", "Copper Creek", 3, 6, was_there=False)


def test_terminal_shows_progress_and_last_step() -> None:
    terminal = Terminal()
    with ProgressBar(terminal) as bar:
        bar(STEP)
        shown = terminal.getvalue().rpartition("\r")[2]
    assert " 50% |" in shown
    assert "song Copper Creek" in shown


def test_output_without_terminal_has_no_progress_bar() -> None:
    log = io.StringIO()
    with ProgressBar(log) as bar:
        bar(STEP)
    assert log.getvalue() == ""
