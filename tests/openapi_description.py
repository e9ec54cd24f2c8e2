"""The responses in a service's OpenAPI description, to compare real ones with."""

import copy
from typing import Any

import httpx
from jsonschema import Draft202012Validator

HEADERS = {"etag", "link", "x-total-count", "www-authenticate", "retry-after"}
"""Those that a client acts upon, so they are described wherever they come."""


class Description:
    """The document of `/openapi.json`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if "properties" in schema:  # an undescribed field is an error, too
                schema.setdefault("additionalProperties", False)

    def responses(self, method: str, path: str) -> dict[str, Any]:
        """What is described of a call's responses, by status."""
        responses: dict[str, Any] = self.document["paths"][path][method.lower()]["responses"]
        return responses

    def check(self, method: str, path: str, response: httpx.Response) -> None:
        """That `response` to a call is one of those described: status, media type, headers and body."""
        call = f"{method} {path}: {response.status_code} {response.headers} {response.text[:300]}"
        responses = self.responses(method, path)
        assert str(response.status_code) in responses, call
        described = responses[str(response.status_code)]
        names = {name.lower() for name in described.get("headers", ())}
        assert HEADERS & set(response.headers) <= names, call
        if "content" not in described:
            assert not response.content, call
            return
        content = described["content"]
        assert response.headers["content-type"] in content, call
        schema = content[response.headers["content-type"]]["schema"]
        Draft202012Validator({**schema, "components": self._components}).validate(response.json())
