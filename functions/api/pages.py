"""Pages for people: they load nothing, from here or elsewhere, run no script, send nothing and stand in no frame."""

from base64 import b64encode
from hashlib import sha256

HTML = "text/html; charset=utf-8"


def policy(style: str) -> str:
    """Write the Content-Security-Policy of a page that has this one style sheet in it, which tells the browser, too."""
    digest = b64encode(sha256(style.encode()).digest()).decode()
    forbidden = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; style-src 'sha256-{digest}'; {forbidden}"
