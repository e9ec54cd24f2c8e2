"""The first start: adds the demo content. A separate module, which later starts do not import."""

import sys

from embedded.demo.progress import ProgressBar, Step
from embedded.demo.seed import SeedError, seed
from embedded.demo_state import DemoState
from embedded.settings import EmbeddedSettings
from embedded.supervisor import StartError
from embedded.welcome import early_welcome


async def put_demo_in(settings: EmbeddedSettings, state: DemoState) -> None:
    """Continues where an earlier start was interrupted.

    Raises:
        StartError: it cannot be put in.
    """
    sys.stdout.write(early_welcome(settings))
    sys.stdout.flush()
    with ProgressBar() as bar:

        def progress(step: Step) -> None:
            bar(step)
            if step.kind == "history" and step.name not in state.histories:
                state.histories.append(step.name)
                state.keep()

        try:
            summary = await seed(
                f"http://127.0.0.1:{settings.gateway_port}",
                f"http://127.0.0.1:{settings.cloud_port}",
                progress,
                histories=frozenset(state.histories),
            )
        except SeedError as failure:
            raise StartError(str(failure)) from failure
    state.is_done = True
    state.keep()
    sys.stdout.write(f"{summary}\n")
