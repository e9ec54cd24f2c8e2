"""What every refusal must look like, and must not give away."""

import re

import httpx

_SHAPE = {"type", "title", "status", "detail", "error", "code", "requestId"}
_INSIDES = re.compile(
    r"traceback|exception|\.py\b|127\.0\.0\.1|localhost|sqlite|mongo|redis|motor|pydantic|ffmpeg|libav"
    r"|/(work|home|tmp|usr|var)/|select |uvicorn|starlette|errno",
    re.IGNORECASE,
)


def problem_in(response: httpx.Response, status: int, code: str | None = None) -> dict[str, object]:
    """The body of a refusal, after making sure that it has `status` and the one shape of all refusals."""
    call = f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:300]}"
    assert response.status_code == status, call
    assert response.headers["content-type"] == "application/problem+json", call
    body: dict[str, object] = response.json()
    assert set(body) - {"errors"} == _SHAPE, call
    assert body["status"] == status, call
    assert isinstance(body["error"], str), call
    assert body["error"] == body["detail"], call
    assert re.fullmatch(r"[a-z][a-z0-9_]*", str(body["code"])), call
    assert body["requestId"] == response.headers["x-request-id"], call
    assert ("www-authenticate" in response.headers) == (status == 401), call
    assert not _INSIDES.search(response.text), call
    if status == 503:
        assert int(response.headers["retry-after"]) > 0, call
    if status == 422:
        errors = body["errors"]
        assert isinstance(errors, list), call
        assert errors, call
        assert all(set(each) == {"field", "message"} for each in errors), call
    if code is not None:
        assert body["code"] == code, call
    return body
