"""Architecture rules that only tests enforce."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from shared.http.health import health_router
from tests.shared_modules import SHARED

PROJECT = Path(__file__).parents[1]
SERVICES = ("user_service", "song_service", "album_service")
APPS = (*SERVICES, "api_gateway")
LONGEST_FILE = 300

ONLY_IMPORTERS = {
    "motor": {"shared/providers/mongo.py", "shared/providers/mongo_calls.py"},
    "redis": {
        f"shared/cache/{name}.py" for name in ("redis", "redis_client", "redis_pipeline", "redis_topologies")
    },
    "cloudinary": {"shared/providers/cloudinary.py"},
    "clerk_backend_api": {"shared/providers/clerk.py", "user_service/clerk.py"},
    "recombee_api_client": {f"song_service/recombee{part}.py" for part in ("", "_client", "_requests")},
    "rapidfuzz": {"shared/spelling.py"},
    "av": {f"shared/media/{name}.py" for name in ("audio_reader", "audio_track", "damage", "pcm")},
}


def files_of(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((PROJECT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


@cache
def roots_of(path: Path) -> frozenset[str]:
    return frozenset(module.partition(".")[0] for module in imports_of(path))


@pytest.mark.parametrize("path", list(files_of("shared", *APPS)), ids=name_of)
def test_services_do_not_import_embedded_or_tests(path: Path) -> None:
    assert not roots_of(path) & {"embedded", "tests", "bench"}


@pytest.mark.parametrize("app", APPS)
def test_services_reach_each_other_over_http_only(app: str) -> None:
    others = set(APPS) - {app}
    assert {name_of(path): roots_of(path) & others for path in files_of(app) if roots_of(path) & others} == {}


def test_shared_imports_no_service() -> None:
    assert {name_of(path) for path in files_of("shared") if roots_of(path) & set(APPS)} == set()


def test_shared_is_a_closed_list() -> None:
    found = {folder: {path.stem for path in (PROJECT / folder).glob("*.py")} for folder in SHARED}
    assert found == {folder: set(stems.split()) for folder, stems in SHARED.items()}


def test_shared_modules_are_used_by_two_apps() -> None:
    """Directly, or through another shared module. The local cloud counts: it judges media as services do."""
    users: dict[str, set[str]] = {}
    for app in (*APPS, "embedded/cloud/cloudinary"):
        reached: set[str] = set()
        waiting = {module for path in files_of(app) for module in imports_of(path)}
        while waiting:
            module = waiting.pop()
            path = PROJECT / (module.replace(".", "/") + ".py")
            if module.startswith("shared.") and module not in reached and path.exists():
                reached.add(module)
                waiting |= imports_of(path)
        for module in reached:
            users.setdefault(module, set()).add(app)
    expected = {
        f"{folder.replace('/', '.')}.{stem}"
        for folder, stems in SHARED.items()
        for stem in stems.split()
        if stem != "__init__"
    }
    assert {module: users.get(module, set()) for module in expected if len(users.get(module, ())) < 2} == {}


@pytest.mark.parametrize("library", list(ONLY_IMPORTERS))
def test_replaceable_library_is_imported_in_one_place(library: str) -> None:
    importers = {name_of(path) for path in files_of("shared", *APPS) if library in roots_of(path)}
    assert importers == ONLY_IMPORTERS[library]


def test_only_dependencies_and_guards_read_the_request_state() -> None:
    allowed = {f"{service}/dependencies.py" for service in SERVICES} | {
        "shared/access/guards.py",
        "shared/http/idempotency.py",
    }
    assert {
        name_of(path) for path in files_of("shared", *SERVICES) if "request.state" in path.read_text()
    } == allowed


def test_apps_of_services_are_made_in_one_place() -> None:
    making = re.compile(r"(FastAPI|ServiceApi)\(|\(FastAPI\)")
    makers = {name_of(path) for path in files_of("shared", *APPS) if making.search(path.read_text())}
    assert makers == {"shared/http/service_app.py", "api_gateway/app.py"}


def test_services_raise_their_own_errors_not_statuses() -> None:
    """problem.py maps what the framework raises; body_limit.py raises what the framework passes on."""
    allowed = {"shared/http/problem.py", "shared/http/body_limit.py"}
    offenders = {
        name_of(path)
        for path in files_of("shared", *APPS)
        if "HTTPException" in path.read_text() and name_of(path) not in allowed
    }
    assert offenders == set()


@cache
def routes_of_apps() -> list[APIRoute]:
    """Of every router that a module of an app, or shared/http, makes."""
    routers = [health_router("any-service", lambda _: {})]
    for path in files_of(*APPS):
        if "APIRouter" in path.read_text():
            module = import_module(name_of(path).removesuffix(".py").replace("/", "."))
            routers += [each for each in vars(module).values() if isinstance(each, APIRouter)]
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def is_coroutine(call: object) -> bool:
    return iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__)


@pytest.mark.parametrize("route", routes_of_apps(), ids=lambda route: f"{route.methods} {route.path}")
def test_handlers_and_their_dependencies_are_asynchronous(route: APIRoute) -> None:
    """FastAPI runs others in a thread, which doubles the cost of a request."""
    waiting, calls = [route.dependant], list[object]()
    while waiting:
        dependant = waiting.pop()
        calls.append(dependant.call)
        waiting += dependant.dependencies
    assert [call for call in calls if not is_coroutine(call)] == []


@pytest.mark.parametrize("route", routes_of_apps(), ids=lambda route: f"{route.methods} {route.path}")
def test_dependencies_have_no_dependencies(route: APIRoute) -> None:
    assert [each.call for each in route.dependant.dependencies if each.dependencies] == []


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, check=True, capture_output=True, text=True)
    return [PROJECT / name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


def test_files_stay_short() -> None:
    lengths = {
        name_of(path): len(path.read_text().splitlines()) for path in tracked_files() if path.suffix == ".py"
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_package_index_is_named() -> None:
    # Written apart, as this file is searched, too.
    apart = ("pyp i.org", "python hosted", "registry. npmjs", "deb. debian", "proxy. golang", "maven. org")
    hosts = re.compile("|".join(re.escape(name.replace(" ", "")) for name in apart))
    texts = {path: path.read_bytes().decode("utf-8", "ignore") for path in tracked_files()}
    assert {name_of(path) for path, text in texts.items() if hosts.search(text)} == set()


def test_requirements_are_pinned_with_hashes() -> None:
    for path in (PROJECT / "requirements").glob("*.txt"):
        text = path.read_text()
        pins = re.findall(r"^([a-z0-9][\w.-]*)==", text, re.MULTILINE)
        assert len(pins) > 20
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text
        assert "--index-url" not in text
