"""When a service is given a rest, and how it comes back."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api_gateway.breaker import Admission, Breaker, BreakerPolicy

POLICY = BreakerPolicy(
    failure_rate=0.5, minimum_calls=4, window_seconds=10.0, open_seconds=1.0, probe_seconds=5.0
)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(breaker: Breaker) -> Admission:
    """A call that must be let through."""
    admission = breaker.admit()
    assert admission is not None
    return admission


def opened(clock: Clock, policy: BreakerPolicy = POLICY) -> Breaker:
    """A breaker that was opened just now."""
    breaker = Breaker(policy, clock)
    for _ in range(policy.minimum_calls):
        admitted(breaker).failed()
    assert breaker.is_open
    return breaker


@given(st.lists(st.booleans(), max_size=60))
def test_it_opens_at_the_first_failure_that_makes_the_rate_with_enough_calls(outcomes: list[bool]) -> None:
    breaker = Breaker(POLICY, Clock())
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


@given(st.integers(0, 200), st.floats(0.5, 1.0))
def test_abandoned_calls_never_count(abandoned: int, rate: float) -> None:
    breaker = Breaker(BreakerPolicy(failure_rate=rate, minimum_calls=4), Clock())
    for _ in range(abandoned):
        admitted(breaker).abandoned()
    for _ in range(3):
        admitted(breaker).failed()
    assert not breaker.is_open


def test_failures_that_lie_longer_back_than_the_window_do_not_count() -> None:
    clock = Clock()
    breaker = Breaker(POLICY, clock)
    for _ in range(3):
        admitted(breaker).failed()
    clock.now += POLICY.window_seconds
    admitted(breaker).failed()
    assert not breaker.is_open


def test_open_it_refuses_and_says_for_how_long() -> None:
    clock = Clock()
    breaker = opened(clock, BreakerPolicy(minimum_calls=1, open_seconds=2.5))
    assert breaker.admit() is None
    assert breaker.retry_after_seconds == 3
    clock.now += 2.4
    assert breaker.admit() is None
    assert breaker.retry_after_seconds == 1


def test_after_its_rest_one_call_probes_and_success_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.open_seconds
    probe = admitted(breaker)
    assert breaker.admit() is None
    probe.succeeded()
    assert not breaker.is_open
    for _ in range(3):
        admitted(breaker).failed()
    assert not breaker.is_open, "what was before counts still"


def test_a_probe_that_fails_gives_it_another_rest() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.open_seconds
    admitted(breaker).failed()
    assert breaker.is_open
    assert breaker.admit() is None
    clock.now += POLICY.open_seconds
    assert breaker.admit() is not None


def test_a_probe_that_is_abandoned_lets_the_next_call_probe() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.open_seconds
    admitted(breaker).abandoned()
    assert breaker.is_open
    admitted(breaker).succeeded()
    assert not breaker.is_open


def test_a_probe_that_takes_long_does_not_keep_the_others_out() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += POLICY.open_seconds
    slow = admitted(breaker)
    clock.now += POLICY.probe_seconds
    admitted(breaker).succeeded()
    assert not breaker.is_open
    slow.failed()
    assert not breaker.is_open


def test_calls_from_before_it_opened_neither_close_it_nor_lengthen_its_rest() -> None:
    clock = Clock()
    breaker = Breaker(POLICY, clock)
    early, earlier = admitted(breaker), admitted(breaker)
    for _ in range(POLICY.minimum_calls):
        admitted(breaker).failed()
    early.succeeded()
    assert breaker.is_open
    clock.now += 0.9
    earlier.failed()
    clock.now += 0.1
    assert breaker.admit() is not None


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(POLICY, self.clock)
        self.running: list[Admission] = []
        self.last_admitted_at: float | None = None

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def ask(self) -> None:
        was_open = self.breaker.is_open
        admission = self.breaker.admit()
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
    def it_never_refuses_for_ever(self) -> None:
        assert self.breaker.retry_after_seconds <= 1
        if self.breaker.is_open:
            then = self.clock.now
            self.clock.now += POLICY.open_seconds + POLICY.probe_seconds
            probe = self.breaker.admit()
            assert probe is not None
            probe.abandoned()
            self.clock.now = then


AnyHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_no_history_breaks_it = AnyHistory.TestCase
