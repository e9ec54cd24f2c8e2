"""How much of an audio track cannot be decoded. A little damage is tolerated, as players do."""

from av.audio.stream import AudioStream
from av.packet import Packet

MOST_BROKEN = 0.05
"""Share of the packets that may be undecodable, but always one."""

FOUND_BY_PARSING = frozenset({"mp3", "aac", "flac"})
"""Containers without packet boundaries: the data between two good packets arrives as one packet."""

JUNK = 4
"""A packet larger than this multiple of the largest good one counts as several."""

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""How tags begin between the parts of a concatenated file."""


class Damage:
    """Counts the packets of a track in their order. Undecodable packets after the last good one are a tag or
    padding, not damage.
    """

    def __init__(self, demuxer: str) -> None:
        self._is_parsed = demuxer in FOUND_BY_PARSING
        self._good = 0
        self._good_bytes = 0
        self._largest_good = 0
        self._broken: list[int] = []
        self._broken_since_the_last_good: list[int] = []
        self._tag_ends_at = 0

    def count_good(self, packet: "Packet[AudioStream]") -> None:
        """A packet with at least one decoded frame."""
        self._good += 1
        size = packet.size
        self._good_bytes += size
        if size > self._largest_good:
            self._largest_good = size
        if self._broken_since_the_last_good:
            self._broken += self._broken_since_the_last_good
            self._broken_since_the_last_good = []

    def count_broken(self, packet: "Packet[AudioStream]") -> None:
        """A packet that the decoder refused."""
        if packet.size > 0 and not (self._is_parsed and self._is_tag(packet)):
            self._broken_since_the_last_good.append(packet.size)

    def count_unread(self) -> None:
        """A packet that the demuxer could not read."""
        self._broken_since_the_last_good.append(0)

    def is_too_much(self) -> bool:
        """Whether more packets are broken than is tolerated."""
        broken = sum(self._packets_in(size) for size in self._broken)
        return broken > max(1.0, (self._good + broken) * MOST_BROKEN)

    def _packets_in(self, size: int) -> float:
        if not self._is_parsed or size <= JUNK * self._largest_good or not self._good_bytes:
            return 1.0
        return size * self._good / self._good_bytes

    def _is_tag(self, packet: "Packet[AudioStream]") -> bool:
        position = packet.pos if packet.pos is not None else -1
        if 0 <= position < self._tag_ends_at:
            return True
        content = bytes(packet)
        if not content.startswith(TAGS) and any(content):
            return False
        start = content.find(b"ID3")
        if start >= 0 and len(content) >= start + 10:
            self._tag_ends_at = position + start + 10
            for at, seven_bits in enumerate(reversed(content[start + 6 : start + 10])):
                self._tag_ends_at += (seven_bits & 0x7F) << 7 * at
        return True
