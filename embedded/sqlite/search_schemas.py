"""The search schema of each service's file: columns, indexes, and an FTS5 table maintained by triggers."""


def _searchable(table: str, listed: str) -> tuple[str, ...]:
    """Columns that rows are found by, and the FTS5 table of the words of those that are `listed`.

    The words are separated by blanks alone, so every other character belongs to one.
    """
    listed_new = " AND ".join(f"new.{condition}" for condition in listed.split(" AND "))
    add = f"""
        INSERT INTO {table}_search (rowid, title_words, by_words)
        SELECT new.rowid, new.title_words, new.by_words WHERE {listed_new};
    """
    remove = f"DELETE FROM {table}_search WHERE rowid = old.rowid;"  # noqa: S608
    watched = ", ".join(condition.partition(" ")[0] for condition in listed.split(" AND "))
    return (
        f"ALTER TABLE {table} ADD COLUMN title_key TEXT NOT NULL DEFAULT ''",
        f"ALTER TABLE {table} ADD COLUMN title_words TEXT NOT NULL DEFAULT ''",
        f"ALTER TABLE {table} ADD COLUMN by_key TEXT NOT NULL DEFAULT ''",
        f"ALTER TABLE {table} ADD COLUMN by_words TEXT NOT NULL DEFAULT ''",
        f"ALTER TABLE {table} ADD COLUMN search_version INTEGER NOT NULL DEFAULT 0",
        f"CREATE INDEX {table}_not_indexed ON {table} (search_version)",
        f"CREATE INDEX {table}_by_title ON {table} (title_key, id) WHERE {listed}",
        f"CREATE INDEX {table}_by_name ON {table} (by_key, id) WHERE {listed}",
        f"CREATE INDEX {table}_changed ON {table} (updated_at, id) WHERE {listed}",
        f"""
        CREATE VIRTUAL TABLE {table}_search USING fts5 (
            title_words, by_words, prefix = '1 2 3',
            tokenize = "unicode61 remove_diacritics 0 categories 'L* N* M* P* S* C*'"
        )
        """,
        f"CREATE TRIGGER {table}_search_insert AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {table}_search_delete AFTER DELETE ON {table} BEGIN {remove} END",
        f"""
        CREATE TRIGGER {table}_search_update AFTER UPDATE OF title_words, by_words, {watched} ON {table}
        BEGIN {remove} {add} END
        """,
    )


_LISTED_SONGS = "is_removed = 0 AND is_public = 1 AND is_visible = 1"
SONG_SEARCH = (
    *_searchable("songs", _LISTED_SONGS),
    "ALTER TABLE songs ADD COLUMN genre_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE songs ADD COLUMN mood_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE songs ADD COLUMN plays INTEGER NOT NULL DEFAULT 0",
    # With what a search compares, so that it is read alone while there are not enough matches.
    f"""
    CREATE INDEX songs_popular ON songs (
        plays DESC, created_at DESC, id DESC, title_key, title_words, by_words
    ) WHERE {_LISTED_SONGS}
    """,
    f"""
    CREATE INDEX songs_titles ON songs (title_key, plays DESC, created_at DESC, id DESC)
    WHERE {_LISTED_SONGS}
    """,
    f"CREATE INDEX songs_by_duration ON songs (duration, id) WHERE {_LISTED_SONGS}",
    f"CREATE INDEX songs_of_genre ON songs (genre_key, created_at DESC, id DESC) WHERE {_LISTED_SONGS}",
    f"CREATE INDEX songs_of_mood ON songs (mood_key, created_at DESC, id DESC) WHERE {_LISTED_SONGS}",
    f"CREATE INDEX songs_of_album ON songs (album_id, created_at DESC, id DESC) WHERE {_LISTED_SONGS}",
    f"CREATE INDEX songs_genres ON songs (genre) WHERE {_LISTED_SONGS}",
)

_LISTED_ALBUMS = "is_public = 1 AND is_visible = 1"
ALBUM_SEARCH = (
    *_searchable("albums", _LISTED_ALBUMS),
    f"CREATE INDEX albums_titles ON albums (title_key, created_at DESC, id DESC) WHERE {_LISTED_ALBUMS}",
    f"""
    CREATE INDEX albums_listed_of_creator ON albums (creator_id, created_at DESC, id DESC)
    WHERE {_LISTED_ALBUMS}
    """,
)
_ARTISTS = "role = 'artist'"
ARTIST_SEARCH = (
    *_searchable("users", _ARTISTS),
    f"CREATE INDEX users_titles ON users (title_key, created_at DESC, id DESC) WHERE {_ARTISTS}",
)
