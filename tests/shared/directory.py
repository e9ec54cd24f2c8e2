"""A user directory whose one user may change while a request is processed."""

from collections.abc import Callable
from dataclasses import replace

from shared.access.caller import Caller, Identity
from shared.access.permissions import Role
from shared.errors import UnavailableError

Change = Callable[["Directory"], None]


class Directory:
    """A `UserDirectory` of one user."""

    def __init__(self, user: Caller) -> None:
        self.user: Caller | None = user
        self.is_down = False

    async def find(self, identity: Identity, token: str) -> Caller | None:
        if self.is_down:
            raise UnavailableError("The user service is not available now")
        return self.user if self.user and self.user.clerk_id == identity.clerk_id else None

    def delete(self) -> None:
        self.user = None

    def go_down(self) -> None:
        self.is_down = True

    def block(self) -> None:
        assert self.user is not None
        self.user = replace(self.user, is_blocked=True)

    def register_again(self) -> None:
        assert self.user is not None
        self.user = replace(self.user, id="9" * 24)

    def demote(self) -> None:
        assert self.user is not None
        self.user = replace(self.user, role=Role.USER)

    def rename(self, full_name: str) -> None:
        assert self.user is not None
        self.user = replace(self.user, full_name=full_name)
