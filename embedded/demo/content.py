"""All that is put in at the first start, as one value."""

from dataclasses import dataclass

from embedded.demo.people import ADMIN, ARTISTS, LISTENERS, PLAYLISTS, Listener, Person, Playlist
from embedded.demo.songs import ALBUMS, SONGS, Album, Song


@dataclass(frozen=True, slots=True)
class DemoContent:
    """Artists appear in `songs` and `albums` by e-mail, songs in histories and albums in songs by title."""

    admin: Person
    artists: tuple[Person, ...]
    listeners: tuple[Listener, ...]
    albums: tuple[Album, ...]
    songs: tuple[Song, ...]
    playlists: tuple[Playlist, ...] = ()

    def artist(self, email: str) -> Person:
        """Raises KeyError when nobody has this e-mail."""
        for artist in self.artists:
            if artist.email == email:
                return artist
        raise KeyError(email)


DEMO = DemoContent(ADMIN, ARTISTS, LISTENERS, ALBUMS, SONGS, PLAYLISTS)
