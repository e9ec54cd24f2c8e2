"""What a process reads from its environment."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings as GatewaySettings
from embedded.settings import EmbeddedSettings
from shared.settings import explain, issuer_of, load
from song_service.settings import Settings as SongSettings
from tests.env_example import TABLE_BEGINS, TABLE_ENDS, render, render_table, with_table
from user_service.settings import Settings as UserSettings

PROJECT = Path(__file__).parents[1]
ALL = (UserSettings, SongSettings, AlbumSettings, GatewaySettings, EmbeddedSettings)
DOCUMENTED = """
    PORT MONGODB_URI REDIS_URL CLERK_SECRET_KEY CLERK_PUBLISHABLE_KEY CLERK_JWT_KEY CLOUDINARY_CLOUD_NAME
    CLOUDINARY_API_KEY CLOUDINARY_API_SECRET RECOMBEE_DATABASE_ID RECOMBEE_PRIVATE_TOKEN RECOMBEE_REGION
    USER_SERVICE_URL SONG_SERVICE_URL ALBUM_SERVICE_URL FRONTEND_ORIGINS ADMIN_EMAILS
"""

SECRET_KEY = f"sk_test_{'k' * 32}"
GIVEN = {
    "REDIS_URL": "redis://localhost:6379/0",
    "MONGODB_URI": "mongodb://localhost:27017",
    "CLERK_SECRET_KEY": SECRET_KEY,
    "CLERK_PUBLISHABLE_KEY": "pk_test_Y2xlcmsuZXhhbXBsZSQ=",
    "FRONTEND_ORIGINS": "http://localhost:5173, http://localhost:3000/",
    "SONG_SERVICE_URL": "http://song:3002",
    "ALBUM_SERVICE_URL": "http://album:3003",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ALL:
        for name in settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)


def names_in_example() -> list[str]:
    return re.findall(r"^([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)


def test_env_example_names_every_setting_once() -> None:
    read = {name.upper() for settings in ALL for name in settings.model_fields}
    assert sorted(names_in_example()) == sorted(read)


def test_env_example_matches_the_settings() -> None:
    assert (PROJECT / ".env.example").read_text() == render()


def test_configuration_page_describes_every_setting() -> None:
    page = (PROJECT / "docs/configuration.md").read_text()
    assert page.count(TABLE_BEGINS) == page.count(TABLE_ENDS) == 1
    assert with_table(page) == page
    for name in names_in_example():
        assert f"| `{name}` |" in render_table()


def test_readme_stays_within_900_words() -> None:
    assert len((PROJECT / "README.md").read_text().split()) <= 900


def test_env_example_values_survive_a_shell(tmp_path: Path) -> None:
    uri = "mongodb://host/?replicaSet=rs0&w=majority #$HOME"
    filled = (PROJECT / ".env.example").read_text().replace("\nMONGODB_URI=\n", f"\nMONGODB_URI='{uri}'\n")
    (tmp_path / ".env").write_text(filled)
    script = 'set -a; . ./.env; set +a; exec "$0" -c "import json, os; print(json.dumps({**os.environ}))"'
    run = subprocess.run(
        ["sh", "-euc", script, sys.executable], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    taken = json.loads(run.stdout)
    assert taken["MONGODB_URI"] == uri
    assert {taken[name] for name in names_in_example()} == {uri, ""}


def test_every_documented_variable_is_read() -> None:
    assert set(DOCUMENTED.split()) <= set(names_in_example())


@pytest.mark.parametrize("settings", ALL)
def test_every_setting_has_a_description(settings: type[BaseSettings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_all_missing_settings_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        load(SongSettings)
    assert stopped.value.code == 78
    said = capsys.readouterr().err
    for name in ("MONGODB_URI", "REDIS_URL", "CLERK_SECRET_KEY", "CLOUDINARY_API_SECRET", "USER_SERVICE_URL"):
        assert f"{name} is missing" in said


def test_placeholder_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "CLERK_SECRET_KEY": "CHANGE_ME"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        UserSettings()
    assert "CLERK_SECRET_KEY still holds the placeholder" in explain(refused.value)


def test_placeholder_hides_no_other_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    placeholders = ("CLERK_SECRET_KEY", "CLOUDINARY_API_SECRET", "RECOMBEE_PRIVATE_TOKEN", "FRONTEND_ORIGINS")
    for name in placeholders:
        monkeypatch.setenv(name, "CHANGE_ME")
    monkeypatch.setenv("WORKERS", "0")
    with pytest.raises(SystemExit):
        load(SongSettings)
    said = capsys.readouterr().err
    for name in placeholders:
        assert f"{name} still holds the placeholder CHANGE_ME" in said
    for name in ("MONGODB_URI", "REDIS_URL", "CLERK_PUBLISHABLE_KEY", "USER_SERVICE_URL"):
        assert f"{name} is missing" in said
    assert "WORKERS: " in said


def test_setting_error_omits_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "CLERK_PUBLISHABLE_KEY": "s3cr3t-by-mistake"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        UserSettings()
    said = explain(refused.value)
    assert "CLERK_PUBLISHABLE_KEY" in said
    assert "s3cr3t" not in said


def test_delegation_secret_survives_a_clerk_key_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    former, present = (f"sk_live_{'a' * 42}", f"sk_live_{'b' * 42}")
    for name, value in {**GIVEN, "CLERK_SECRET_KEY": former}.items():
        monkeypatch.setenv(name, value)
    before = UserSettings()
    monkeypatch.setenv("CLERK_SECRET_KEY", present)
    monkeypatch.setenv("DELEGATION_SECRET", former)
    after = UserSettings()
    assert (before.signing_secret, after.signing_secret) == (former, former)
    assert after.clerk_secret_key.get_secret_value() == present


def test_weak_delegation_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "DELEGATION_SECRET": "s3cr3t"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        UserSettings()
    assert "DELEGATION_SECRET" in explain(refused.value)
    assert "s3cr3t" not in explain(refused.value)


def test_lists_are_split_and_origins_normalized(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "ADMIN_EMAILS": "Ada@Demo.local, "}.items():
        monkeypatch.setenv(name, value)
    settings = UserSettings()
    assert settings.frontend_origins == ("http://localhost:5173", "http://localhost:3000")
    assert settings.admin_emails == ("ada@demo.local",)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**GIVEN, "MONGODB_URI": "mongodb://name:hidden@localhost"}.items():
        monkeypatch.setenv(name, value)
    assert "hidden" not in repr(UserSettings())
    assert SECRET_KEY not in repr(UserSettings())


def test_issuer_comes_from_the_publishable_key() -> None:
    assert issuer_of("pk_test_Y2xlcmsuZXhhbXBsZSQ=") == "https://clerk.example"
    assert issuer_of("pk_live_Y2xlcmsuZXhhbXBsZSQ") == "https://clerk.example"


def test_configured_issuers_override_the_publishable_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    assert UserSettings().clerk_issuers == {"https://clerk.example"}
    monkeypatch.setenv("CLERK_ISSUER", "https://example.org/__clerk/, https://clerk.satellite.example")
    assert UserSettings().clerk_issuers == {
        "https://example.org/__clerk",
        "https://clerk.satellite.example",
    }
    monkeypatch.setenv("CLERK_ISSUER", "clerk.satellite.example")
    with pytest.raises(ValidationError) as refused:
        UserSettings()
    assert "CLERK_ISSUER: must be URLs" in explain(refused.value)


@pytest.mark.parametrize(
    "key", ["", "pk_test_", "pk_test_!!!", "sk_test_Y2xlcmsuZXhhbXBsZSQ=", "pk_test_YWJj"]
)
def test_malformed_publishable_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="publishable key"):
        issuer_of(key)
