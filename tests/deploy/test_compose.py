"""docker-compose.yml keeps what it promises, without an engine: as compose itself would read it."""

import functools
import re
from typing import Any

import pytest

from api_gateway.settings import Settings as GatewaySettings
from embedded.settings import EmbeddedSettings
from embedded.stand_ins import PROVIDERS
from tests.deploy.manifests import PROJECT, read
from tests.deploy.test_manifests import SETTINGS

COMPOSE = PROJECT / "docker-compose.yml"
OURS = (*SETTINGS, "local-cloud")
FIXED = {
    "HOST",
    "PORT",
    "WORKERS",
    "METRICS_PORT",
    "USER_SERVICE_URL",
    "SONG_SERVICE_URL",
    "ALBUM_SERVICE_URL",
}
"""What the images and docker-compose.yml settle, so that .env cannot."""

TEXT = COMPOSE.read_text()
Service = dict[str, Any]


@functools.cache
def compose() -> dict[str, Any]:
    return read(TEXT)[0]


def services() -> dict[str, Service]:
    found: dict[str, Service] = compose()["services"]
    return found


def without_profile() -> dict[str, Service]:
    return {name: each for name, each in services().items() if "profiles" not in each}


@pytest.mark.parametrize("service", SETTINGS)
def test_services_get_exactly_their_settings(service: str) -> None:
    fields = {name.upper(): field for name, field in SETTINGS[service].model_fields.items()}
    given = services()[service]["environment"].keys()
    assert given <= fields.keys()
    assert fields.keys() - given <= FIXED


def test_every_env_example_variable_is_used() -> None:
    example = set(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    used |= {name for each in services().values() for name in each.get("environment", {})}
    of_make_run = {name.upper() for name in EmbeddedSettings.model_fields}
    assert example - used - of_make_run - FIXED == set()


def test_gateway_gets_no_provider_credentials() -> None:
    assert not {
        name
        for name in services()["api-gateway"]["environment"]
        if re.search("CLERK|CLOUDINARY|RECOMBEE|MONGODB", name)
    }
    assert not {
        name for name in services()["user-service"]["environment"] if re.search("CLOUDINARY|RECOMBEE", name)
    }
    assert not {name for name in services()["album-service"]["environment"] if "RECOMBEE" in name}


def test_compose_file_holds_no_secrets() -> None:
    for each in services().values():
        for name, value in each.get("environment", {}).items():
            if re.search("SECRET|TOKEN|_KEY|PASSWORD", name):
                assert value is None, name


def test_published_ports_are_loopback_only() -> None:
    published = {name: each["ports"] for name, each in without_profile().items() if "ports" in each}
    assert published.keys() == {"api-gateway", "local-cloud"}
    ports = [port for each in services().values() for port in each.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_container_is_restricted() -> None:
    for name, each in services().items():
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["read_only"] is True, name
        assert each["mem_limit"], name
        assert each["pids_limit"], name
        assert not each.get("privileged"), name
        assert "docker.sock" not in str(each.get("volumes")), name


def test_every_long_running_container_has_a_healthcheck() -> None:
    for name, each in services().items():
        if name != "setup":
            assert each["healthcheck"]["test"], name
            assert each["healthcheck"]["start_period"], name
            assert each["restart"] == "unless-stopped", name


def test_dependencies_wait_for_health() -> None:
    for name, each in services().items():
        for other, how in each.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other == "setup" else "service_healthy"
            assert how == {"condition": expected}, (name, other)
    for name in ("user-service", "song-service", "album-service"):
        assert services()[name]["depends_on"].keys() == {"setup", "mongo", "redis", "local-cloud"}


def test_images_and_volumes_are_named() -> None:
    assert "version" not in compose()
    for name, each in services().items():
        assert re.fullmatch(r"[a-z0-9./-]+:v?\d[\w.-]*", each["image"]), name
        sources = [volume.split(":")[0] for volume in each.get("volumes", [])]
        assert all(source.startswith("./deploy/") or source in compose()["volumes"] for source in sources)
        assert all((PROJECT / source).is_file() for source in sources if source.startswith("./"))


def test_own_images_are_built_not_pulled() -> None:
    ours = {name for name, each in services().items() if each["image"].startswith("music-streaming/")}
    assert ours == {*OURS, "setup"}
    assert all(services()[name]["pull_policy"] == "build" for name in ours)


def test_uploads_have_time_to_finish() -> None:
    shutdown = GatewaySettings.model_fields["shutdown_seconds"].default
    for name in SETTINGS:
        minutes = re.fullmatch(r"(\d+)m", services()[name]["stop_grace_period"])
        assert minutes is not None
        assert int(minutes[1]) * 60 > shutdown


def test_source_change_rebuilds_its_image() -> None:
    for name in SETTINGS:
        watched = {each["path"]: each["action"] for each in services()[name]["develop"]["watch"]}
        assert watched == dict.fromkeys(
            (name.replace("-", "_"), "shared", "requirements/runtime.txt"), "rebuild"
        )


def test_setup_gets_all_credentials_without_network() -> None:
    setup = services()["setup"]
    assert {name for each in PROVIDERS for name in (*each.needed, *each.further)} <= setup[
        "environment"
    ].keys()
    assert setup["network_mode"] == "none"
