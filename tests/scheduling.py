"""The order of the test files and how they are shared out among processes, as a pytest plugin.

A file runs in one process, as with `--dist loadfile`. So do the files of a group, one after the other: they
share a system that takes several seconds to start. What takes longest comes first, so that short files are
left for every process at the end.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

GROUPS = {
    "player": (
        "tests/player/test_artist_and_admin.py",
        "tests/player/test_listener.py",
        "tests/player/test_first_start.py",
    ),
    "fewer than 50 songs": (
        "tests/system/test_recommendations.py",
        "tests/system/test_caching.py",
        "tests/system/test_privacy.py",
    ),
    "breakable": (
        "tests/system/test_outbox.py",
        "tests/system/test_renaming.py",
        "tests/system/test_faults_redis.py",
        "tests/system/test_account_export.py",
    ),
}
GROUP_OF = {file: group for group, files in GROUPS.items() for file in files}
OWN_SYSTEM = (
    "tests/system/test_faults_media.py",
    "tests/system/test_faults_services.py",
    "tests/system/test_readme.py",
    "tests/system/test_consistency.py",
    "tests/system/test_durability.py",
    "tests/system/test_short_sessions.py",
    "tests/system/test_fake_redis.py",
    "tests/system/test_inherited_environment.py",
)
"""All other files in `tests/system` share one."""
LONGEST = (
    *(file for files in GROUPS.values() for file in files),
    *OWN_SYSTEM,
    "tests/demo/test_seed.py",
    "tests/client/test_client.py",
)
FOLDERS = (
    "tests/deploy/",
    "tests/cloud/",
    "tests/demo/",
    "tests/embedded/",
    "tests/gateway/",
)


def _group_of(file: str) -> str | None:
    """Its group; None when it is in none."""
    if file.startswith("tests/system/") and file not in OWN_SYSTEM:
        return GROUP_OF.get(file, "system")
    return GROUP_OF.get(file)


def _rank(item: pytest.Item) -> int:
    file = item.nodeid.partition("::")[0]
    if _group_of(file) == "system":
        return 0
    if file in LONGEST:
        return 1 + LONGEST.index(file)
    found = (number for number, folder in enumerate(FOLDERS) if file.startswith(folder))
    return 1 + len(LONGEST) + next(found, len(FOLDERS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


class GroupScheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no type information
    """A unit of work is a group of files, or a file that is in none."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return _group_of(file) or file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """For `--dist loadfile`."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadfile" else None
