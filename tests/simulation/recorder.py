"""What passed between the ledger and a table, in a form in which two tables can be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

# Not LastEvaluatedKey: where a query's limit is met just at its end, one engine gives it and another does not.
_TELLING = ("Item", "Items", "Attributes")


class Recorder:
    """Passes calls on and keeps each with its answer, less what is only said in passing."""

    def __init__(self, client: Any) -> None:
        self.calls: list[Any] = []
        self._client = client

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            try:
                answer = getattr(self._client, operation)(**request)
            except ClientError as error:
                self.calls.append((operation, request, error.response["Error"]["Code"], _refusal(error.response)))
                raise
            told = {part: answer[part] for part in _TELLING if part in answer}
            if operation == "batch_get_item":  # in no promised order
                told = {
                    name: sorted(items, key=lambda item: str(item["pk"])) for name, items in answer["Responses"].items()
                }
            self.calls.append((operation, request, _ordered(told)))
            return answer

        return call


def _refusal(response: Any) -> Any:
    reasons = [(reason["Code"], reason.get("Item")) for reason in response.get("CancellationReasons", ())]
    return _ordered((response.get("Item"), reasons))


def _ordered(told: Any) -> Any:
    """Put sets in order: they have none of their own."""
    if isinstance(told, dict):
        return {name: sorted(part) if name == "SS" else _ordered(part) for name, part in told.items()}
    return [_ordered(part) for part in told] if isinstance(told, list | tuple) else told
