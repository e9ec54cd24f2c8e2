"""Writes that succeed while their responses are lost."""

from typing import Any

import pytest

from shared.errors import UnavailableError


def lose_responses(patch: pytest.MonkeyPatch, repository: object, *calls: str) -> None:
    """From now on these calls of the repository take effect, and then fail like timeouts."""

    def losing(call: str) -> Any:
        carry_out = getattr(repository, call)

        async def lost(*given: Any, **options: Any) -> None:
            await carry_out(*given, **options)
            raise UnavailableError("The database is too slow now")

        return lost

    for call in calls:
        patch.setattr(repository, call, losing(call))
