"""A Redis in cluster mode: it refuses questions about keys of several slots, as each read of the cache is."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from shared.cache.redis import open_redis_store
from shared.cache.store import CacheDownError
from tests.system.running import free_ports

LAST_SLOT = 16383


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    """The port of a cluster of one, which has every slot, so that it takes every write."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    port, bus = free_ports(2)
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    command += ["--cluster-enabled", "yes", "--cluster-port", str(bus)]
    until_it_is_up = Retry(ConstantBackoff(0.05), 400)
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as process,
        Redis("127.0.0.1", port, retry=until_it_is_up) as redis,
    ):
        try:
            redis.execute_command("CLUSTER ADDSLOTSRANGE", 0, LAST_SLOT)
            last_moment = time.monotonic() + 20
            while redis.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < last_moment
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


async def test_a_redis_in_cluster_mode_is_not_well_because_it_answers_no_read(cluster: int) -> None:
    async with open_redis_store(f"redis://127.0.0.1:{cluster}/0", timeout_seconds=5) as cache:
        with pytest.raises(CacheDownError):
            await cache.get(["song:1", "tag:songs"])
        with pytest.raises(CacheDownError):
            await cache.ping()
