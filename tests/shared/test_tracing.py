"""Trace context between services when no spans are sent anywhere."""

import pytest

from shared import tracing
from shared.http.middleware import redact_path

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def adopted(*values: str) -> dict[str, str]:
    """What a call to another service carries, made while a request with these headers is served."""
    tracing.adopt([(b"traceparent", value.encode("latin-1")) for value in values])
    headers: dict[str, str] = {}
    tracing.inject(headers)
    return headers


async def test_traceparent_goes_on_to_other_services() -> None:
    assert adopted(TRACEPARENT) == {"traceparent": TRACEPARENT}
    assert tracing.current_trace_id() == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        TRACEPARENT.upper(),
        TRACEPARENT + "-extra",
        "ff" + TRACEPARENT[2:],
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\xe9",
    ],
)
async def test_malformed_traceparent_is_ignored(value: str) -> None:
    assert adopted(value) == {}
    assert tracing.current_trace_id() is None


async def test_next_request_has_no_trace_of_the_last() -> None:
    adopted(TRACEPARENT)
    assert adopted() == {}


def test_share_tokens_are_redacted() -> None:
    assert redact_path("/albums/shared/AbCdEfGhIjKlMnOpQrStUv") == "/albums/shared/…"
