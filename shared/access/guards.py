"""FastAPI dependencies for access: the principal, from the `Authorization` header of the request.

Each guard is one dependency without sub-dependencies, which FastAPI resolves in the fewest steps, and says in
OpenAPI that the call takes a session token.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from shared.access.caller import (
    CREDENTIALS,
    Caller,
    Credentials,
    Identity,
    InvalidTokenError,
    Principal,
    SignInError,
    UnverifiedCaller,
    allowed,
)
from shared.access.delegation import is_delegation
from shared.access.permissions import Permission
from shared.access.service_tokens import ServiceTokens
from shared.errors import UnavailableError
from shared.ports import TokenVerifier, UserDirectory


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to identify a caller. An app's lifespan puts it into the request state as `access`."""

    verifier: TokenVerifier
    directory: UserDirectory
    services: ServiceTokens


def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


_NO_TOKENS = frozenset({"", "undefined", "null", "(null)", "none", "nil", "<nil>", "false"})
"""What clients send when they put a missing token into the header."""


def bearer_token(request: Request) -> str | None:
    """Returns the bearer token; None if the `Authorization` header holds none.

    Raises:
        InvalidTokenError: the header has another scheme.
    """
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        raise InvalidTokenError
    token = token.strip()
    return None if token.lower() in _NO_TOKENS else token


async def verified_subject(request: Request) -> str | None:
    """The Clerk id that the caller's token proves, registered or not; None without a token.

    Raises:
        InvalidTokenError: the token is not valid.
        UnavailableError: it cannot be verified now.
    """
    token = bearer_token(request)
    return None if token is None else (await _access(request).verifier.verify(token)).clerk_id


@dataclass(frozen=True, slots=True)
class Session:
    """A verified token, whether or not its owner registered."""

    identity: Identity
    token: str


class Guard(SecurityBase):
    """A dependency that identifies the caller. Its class attributes are for OpenAPI."""

    model = HTTPBearer(description="A Clerk session token")
    scheme_name = "HTTPBearer"
    allows_anonymous: ClassVar[bool] = False
    forbids: ClassVar[bool] = False
    """Whether it may raise 403."""


class SessionGuard(Guard):
    """A verified token, whether or not its owner registered."""

    async def __call__(self, request: Request) -> Session:
        """Raises SignInError, InvalidTokenError or UnavailableError."""
        token = bearer_token(request)
        if token is None:
            raise SignInError
        identity = await _access(request).verifier.verify(token)
        request.scope[CREDENTIALS] = Credentials(identity.expires_at)
        return Session(identity, token)


_session = SessionGuard()


class Allowed(Guard):
    """A registered, unblocked caller whose role has `permission`."""

    forbids = True

    def __init__(self, permission: Permission) -> None:
        self._permission = permission

    async def __call__(self, request: Request) -> Caller:
        """Raises what SessionGuard does, NotRegisteredError, BlockedError or RoleError."""
        session = await _session(request)
        caller = await _access(request).directory.find(session.identity, session.token)
        request.scope[CREDENTIALS] = Credentials(session.identity.expires_at, caller)
        return allowed(caller, self._permission)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sends a request whose token, if it has one, is valid. Who that is, is found out when it matters:
    what everybody may see costs no call of the user service.
    """

    _request: Request

    async def principal(self) -> Principal:
        """The caller: None for anonymous, and for callers who may only do what anonymous may.

        Raises:
            UnavailableError: a service calls for a user who cannot be identified now: it must not get what
                anonymous may see.
        """
        token = bearer_token(self._request)
        if token is None:
            return None
        access = _access(self._request)
        try:
            identity = await access.verifier.verify(token)
            caller = await access.directory.find(identity, token)
        except UnavailableError as failure:
            if is_delegation(token):
                raise
            return UnverifiedCaller(failure)
        self._request.scope[CREDENTIALS] = Credentials(identity.expires_at, caller, were_optional=True)
        return None if caller is None or caller.is_blocked else caller

    async def must(self, permission: Permission) -> Caller:
        """The caller, who needs `permission` for a part of what a public route offers.

        Raises:
            AppError: what `Allowed` does.
        """
        return await Allowed(permission)(self._request)


class VisitorGuard(Guard):
    """Anybody, with a token that is valid or cannot be verified now, or without one."""

    allows_anonymous = True

    async def __call__(self, request: Request) -> Visitor:
        """The visitor.

        Raises:
            InvalidTokenError: a token was sent and is not valid.
            UnavailableError: a service calls, with a token that cannot be verified now.
        """
        token = bearer_token(request)
        if token is not None:
            try:
                identity = await _access(request).verifier.verify(token)
                request.scope[CREDENTIALS] = Credentials(identity.expires_at, were_optional=True)
            except UnavailableError:
                if is_delegation(token):
                    raise
        return Visitor(request)


_visitor = VisitorGuard()


class AnyCallerGuard(Guard):
    """The principal of a visitor."""

    allows_anonymous = True

    async def __call__(self, request: Request) -> Principal:
        """Raises what VisitorGuard and `Visitor.principal` do."""
        return await (await _visitor(request)).principal()


async def _calling_service(request: Request) -> str:
    """The service that calls. Raises SignInError or InvalidTokenError."""
    token = bearer_token(request)
    if token is None:
        raise SignInError
    return _access(request).services.verify(token)


CallingService = Annotated[str, Depends(_calling_service)]
"""Another service of ours, for internal routes. 401 for everybody else, admins included."""

CurrentSession = Annotated[Session, Depends(_session)]
"""A verified token. 401 without."""

AnyVisitor = Annotated[Visitor, Depends(_visitor)]
"""Who sends the request, to be found out when it matters. 401 for a token that is not valid."""

AnyCaller = Annotated[Principal, Depends(AnyCallerGuard())]
"""The caller; None for anonymous. 401 for a token that is not valid."""
