"""Which providers are replaced by stand-ins, and the settings that services get."""

from pathlib import Path

import pytest

from embedded import stand_ins
from embedded.installation import Installation
from embedded.stand_ins import (
    PROVIDERS,
    HalfFilledError,
    SharedDatabaseError,
    account_of,
    check_database,
    cloud,
    leave,
    settings_for,
    setup,
    stood_in_for,
)

CLERK, CLOUDINARY, RECOMBEE = PROVIDERS
KEYS = Installation.new().environment
CLOUD, PUBLIC = "http://local-cloud:3010", "http://localhost:3010"


def test_all_providers_are_replaced_without_credentials() -> None:
    assert stood_in_for(dict.fromkeys(KEYS, "")) == PROVIDERS


@pytest.mark.parametrize("real", PROVIDERS, ids=lambda each: each.name)
def test_each_provider_is_replaced_independently(real: object) -> None:
    filled = {name: KEYS[name] for each in PROVIDERS if each is real for name in each.needed}
    assert stood_in_for(filled) == tuple(each for each in PROVIDERS if each is not real)


def test_partial_credentials_are_refused_by_name() -> None:
    half = {"CLERK_JWT_KEY": "x", "CLOUDINARY_API_KEY": "y"}
    with pytest.raises(HalfFilledError) as refused:
        stood_in_for(half)
    for name in (*CLERK.needed, "CLOUDINARY_CLOUD_NAME", "CLOUDINARY_API_SECRET"):
        assert name in str(refused.value)
    assert "RECOMBEE" not in str(refused.value)


def test_real_provider_gets_no_stand_in_settings() -> None:
    settings = settings_for([CLOUDINARY], Installation.new(), CLOUD, PUBLIC)
    assert settings.keys() == {*CLOUDINARY.needed, *CLOUDINARY.addresses}
    assert settings["CLOUDINARY_API_URL"] == CLOUD
    assert settings["CLOUDINARY_DELIVERY_URL"] == PUBLIC


def test_replaced_stand_in_leaves_no_settings(tmp_path: Path) -> None:
    leave(settings_for(PROVIDERS, Installation.new(), CLOUD, PUBLIC), tmp_path)
    leave(settings_for([RECOMBEE], Installation.new(), CLOUD, PUBLIC), tmp_path)
    left = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert left == dict.fromkeys((*RECOMBEE.needed, *RECOMBEE.addresses), 0o400)


@pytest.mark.parametrize(
    "uri", ["mongodb://host:27017/users_db", "mongodb+srv://me:x@host/songs_db?w=majority"]
)
def test_database_shared_by_all_services_is_refused(uri: str) -> None:
    with pytest.raises(SharedDatabaseError, match="MONGODB_URI"):
        check_database({"MONGODB_URI": uri})


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "mongodb://host",
        "mongodb+srv://host/?w=majority",
        "mongodb://me:S3c[ret@host/",
        "mongodb://a,b/?replicaSet=rs0",
    ],
)
def test_uri_without_a_database_is_accepted(uri: str) -> None:
    check_database({"MONGODB_URI": uri})


@pytest.mark.parametrize("uri", ["mongodb//host", "mongodb://me:S3cret/word@host/"])
def test_malformed_database_uri_is_refused_by_name(uri: str) -> None:
    with pytest.raises(ValueError, match="MONGODB_URI: ") as refused:
        check_database({"MONGODB_URI": uri})
    assert "S3cret" not in str(refused.value)


def test_start_reports_providers_without_secrets() -> None:
    real = {name: KEYS[name] for name in CLERK.needed}
    said = account_of(real | {"MONGODB_URI": "mongodb://me:hidden@db/"}, [CLOUDINARY, RECOMBEE], PUBLIC)
    assert "Clerk       the real one: https://clerk-" in said
    assert f"Cloudinary  the local stand-in at {PUBLIC}" in said
    assert "MongoDB     your own" in said
    assert "Redis       the container redis" in said
    assert "hidden" not in said
    assert KEYS["CLERK_SECRET_KEY"] not in said


def test_stand_in_media_keep_their_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in KEYS:
        monkeypatch.setenv(name, "")
    for name, value in {"CLOUD_DATA_DIR": tmp_path / "cloud", "STAND_INS_DIR": tmp_path / "settings"}.items():
        value.mkdir()
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("CLOUD_URL", CLOUD)
    monkeypatch.setenv("CLOUD_PUBLIC_URL", "http://localhost:3011")
    assert setup() == 0  # nothing was served yet
    monkeypatch.setenv("CLOUD_PUBLIC_URL", PUBLIC)
    with monkeypatch.context() as container:
        for name in KEYS:
            container.setenv(name, "")
        container.setenv("CLOUD_DEFAULT_PARTY", "")
        container.setenv("FRONTEND_ORIGINS", PUBLIC)
        container.setattr(stand_ins, "serve_cloud", lambda: 0)
        assert cloud() == 0
    monkeypatch.setenv("CLOUD_PUBLIC_URL", "http://localhost:3011")
    capsys.readouterr()
    assert setup() == 78
    said = capsys.readouterr().err
    assert "CLOUD_PORT has to stay as it was" in said
    assert PUBLIC in said
    for name in CLOUDINARY.needed:
        monkeypatch.setenv(name, KEYS[name])
    assert setup() == 0  # a real provider delivers from its own address
