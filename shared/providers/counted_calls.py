"""Counts calls to a provider by outcome, in the metric `dependency_calls`."""

from contextlib import AbstractAsyncContextManager, AsyncContextDecorator
from types import TracebackType

from shared import metrics
from shared.errors import UnavailableError


class CountedCalls(AbstractAsyncContextManager[None], AsyncContextDecorator):
    """Decorates a coroutine function, or is the context manager around a call. May be used concurrently.

    A call fails with UnavailableError. Other exceptions are not counted: it was cancelled, or the provider
    works and refused the request.
    """

    def __init__(self, dependency: str) -> None:
        # Series exist before the first call, or the increase by it would not be seen.
        self._succeeded = metrics.DEPENDENCY_CALLS.labels(dependency, "succeeded")
        self._failed = metrics.DEPENDENCY_CALLS.labels(dependency, "failed")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if failure is None:
            self._succeeded.inc()
        elif isinstance(failure, UnavailableError):
            self._failed.inc()

    async def __aenter__(self) -> None:
        return None
