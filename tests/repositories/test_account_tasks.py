"""The contract of `AccountTaskRepository`, and how an `AccountQueue` works through it."""

import asyncio
from datetime import timedelta

import pytest

from shared import metrics
from shared.clock import now
from shared.errors import UnavailableError
from tests.repositories.builders import a_user
from user_service.account_tasks import AccountQueue, AccountTask, AccountTaskRepository, Step

SECOND = timedelta(seconds=1)
USER, CLERK = "a" * 24, "user_a"


async def claimed(tasks: AccountTaskRepository, limit: int = 10) -> list[AccountTask]:
    return list(await tasks.claim_due(now() + SECOND, now() + timedelta(minutes=5), limit))


async def test_tasks_are_claimed_once(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.DELETE_SONGS, Step.DELETE_ALBUMS], now())
    found = await claimed(account_tasks)
    assert {task.step for task in found} == {Step.DELETE_SONGS, Step.DELETE_ALBUMS}
    assert {(task.user_id, task.clerk_id, task.attempts) for task in found} == {(USER, CLERK, 0)}
    assert await claimed(account_tasks) == []


async def test_workers_share_the_queue(account_tasks: AccountTaskRepository) -> None:
    for number in range(6):
        await account_tasks.add(f"{number:024x}", CLERK, [Step.DELETE_SONGS], now())
    both = await asyncio.gather(claimed(account_tasks), claimed(account_tasks))
    users = [task.user_id for found in both for task in found]
    assert len(users) == len(set(users))


async def test_later_tasks_are_not_due(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.DELETE_SONGS], now() + timedelta(minutes=1))
    assert await claimed(account_tasks) == []
    assert await account_tasks.count_overdue(now() + SECOND) == 0
    assert await account_tasks.count_overdue(now() + timedelta(minutes=2)) == 1


async def test_failed_task_is_overdue_until_it_succeeds(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.DELETE_SONGS], now())
    (task,) = await claimed(account_tasks)
    assert await account_tasks.count_overdue(now()) == 0
    await account_tasks.retry(task, now() + timedelta(minutes=1))
    assert await account_tasks.count_overdue(now()) == 1
    await account_tasks.complete(task)
    assert await account_tasks.count_overdue(now()) == 0


async def test_completed_task_is_gone(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.DELETE_SONGS], now())
    (task,) = await claimed(account_tasks)
    await account_tasks.complete(task)
    assert await account_tasks.count_overdue(now() + timedelta(days=1)) == 0


async def test_task_requested_again_meanwhile_is_kept(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.SONG_PROFILE], now())
    (task,) = await claimed(account_tasks)
    await account_tasks.add(USER, CLERK, [Step.SONG_PROFILE], now())
    await account_tasks.complete(task)
    (again,) = await claimed(account_tasks)
    assert again.revision == task.revision + 1


async def test_failed_task_is_retried_later(account_tasks: AccountTaskRepository) -> None:
    await account_tasks.add(USER, CLERK, [Step.DELETE_SONGS], now())
    (task,) = await claimed(account_tasks)
    await account_tasks.retry(task, now() + timedelta(minutes=1))
    assert await claimed(account_tasks) == []
    await account_tasks.retry(task, now())
    (again,) = await claimed(account_tasks)
    assert again.attempts == 2


@pytest.mark.parametrize("failure", [UnavailableError("The song service is not available now"), KeyError()])
async def test_queue_repeats_a_step_until_it_succeeds(
    account_tasks: AccountTaskRepository, failure: Exception
) -> None:
    attempts = []

    async def fail_once(task: AccountTask) -> None:
        attempts.append(task)
        if len(attempts) == 1:
            raise failure

    queue = AccountQueue(account_tasks, {Step.DELETE_SONGS: fail_once})
    await queue.add(a_user(), [Step.DELETE_SONGS])
    assert await queue.process_due() == 1
    assert overdue_in_metrics() == 1
    await account_tasks.retry(attempts[0], now() - SECOND)
    assert await queue.process_due() == 1
    assert overdue_in_metrics() == 0


async def test_scheduled_task_is_not_measured(account_tasks: AccountTaskRepository) -> None:
    """As after a changed name, whose second step is ten minutes later."""
    queue = AccountQueue(account_tasks, {})
    await queue.add(a_user(), [Step.SONG_PROFILE_AGAIN], timedelta(minutes=10))
    assert await queue.process_due() == 0
    assert overdue_in_metrics() == 0


def overdue_in_metrics() -> float | None:
    return metrics.REGISTRY.get_sample_value("queue_length", {"queue": "account_tasks"})
