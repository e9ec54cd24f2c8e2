"""When a circuit breaker opens, and how it closes again."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.circuit_breaker import Call, CircuitBreaker, CircuitBreakerPolicy

POLICY = CircuitBreakerPolicy(
    failure_rate=0.5, minimum_calls=4, window_seconds=10.0, reset_timeout_seconds=1.0, probe_seconds=5.0
)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(breaker: CircuitBreaker) -> Call:
    """A call that must be let through."""
    admission = breaker.try_call()
    assert admission is not None
    return admission


def opened(clock: Clock, policy: CircuitBreakerPolicy = POLICY) -> CircuitBreaker:
    """A breaker that was opened just now."""
    breaker = CircuitBreaker("test", policy, clock)
    for _ in range(policy.minimum_calls):
        admitted(breaker).failed()
    assert breaker.is_open
    return breaker


@given(st.lists(st.booleans(), max_size=60))
def test_breaker_opens_at_the_failure_rate(outcomes: list[bool]) -> None:
    breaker = CircuitBreaker("test", POLICY, Clock())
    failures = 0
    for calls, failed in enumerate(outcomes, start=1):
        admission = admitted(breaker)
        if failed:
            admission.failed()
        else:
            admission.succeeded()
        failures += failed
        due = failed and calls >= POLICY.minimum_calls and failures >= POLICY.failure_rate * calls
        assert breaker.is_open == due
        if due:
            return


@settings(deadline=None)  # shared machines pause
@given(st.integers(0, 200), st.floats(0.5, 1.0))
def test_abandoned_calls_never_count(abandoned: int, rate: float) -> None:
    breaker = CircuitBreaker("test", CircuitBreakerPolicy(failure_rate=rate, minimum_calls=4), Clock())
    for _ in range(abandoned):
        admitted(breaker).abandoned()
    for _ in range(3):
        admitted(breaker).failed()
    assert not breaker.is_open


def test_failures_before_the_window_do_not_count() -> None:
    clock = Clock()
    breaker = CircuitBreaker("test", POLICY, clock)
    for _ in range(3):
        admitted(breaker).failed()
    clock.now += POLICY.window_seconds
    admitted(breaker).failed()
    assert not breaker.is_open


def test_open_breaker_refuses_with_retry_after() -> None:
    clock = Clock()
    breaker = opened(clock, CircuitBreakerPolicy(minimum_calls=1, reset_timeout_seconds=2.5))
    assert breaker.try_call() is None
    assert breaker.retry_after_seconds == 3
    clock.now += 2.4
    assert breaker.try_call() is None
    assert breaker.retry_after_seconds == 1


def test_half_open_breaker_closes_after_one_success() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.reset_timeout_seconds
    probe = admitted(breaker)
    assert breaker.try_call() is None
    probe.succeeded()
    assert not breaker.is_open
    for _ in range(3):
        admitted(breaker).failed()
    assert not breaker.is_open, "what was before counts still"


def test_failed_trial_call_keeps_the_breaker_open() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.reset_timeout_seconds
    admitted(breaker).failed()
    assert breaker.is_open
    assert breaker.try_call() is None
    clock.now += POLICY.reset_timeout_seconds
    assert breaker.try_call() is not None


def test_abandoned_trial_call_permits_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.reset_timeout_seconds
    admitted(breaker).abandoned()
    assert breaker.is_open
    admitted(breaker).succeeded()
    assert not breaker.is_open


def test_slow_trial_call_blocks_no_other_call() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.reset_timeout_seconds
    slow = admitted(breaker)
    clock.now += POLICY.probe_seconds
    admitted(breaker).succeeded()
    assert not breaker.is_open
    slow.failed()
    assert not breaker.is_open


def test_calls_begun_before_opening_do_not_count() -> None:
    clock = Clock()
    breaker = CircuitBreaker("test", POLICY, clock)
    early, earlier = admitted(breaker), admitted(breaker)
    for _ in range(POLICY.minimum_calls):
        admitted(breaker).failed()
    early.succeeded()
    assert breaker.is_open
    clock.now += 0.9
    earlier.failed()
    clock.now += 0.1
    assert breaker.try_call() is not None


def test_success_that_bypassed_an_open_breaker_closes_it() -> None:
    breaker = opened(Clock())
    breaker.bypass().failed()
    assert breaker.is_open
    breaker.bypass().succeeded()
    assert not breaker.is_open


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = CircuitBreaker("test", POLICY, self.clock)
        self.running: list[Call] = []
        self.last_admitted_at: float | None = None

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def send_request(self) -> None:
        was_open = self.breaker.is_open
        admission = self.breaker.try_call()
        if not was_open:
            assert admission is not None
        if admission is not None:
            if was_open and self.last_admitted_at is not None:
                assert self.breaker.is_open
            self.running.append(admission)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), outcome=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end(self, data: st.DataObject, outcome: str) -> None:
        admission = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        getattr(admission, outcome)()
        was_open = self.breaker.is_open
        admission.failed()
        assert self.breaker.is_open == was_open, "an ending counted twice"

    @invariant()
    def it_never_refuses_forever(self) -> None:
        assert self.breaker.retry_after_seconds <= 1
        if self.breaker.is_open:
            then = self.clock.now
            self.clock.now += POLICY.reset_timeout_seconds + POLICY.probe_seconds
            probe = self.breaker.try_call()
            assert probe is not None
            probe.abandoned()
            self.clock.now = then


AnyHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_breaker_never_stays_open_forever = AnyHistory.TestCase
