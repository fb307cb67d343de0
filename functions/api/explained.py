"""The long texts that callers may add to what they ask: a reason and metadata. They come back in the history."""

import json

from pydantic import Field, ValidationInfo, field_validator

from api.fields import Asked, Metadata, Text
from ledger.notes import LONGEST_BYTES


class Explained(Asked):
    """Something asked for, with its reason and metadata if the caller wants some kept: 2 kB together."""

    reason: Text | None = None
    metadata: Metadata | None = Field(default=None, validate_default=True)

    @field_validator("metadata")
    @classmethod
    def _are_short_enough(cls, metadata: dict[str, str] | None, info: ValidationInfo) -> dict[str, str] | None:
        if len(_write(info.data.get("reason"), metadata).encode()) > LONGEST_BYTES:
            raise ValueError(f"with the reason, at most {LONGEST_BYTES} bytes")
        return metadata

    def note(self) -> str:
        """Write the texts as one; empty if there are none."""
        return _write(self.reason, self.metadata)


def _write(reason: str | None, metadata: dict[str, str] | None) -> str:
    texts = {name: text for name, text in (("reason", reason), ("metadata", metadata)) if text}
    # Sorted, so that the order of the names makes no difference to what an idempotency key stands for.
    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if texts else ""


def read_note(note: str) -> tuple[str, dict[str, str]]:
    """Read the reason and the metadata back."""
    texts = json.loads(note) if note else {}
    return texts.get("reason", ""), texts.get("metadata", {})
