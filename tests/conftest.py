"""What every test may use."""

import gc
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

import certifi
import pytest

from tests.small_disk import NO_MOUNTS

pytest_plugins = ["tests.mongo_fixture", "tests.scheduling"]


def pytest_configure(config: pytest.Config) -> None:
    """Trust a single certificate: each client reads all that it trusts when it is made, also for http://.

    Nothing here speaks TLS to anybody but a server of the test's own.
    """
    first, end, _ = certifi.contents().partition("-----END CERTIFICATE-----\n")
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    trusted = Path(folder.name) / "trusted.pem"
    trusted.write_text(first + end)
    os.environ["SSL_CERT_FILE"] = str(trusted)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and thousands of tests stay: no garbage collection looks at them again and again."""
    gc.disable()
    collected = yield
    gc.enable()
    gc.freeze()
    return collected


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything that tests need is installed, so a test that is skipped there is a failure, unless the
    machine forbids what it needs.
    """
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true":
        return
    if any(NO_MOUNTS not in str(each.longrepr) for each in reporter.stats.get("skipped", ())):
        reporter.write_line("skipped tests count as failures in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
