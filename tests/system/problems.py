"""What every refusal must look like, and must not give away."""

import re

import httpx

_SHAPE = {"type", "title", "status", "detail", "error", "code", "requestId"}
_INSIDES = re.compile(
    r"traceback|exception|\.py\b|127\.0\.0\.1|localhost|sqlite|mongo|redis|motor|pydantic|ffmpeg|libav"
    r"|/(work|home|tmp|usr|var)/|select |uvicorn|starlette|errno",
    re.IGNORECASE,
)


def problem_in(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, object]:
    """The body of a refusal, after making sure that it has `status` and the one shape of all refusals."""
    told = f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code == status, told
    assert answer.headers["content-type"] == "application/problem+json", told
    body: dict[str, object] = answer.json()
    assert set(body) - {"errors"} == _SHAPE, told
    assert body["status"] == status, told
    assert isinstance(body["error"], str), told
    assert body["error"] == body["detail"], told
    assert re.fullmatch(r"[a-z][a-z0-9_]*", str(body["code"])), told
    assert body["requestId"] == answer.headers["x-request-id"], told
    assert ("www-authenticate" in answer.headers) == (status == 401), told
    assert not _INSIDES.search(answer.text), told
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0, told
    if status == 422:
        errors = body["errors"]
        assert isinstance(errors, list), told
        assert errors, told
        assert all(set(each) == {"field", "message"} for each in errors), told
    if code is not None:
        assert body["code"] == code, told
    return body
