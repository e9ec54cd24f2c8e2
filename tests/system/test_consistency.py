"""No stale response, with two replicas of everything and a Redis that is killed and freezes."""

import shutil
from pathlib import Path

import pytest

from bench.consistency import check
from tests.mongo_server import server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        server.missing() is not None or shutil.which("redis-server") is None,
        reason="needs redis-server and the MongoDB test server",
    ),
]


@pytest.mark.timeout(600)
async def test_reads_are_never_stale(tmp_path: Path) -> None:
    findings = await check(tmp_path, 1500)
    assert findings.stale == []
    assert findings.writes > 10
    assert findings.failed < findings.reads / 10
