"""The message when the system is up."""

import json

from embedded.demo.people import ADMIN, ARTISTS, LISTENERS
from embedded.settings import EmbeddedSettings


def early_welcome(settings: EmbeddedSettings) -> str:
    """The player's address, for the first start: it can be opened while the demo content is being added."""
    address = f"http://localhost:{settings.cloud_port}"
    return f"\n  web player      {address}   (open this now: demo songs appear as they are added)\n\n"


def welcome(settings: EmbeddedSettings) -> str:
    """The player's address first, then where everything else is, who can sign in, and three things to try."""
    gateway = f"http://localhost:{settings.gateway_port}"
    cloud = f"http://localhost:{settings.cloud_port}"
    sign_in = f"curl -s {cloud}/sign-in -H 'Content-Type: application/json' -d"
    body = json.dumps({"email": LISTENERS[0].email})
    bearer = "Authorization: Bearer TOKEN"
    lines = [
        "",
        f"  web player      {cloud}   (open this first)",
        "",
        f"  API gateway     {gateway}   (REST under /api, described at /docs; /health/services)",
        f"  user service    http://localhost:{settings.user_port}   (API described at /openapi.json)",
        f"  song service    http://localhost:{settings.song_port}   (API described at /openapi.json)",
        f"  album service   http://localhost:{settings.album_port}   (API described at /openapi.json)",
        f"  local cloud     {cloud}   (stands in for Clerk, Cloudinary and Recombee)",
        f"  state and logs  {settings.data_dir}",
        "",
    ]
    if settings.demo:
        lines += [
            f"  admin           {ADMIN.email}",
            f"  artists         {', '.join(each.email for each in ARTISTS)}",
            f"  listeners       {LISTENERS[0].email} … {LISTENERS[-1].email}",
            "",
        ]
    lines += [
        "  Try:",
        f"    curl -s '{gateway}/api/songs/trending?count=3'",
        f"    {sign_in} {body!r}",
        f"    curl -s '{gateway}/api/songs/recommendations/for-you?count=3' -H {bearer!r}",
        "",
        "  Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines) + "\n"
