"""What a service's OpenAPI says of its answers, to hold real ones against."""

import copy
from typing import Any

import httpx
from jsonschema import Draft202012Validator

HEADERS = {"link", "x-total-count", "www-authenticate", "retry-after"}
"""Those that a client acts upon, so they are described wherever they come."""


class Description:
    """The document that `/openapi.json` answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if "properties" in schema:  # a field that nobody described is a mistake, too
                schema.setdefault("additionalProperties", False)

    def answers(self, method: str, path: str) -> dict[str, Any]:
        """What is described of a call's answers, by status."""
        answers: dict[str, Any] = self.document["paths"][path][method.lower()]["responses"]
        return answers

    def check(self, method: str, path: str, answer: httpx.Response) -> None:
        """That `answer` to a call is one of those described: status, media type, headers and body."""
        told = f"{method} {path}: {answer.status_code} {answer.headers} {answer.text[:300]}"
        answers = self.answers(method, path)
        assert str(answer.status_code) in answers, told
        described = answers[str(answer.status_code)]
        names = {name.lower() for name in described.get("headers", ())}
        assert HEADERS & set(answer.headers) <= names, told
        if "content" not in described:
            assert not answer.content, told
            return
        content = described["content"]
        assert answer.headers["content-type"] in content, told
        schema = content[answer.headers["content-type"]]["schema"]
        Draft202012Validator({**schema, "components": self._components}).validate(answer.json())
