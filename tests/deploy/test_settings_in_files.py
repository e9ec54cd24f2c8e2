"""Settings that are files in a folder, as container platforms mount secrets."""

from pathlib import Path

import pytest

from album_service.settings import Settings as AlbumSettings
from api_gateway.settings import Settings
from shared.settings import FOLDER, PLACEHOLDER, ProcessSettings, load
from song_service.settings import Settings as SongSettings
from user_service.settings import Settings as UserSettings

GIVEN = {
    "USER_SERVICE_URL": "http://user:3001",
    "SONG_SERVICE_URL": "http://song:3002",
    "ALBUM_SERVICE_URL": "http://album:3003",
    "FRONTEND_ORIGINS": "http://a.test,http://b.test",
    "REDIS_URL": "redis://redis:6379/0",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything that the gateway needs; the environment knows the folder only."""
    for name, value in GIVEN.items():
        monkeypatch.delenv(name, raising=False)
        (tmp_path / name).write_text(value)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def test_setting_is_read_from_a_file(folder: Path) -> None:
    settings = load(Settings)
    assert settings.user_service_url == "http://user:3001"
    assert settings.frontend_origins == ("http://a.test", "http://b.test")


@pytest.mark.usefixtures("folder")
def test_environment_overrides_files_unless_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_SERVICE_URL", "http://other:1")
    monkeypatch.setenv("SONG_SERVICE_URL", "")
    settings = load(Settings)
    assert (settings.user_service_url, settings.song_service_url) == ("http://other:1", "http://song:3002")


def test_placeholder_in_a_file_stops_the_start(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "FRONTEND_ORIGINS").write_text(PLACEHOLDER)
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == 78
    assert f"FRONTEND_ORIGINS still holds the placeholder {PLACEHOLDER}" in capsys.readouterr().err


def test_empty_file_counts_as_absent(folder: Path) -> None:
    (folder / "METRICS_PORT").write_text("\n")
    (folder / "MAX_BODY_SECONDS").write_text("")
    settings = load(Settings)
    assert (settings.metrics_port, settings.max_body_seconds) == (None, 900)


def test_missing_folder_stops_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FOLDER, str(folder / "absent"))
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == 78
    assert FOLDER in capsys.readouterr().err


@pytest.mark.parametrize("settings", [UserSettings, SongSettings, AlbumSettings, Settings])
def test_empty_variable_counts_as_absent(settings: type[ProcessSettings]) -> None:
    read = {"env_ignore_empty": True, "frozen": True, "extra": "ignore"}
    assert {name: settings.model_config[name] for name in read} == read  # type: ignore[literal-required] # names
