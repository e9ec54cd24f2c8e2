"""Generated avatars: initials on a colour derived from the account."""

import colorsys
import hashlib
import io
import unicodedata

from PIL import Image, ImageDraw, ImageFont

SIDE_PX = 256


def initials_of(full_name: str) -> str:
    """At most two ASCII letters, because the built-in font has no others; empty for a name without any."""
    # "É" is an E and an accent to Unicode; what has no such form ("Ø", "李") is left out.
    firsts = [unicodedata.normalize("NFKD", word)[0].upper() for word in full_name.split()]
    letters = [first for first in firsts if first.isascii() and first.isalnum()]
    return "".join(letters[:1] + letters[1:][-1:])


def draw_avatar(clerk_id: str, full_name: str) -> bytes:
    """A square PNG; the same account always gets the same one. Blocks for a few milliseconds."""
    hue = int.from_bytes(hashlib.sha256(clerk_id.encode()).digest()[:2], "big") / 65536
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.42, 0.55))
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), (red, green, blue))
    ImageDraw.Draw(image).text(
        (SIDE_PX / 2, SIDE_PX / 2),
        initials_of(full_name),
        fill="white",
        font=ImageFont.load_default(size=SIDE_PX * 0.42),
        anchor="mm",
    )
    encoded = io.BytesIO()
    image.save(encoded, "PNG", optimize=True)
    return encoded.getvalue()
