"""Malformed settings stop the start: the error names the variable and shows nothing of its value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings as GatewaySettings
from embedded.installation import Installation
from embedded.settings import EmbeddedSettings
from shared.settings import EnvironmentSettings, ProcessSettings, load
from song_service.settings import Settings as SongSettings
from user_service.settings import Settings as UserSettings

PROCESSES = (UserSettings, SongSettings, AlbumSettings, GatewaySettings)
REDIS_URL = "redis://localhost:6379/0"
GIVEN = {
    **Installation.new().environment,
    "REDIS_URL": REDIS_URL,
    "MONGODB_URI": "mongodb://localhost:27017",
    "FRONTEND_ORIGINS": "http://localhost:5173",
    "USER_SERVICE_URL": "http://user:3001",
    "SONG_SERVICE_URL": "http://song:3002",
    "ALBUM_SERVICE_URL": "http://album:3003",
}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PRIVATE_PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
EC_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
EC_PEM = EC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(autouse=True)
def _valid_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in (*PROCESSES, EmbeddedSettings):
        for name in settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)


class Refusal:
    """Sets a variable, and returns what a process that reads it says and stops with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def of(self, name: str, value: str, settings: type[ProcessSettings] = SongSettings) -> str:
        self._monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            load(settings)
        assert stopped.value.code == 78
        said = self._capsys.readouterr().err
        _, line = said.splitlines()
        assert line.startswith(f"  {name}: ")
        assert "S3cret" not in said
        return line


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refusal:
    return Refusal(monkeypatch, capsys)


@pytest.mark.parametrize("settings", PROCESSES)
def test_valid_environment_is_accepted(settings: type[ProcessSettings]) -> None:
    load(settings)


@pytest.mark.parametrize(
    ("key", "mistake"),
    [
        (" ", "must not be blank"),
        (GIVEN["CLERK_PUBLISHABLE_KEY"], "is a publishable key"),
        (GIVEN["CLERK_WEBHOOK_SECRET"], "is the signing secret of webhooks"),
        (PEM, "is a PEM key"),
        ("sk_test_S3cret", "is too short"),
        (f"sk_test_{'S3cret ' * 6}", "contains spaces"),
        (f"S3cret{'x' * 40}", "has another form"),
    ],
    ids=["blank", "publishable", "webhooks", "PEM", "short", "spaces", "other"],
)
def test_secret_key_is_checked(refusal: Refusal, key: str, mistake: str) -> None:
    assert mistake in refusal.of("CLERK_SECRET_KEY", key)


def test_secrets_lose_surrounding_whitespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK_SECRET_KEY", f" {GIVEN['CLERK_SECRET_KEY']}\n")
    assert load(UserSettings).signing_secret == GIVEN["CLERK_SECRET_KEY"]


@pytest.mark.parametrize(
    "name", ["DELEGATION_SECRET", "CLOUDINARY_API_SECRET", "RECOMBEE_PRIVATE_TOKEN", "RECOMBEE_DATABASE_ID"]
)
def test_blank_setting_is_refused(refusal: Refusal, name: str) -> None:
    assert "must not be blank" in refusal.of(name, " " * 40)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:S3cretPw0rd/x@127.0.0.1:26101/0",
        "redis://:S3cretPw0rd#x@127.0.0.1:26101/0",
        "redis://:S3cretPw0rd?x@127.0.0.1:26101/0",
        "redis://user:123/S3cretPw0rd@127.0.0.1:26101/0",
        "redis://:S3cret[Pw0rd@127.0.0.1:26101/0",
    ],
)
def test_unencoded_password_of_redis_is_refused(refusal: Refusal, url: str) -> None:
    said = refusal.of("REDIS_URL", url, GatewaySettings)
    assert "percent-encoded" in said
    assert "Pw0rd" not in said


def test_process_prints_no_part_of_a_malformed_secret() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "api_gateway.main"],
        env={"PATH": os.environ["PATH"], **GIVEN, "REDIS_URL": "redis://:S3cretPw0rd/x@127.0.0.1:1/0"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 78
    assert "REDIS_URL: " in run.stderr
    for hidden in ("S3cret", "Pw0rd", "Traceback"):
        assert hidden not in run.stderr + run.stdout


@pytest.mark.parametrize("settings", [*PROCESSES, EmbeddedSettings])
def test_validation_errors_hide_values(settings: type[EnvironmentSettings]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(frontend_origins="http://host.test/S3cret")
    assert "S3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "key", ["S3cret", PRIVATE_PEM, EC_PEM, PEM[:200]], ids=["garbage", "private", "EC", "truncated"]
)
def test_jwt_key_is_an_rsa_public_key(refusal: Refusal, key: str) -> None:
    assert "public key" in refusal.of("CLERK_JWT_KEY", key)


@pytest.mark.parametrize("line_break", ["\n", "\\n", "\r\n", " ", ""])
def test_jwt_key_may_have_any_line_breaks(monkeypatch: pytest.MonkeyPatch, line_break: str) -> None:
    monkeypatch.setenv("CLERK_JWT_KEY", PEM.replace("\n", line_break))
    key = load(UserSettings).clerk_jwt_key
    assert key is not None
    assert "\\n" not in key.get_secret_value()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *(
            (f"{service}_SERVICE_URL", settings)
            for settings in PROCESSES
            for service in ("USER", "SONG", "ALBUM")
            if f"{service.lower()}_service_url" in settings.model_fields
        ),
        ("CLERK_API_URL", UserSettings),
        ("RECOMBEE_API_URL", SongSettings),
        ("CLOUDINARY_API_URL", AlbumSettings),
        ("CLOUDINARY_DELIVERY_URL", AlbumSettings),
    ],
)
@pytest.mark.parametrize(
    "url",
    [
        "song-service:3002",
        "ftp://song-service",
        "http://",
        "http://me:S3cret@song-service",
        "http://song-service:70000",
        "http://song-service:0",
        "http://song service",
        "http://song-service/?a=S3cret",
    ],
)
def test_urls_are_absolute(refusal: Refusal, name: str, settings: type[ProcessSettings], url: str) -> None:
    refusal.of(name, url, settings)


@pytest.mark.parametrize("name", ["USER_SERVICE_URL", "RECOMBEE_API_URL", "CLOUDINARY_DELIVERY_URL"])
def test_paths_that_would_be_ignored_are_refused(refusal: Refusal, name: str) -> None:
    assert "without a path" in refusal.of(name, "https://host.test/path")


@pytest.mark.parametrize("name", ["CLERK_API_URL", "CLOUDINARY_API_URL"])
def test_api_urls_may_have_a_path(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "https://host.test/path/")
    assert getattr(load(AlbumSettings), name.lower()) == "https://host.test/path"


@pytest.mark.parametrize(
    "emails", ["a@b.c; S3cret@e.f", "a@b.c;d@e.f", "a@b.c d@e.f", "a@@b.c", "admin", "@b.c"]
)
def test_admin_emails_are_addresses(refusal: Refusal, emails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "e-mail address" in refusal.of("ADMIN_EMAILS", emails, UserSettings)
    with pytest.raises(ValidationError, match="e-mail address"):
        EmbeddedSettings()
    monkeypatch.setenv("ADMIN_EMAILS", "a@b.c, d@e.f")
    assert EmbeddedSettings().admin_emails == load(UserSettings).admin_emails == ("a@b.c", "d@e.f")


@pytest.mark.parametrize("origins", [",", "*", "localhost:5173", "http://a.test:99999"])
def test_frontend_origins_are_origins(refusal: Refusal, origins: str) -> None:
    assert "origin" in refusal.of("FRONTEND_ORIGINS", origins)


@pytest.mark.parametrize("settings", PROCESSES)
def test_metrics_port_differs_from_port(
    refusal: Refusal, settings: type[ProcessSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for port in ("-5", "0", "99999"):
        refusal.of("METRICS_PORT", port, settings)
    monkeypatch.setenv("PORT", "4444")
    assert "another port than PORT" in refusal.of("METRICS_PORT", "4444", settings)
    monkeypatch.setenv("METRICS_PORT", "4445")
    assert load(settings).metrics_port == 4445


@pytest.mark.parametrize("value", ["inf", "Infinity", "nan", "1e999"])
@pytest.mark.parametrize("settings", PROCESSES)
def test_numbers_are_finite(refusal: Refusal, settings: type[ProcessSettings], value: str) -> None:
    refusal.of("CACHE_TIMEOUT_SECONDS", value, settings)


def test_trusted_proxies_are_networks(refusal: Refusal) -> None:
    assert "10.0.0.0/8" in refusal.of("TRUSTED_PROXIES", "S3cret", GatewaySettings)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb//host",
        "http://host",
        "mongodb://",
        "mongodb://me:S3cret/word@host",
        "mongodb://me:S3cret@word@host",
        "mongodb://host:port",
        "mongodb://host:27017/?w",
        "mongodb+srv://host:27017/",
        "mongodb+srv://a,b/",
        "mongodb+srv://me:S3cret:word@host/",
    ],
)
def test_mongodb_uri_is_one_of_the_driver(refusal: Refusal, uri: str) -> None:
    refusal.of("MONGODB_URI", uri)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://a:1,b:2,c/?replicaSet=rs0&w=majority",
        "mongodb://me:p%2Fss@host/songs_db",
        "mongodb+srv://me:p%40ss@cluster.invalid/?retryWrites=true&srvMaxHosts=2&appName=x",
    ],
)
def test_mongodb_uri_is_read_without_lookup(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("MONGODB_URI", uri)
    assert load(SongSettings).mongodb_uri.get_secret_value() == uri
