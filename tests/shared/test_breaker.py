"""A rest for what keeps failing."""

from shared.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def opened(clock: Clock) -> Breaker:
    breaker = Breaker("test", failures_to_open=3, rest_seconds=2, clock=clock)
    for _ in range(3):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker("test", failures_to_open=3, rest_seconds=2)
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        assert breaker.admits()
        breaker.succeeded()
    assert not opened(Clock()).admits()


def test_after_the_rest_one_call_tries_and_the_others_wait_for_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += 2
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_a_try_that_succeeds_lets_everybody_call_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += 2
    assert breaker.admits()
    breaker.succeeded()
    assert all(breaker.admits() for _ in range(3))


def test_a_try_that_fails_begins_another_rest() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += 2
    assert breaker.admits()
    clock.seconds += 1
    breaker.failed()
    clock.seconds += 1.5
    assert not breaker.admits()
    clock.seconds += 0.5
    assert breaker.admits()


def test_a_try_of_which_nothing_is_heard_holds_the_others_back_for_one_rest_only() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.seconds += 2
    assert breaker.admits()
    clock.seconds += 2
    assert breaker.admits()
