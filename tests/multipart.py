"""multipart/form-data as clients write it: PHP's `CURLOPT_POSTFIELDS => array(...)`, and curl's `-F`."""

BOUNDARY = "x"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(*parts: tuple[str, bytes], boundary: str = BOUNDARY) -> bytes:
    """Write parts, each with these headers."""
    written = [f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n" for headers, content in parts]
    return b"".join(written) + f"--{boundary}--\r\n".encode()


def part(name: str, content: str | bytes, more: str = "") -> tuple[str, bytes]:
    """Write a field."""
    return f'Content-Disposition: form-data; name="{name}"{more}', content.encode() if isinstance(
        content, str
    ) else content


def form(fields: dict[str, str]) -> bytes:
    """Write a form of these fields."""
    return multipart(*(part(name, value) for name, value in fields.items()))
