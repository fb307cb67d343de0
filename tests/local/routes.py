"""Which function answers which request: template.yaml's HttpApi events, in API Gateway's order of preference.

A route without a greedy variable beats one with, a literal segment beats a variable, a method beats ANY; $default takes
what is left. Paths are matched as sent, so that an encoded slash stays inside its segment; variables are handed over
decoded.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

DEFAULT = "$default"
_VARIABLE = re.compile(r"\{([^{}+]+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    function: str
    handler: str

    @property
    def key(self) -> str:
        return DEFAULT if self.path == DEFAULT else f"{self.method} {self.path}"

    @cached_property
    def preference(self) -> tuple[bool, bool, list[int], bool]:
        """Sort the routes that match one request: the first is the one API Gateway takes."""
        ranks = [0 if variable is None else 2 if variable[2] else 1 for _, variable in self._segments]
        return self.path == DEFAULT, 2 in ranks, ranks, self.method == "ANY"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the variables in a request's path, None if this route does not answer it."""
        if self.path == DEFAULT:
            return {}
        if self.method not in ("ANY", method):
            return None
        found = self._pattern.fullmatch(path)
        if found is None:
            return None
        names = [variable[1] for _, variable in self._segments if variable]
        return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)}

    @cached_property
    def _segments(self) -> list[tuple[str, re.Match[str] | None]]:
        return [(segment, _VARIABLE.fullmatch(segment)) for segment in self.path.split("/")]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # A greedy variable also takes nothing at all: `/xmlrpc/{proxy+}` is how people route `/xmlrpc/`, for which SAM
        # has no other way (github.com/storacha/w3infra, pull request 166).
        return re.compile(
            "/".join(
                re.escape(segment) if variable is None else "(.*)" if variable[2] else "([^/]+)"
                for segment, variable in self._segments
            )
        )


def routes(functions: dict[str, dict[str, Any]]) -> list[Route]:
    """Collect the routes of the template's functions, the one API Gateway would prefer first.

    An event without method and path is the default route's: so SAM says it.
    """
    found = (
        Route(
            event["Properties"].get("Method", "ANY").upper(),
            event["Properties"].get("Path", DEFAULT),
            name,
            function["Handler"],
        )
        for name, function in functions.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    )
    return sorted(found, key=lambda route: route.preference)


def find(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route that answers a request, with its path variables."""
    for route in routes:
        variables = route.match(method, path)
        if variables is not None:
            return route, variables
    return None


def path_of(target: str) -> str:
    """Give the path in a request's target as sent, without the query; WSGI's own PATH_INFO is decoded.

    What begins with a slash is a path however many follow, though the same text as a reference would name a host.
    """
    path = target.partition("?")[0]
    return path if path.startswith("/") else urlsplit(path).path or "/"
