"""The FastAPI side of access: who is asking, from the `Authorization` header of the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from shared.access.caller import (
    BlockedError,
    Caller,
    Identity,
    InvalidTokenError,
    NotRegisteredError,
    Principal,
    SignInError,
    UnverifiedCaller,
)
from shared.access.delegation import is_delegation
from shared.access.permissions import Permission
from shared.errors import UnavailableError
from shared.ports import TokenVerifier, UserDirectory

_documented = HTTPBearer(auto_error=False, description="A Clerk session token")


@dataclass(frozen=True, slots=True)
class Access:
    """What it takes to know a caller. An app's lifespan puts it into the request state as `access`."""

    verifier: TokenVerifier
    directory: UserDirectory


def _access(request: Request) -> Access:
    access = request.state.access
    assert isinstance(access, Access)  # noqa: S101 - narrows the type of untyped state
    return access


def bearer_token(request: Request) -> str | None:
    """The token that came; None when no `Authorization` header did.

    Raises:
        InvalidTokenError: the header holds no bearer token.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidTokenError
    return token.strip()


@dataclass(frozen=True, slots=True)
class Session:
    """A verified token, whether or not its owner registered."""

    identity: Identity
    token: str


async def current_session(request: Request) -> Session:
    token = bearer_token(request)
    if token is None:
        raise SignInError
    return Session(await _access(request).verifier.verify(token), token)


async def registered_caller(
    request: Request, session: Annotated[Session, Depends(current_session)]
) -> Caller:
    caller = await _access(request).directory.find(session.identity, session.token)
    if caller is None:
        raise NotRegisteredError
    if caller.is_blocked:
        raise BlockedError
    return caller


async def _perhaps_registered(request: Request) -> Principal:
    """None for whoever may only do what anonymous may.

    Raises:
        UnavailableError: a service asks for a caller who cannot be known now. It has better to say than what
            anonymous may see.
    """
    token = bearer_token(request)
    if token is None:
        return None
    access = _access(request)
    try:
        identity = await access.verifier.verify(token)
        caller = await access.directory.find(identity, token)
    except UnavailableError as failure:
        if is_delegation(token):
            raise
        return UnverifiedCaller(failure)
    return None if caller is None or caller.is_blocked else caller


class Allowed:
    """Dependency: a registered, unblocked caller whose role has `permission`."""

    def __init__(self, permission: Permission) -> None:
        self._permission = permission

    async def __call__(self, caller: Annotated[Caller, Depends(registered_caller)]) -> Caller:
        caller.must(self._permission)
        return caller


CurrentSession = Annotated[Session, Depends(current_session)]
"""A verified token. 401 without."""

AnyCaller = Annotated[Principal, Depends(_perhaps_registered)]
"""Whoever asks; None for anonymous. A token that came must be good: 401."""

DOCUMENTED_SECURITY = [Depends(_documented)]
"""For a router: makes OpenAPI say that its calls take a bearer token."""
