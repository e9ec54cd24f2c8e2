"""The tables of each service's file. Times are milliseconds since 1970, booleans 0 or 1, ids lower case."""

from embedded.sqlite.search_schemas import ALBUM_SEARCH, ARTIST_SEARCH, SONG_SEARCH

_MEDIA_CLEANUPS = (
    """
    CREATE TABLE media_cleanups (
        resource_type TEXT NOT NULL,
        public_id TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        PRIMARY KEY (resource_type, public_id)
    ) STRICT
    """,
    "CREATE INDEX media_cleanups_due ON media_cleanups (due_at)",
)
_UNFINISHED_UPLOADS = (
    """
    ALTER TABLE media_cleanups
    ADD COLUMN is_unfinished INTEGER NOT NULL DEFAULT 0 CHECK (is_unfinished IN (0, 1))
    """,
)

_AUDIT = (
    """
    CREATE TABLE audit (
        id TEXT NOT NULL PRIMARY KEY,
        created_at INTEGER NOT NULL,
        actor_id TEXT NOT NULL,
        action TEXT NOT NULL,
        target_id TEXT NOT NULL,
        fields_before TEXT CHECK (fields_before IS NULL OR json_valid(fields_before)),
        fields_after TEXT CHECK (fields_after IS NULL OR json_valid(fields_after))
    ) STRICT
    """,
    "CREATE INDEX audit_newest ON audit (created_at DESC, id DESC)",
    "CREATE INDEX audit_of_target ON audit (target_id, created_at DESC, id DESC)",
)

_LIBRARY = (
    """
    CREATE TABLE likes (
        user_id TEXT NOT NULL,
        song_id TEXT NOT NULL,
        liked_at INTEGER NOT NULL,
        is_liked INTEGER NOT NULL CHECK (is_liked IN (0, 1)),
        changed_at INTEGER NOT NULL,
        change_id TEXT NOT NULL,
        is_synced INTEGER NOT NULL DEFAULT 0 CHECK (is_synced IN (0, 1)),
        leased_until INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (user_id, song_id)
    ) STRICT
    """,
    "CREATE INDEX likes_of_user ON likes (user_id, liked_at DESC, song_id DESC) WHERE is_liked = 1",
    "CREATE INDEX likes_of_song ON likes (song_id, is_liked, liked_at)",
    "CREATE INDEX likes_unsynced ON likes (changed_at, song_id, user_id) WHERE is_synced = 0",
    "CREATE TABLE cleared_histories (user_id TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL) STRICT",
    "CREATE INDEX interactions_of_user ON interactions (user_id, kind, at DESC, id DESC)",
    "CREATE INDEX interactions_of_song ON interactions (song_id, at, kind, user_id)",
    """
    CREATE TABLE plays_per_day (
        song_id TEXT NOT NULL,
        day TEXT NOT NULL,
        plays INTEGER NOT NULL,
        completions INTEGER NOT NULL,
        skips INTEGER NOT NULL,
        PRIMARY KEY (song_id, day)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE song_listeners (
        song_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        last_day TEXT NOT NULL,
        PRIMARY KEY (song_id, user_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX song_listeners_of_user ON song_listeners (user_id)",
    "CREATE TABLE roll_ups (name TEXT NOT NULL PRIMARY KEY, last_day TEXT NOT NULL) STRICT",
)

_BLOCKS_OF_REMOVED_USERS = (
    """
    CREATE TABLE blocks_of_removed_users (
        clerk_id TEXT NOT NULL PRIMARY KEY,
        email_digest TEXT NOT NULL,
        removed_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX blocks_of_emails ON blocks_of_removed_users (email_digest)",
)

_PLAYLISTS = (
    """
    ALTER TABLE albums
    ADD COLUMN collaborator_ids TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(collaborator_ids))
    """,
    """
    CREATE TABLE collaborators (
        user_id TEXT NOT NULL,
        album_id TEXT NOT NULL,
        PRIMARY KEY (user_id, album_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX collaborators_of_album ON collaborators (album_id)",
    # Whose albums somebody arranges is read by an index of the ids in `collaborator_ids`.
    """
    CREATE TRIGGER collaborators_insert AFTER INSERT ON albums WHEN new.collaborator_ids <> '[]' BEGIN
        INSERT INTO collaborators SELECT value, new.id FROM json_each(new.collaborator_ids);
    END
    """,
    """
    CREATE TRIGGER collaborators_update AFTER UPDATE OF collaborator_ids ON albums BEGIN
        DELETE FROM collaborators WHERE album_id = old.id;
        INSERT INTO collaborators SELECT value, new.id FROM json_each(new.collaborator_ids);
    END
    """,
    """
    CREATE TRIGGER collaborators_delete AFTER DELETE ON albums BEGIN
        DELETE FROM collaborators WHERE album_id = old.id;
    END
    """,
    """
    CREATE TABLE shares (
        token_hash TEXT NOT NULL PRIMARY KEY,
        album_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX shares_of_album ON shares (album_id)",
    "CREATE INDEX shares_expiring ON shares (expires_at) WHERE expires_at IS NOT NULL",
)
_PROFILE_TIMES = ("ALTER TABLE users ADD COLUMN profile_at INTEGER",)

_ACCOUNT_TASKS = (
    """
    CREATE TABLE account_tasks (
        user_id TEXT NOT NULL,
        clerk_id TEXT NOT NULL,
        step TEXT NOT NULL,
        due_at INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        PRIMARY KEY (user_id, step)
    ) STRICT
    """,
    "CREATE INDEX account_tasks_due ON account_tasks (due_at)",
)

_PROCESSED_WEBHOOKS = (
    """
    CREATE TABLE processed_webhooks (
        id TEXT NOT NULL PRIMARY KEY,
        processed_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX processed_webhooks_oldest ON processed_webhooks (processed_at)",
)

USERS = (
    (
        """
        CREATE TABLE users (
            id TEXT NOT NULL PRIMARY KEY,
            clerk_id TEXT NOT NULL UNIQUE,
            full_name TEXT NOT NULL,
            full_name_folded TEXT NOT NULL,
            email TEXT NOT NULL UNIQUE,
            image_url TEXT NOT NULL,
            role TEXT NOT NULL,
            is_blocked INTEGER NOT NULL CHECK (is_blocked IN (0, 1)),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE INDEX users_newest ON users (created_at DESC, id DESC)",
        "CREATE INDEX users_of_role ON users (role, created_at DESC, id DESC)",
    ),
    _AUDIT,
    _BLOCKS_OF_REMOVED_USERS,
    ARTIST_SEARCH,
    _ACCOUNT_TASKS,
    _PROFILE_TIMES,
    _PROCESSED_WEBHOOKS,
)

SONGS = (
    (
        """
        CREATE TABLE songs (
            id TEXT NOT NULL PRIMARY KEY,
            title TEXT NOT NULL,
            artist_id TEXT NOT NULL,
            artist_name TEXT NOT NULL,
            image_public_id TEXT NOT NULL,
            image_url TEXT NOT NULL,
            audio_public_id TEXT NOT NULL,
            audio_url TEXT NOT NULL,
            low_url TEXT NOT NULL,
            medium_url TEXT NOT NULL,
            high_url TEXT NOT NULL,
            duration INTEGER NOT NULL,
            album_id TEXT,
            genre TEXT,
            mood TEXT,
            is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
            is_visible INTEGER NOT NULL CHECK (is_visible IN (0, 1)),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            revision INTEGER NOT NULL,
            is_removed INTEGER NOT NULL DEFAULT 0 CHECK (is_removed IN (0, 1)),
            is_sent INTEGER NOT NULL DEFAULT 0 CHECK (is_sent IN (0, 1)),
            leased_until INTEGER NOT NULL DEFAULT 0,
            claimed_revision INTEGER
        ) STRICT
        """,
        """
        CREATE INDEX songs_listed ON songs (created_at DESC, id DESC)
        WHERE is_removed = 0 AND is_public = 1 AND is_visible = 1
        """,
        "CREATE INDEX songs_newest ON songs (created_at DESC, id DESC) WHERE is_removed = 0",
        "CREATE INDEX songs_of_artist ON songs (artist_id, created_at DESC, id DESC) WHERE is_removed = 0",
        "CREATE INDEX songs_unsent ON songs (updated_at, id) WHERE is_sent = 0",
        """
        CREATE TABLE interactions (
            id TEXT NOT NULL PRIMARY KEY,
            user_id TEXT NOT NULL,
            song_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            dedup_key TEXT NOT NULL UNIQUE,
            is_sent INTEGER NOT NULL DEFAULT 0 CHECK (is_sent IN (0, 1)),
            leased_until INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        "CREATE INDEX interactions_unsent ON interactions (at, id) WHERE is_sent = 0",
        "CREATE INDEX interactions_sent ON interactions (at, id) WHERE is_sent = 1",
        "CREATE INDEX interactions_played ON interactions (at, kind, song_id)",
        *_MEDIA_CLEANUPS,
    ),
    _UNFINISHED_UPLOADS,
    _AUDIT,
    _LIBRARY,
    SONG_SEARCH,
)

ALBUMS = (
    (
        """
        CREATE TABLE albums (
            id TEXT NOT NULL PRIMARY KEY,
            title TEXT NOT NULL,
            creator_id TEXT NOT NULL,
            creator_name TEXT NOT NULL,
            image_public_id TEXT NOT NULL,
            image_url TEXT NOT NULL,
            song_ids TEXT NOT NULL CHECK (json_valid(song_ids)),
            is_public INTEGER NOT NULL CHECK (is_public IN (0, 1)),
            is_visible INTEGER NOT NULL CHECK (is_visible IN (0, 1)),
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            revision INTEGER NOT NULL
        ) STRICT
        """,
        """
        CREATE INDEX albums_listed ON albums (created_at DESC, id DESC)
        WHERE is_public = 1 AND is_visible = 1
        """,
        "CREATE INDEX albums_newest ON albums (created_at DESC, id DESC)",
        "CREATE INDEX albums_of_creator ON albums (creator_id, created_at DESC, id DESC)",
        *_MEDIA_CLEANUPS,
    ),
    _UNFINISHED_UPLOADS,
    _AUDIT,
    ALBUM_SEARCH,
    _PLAYLISTS,
)
