"""What the client and the server of the package websockets share."""

import hashlib
import os
import sys

# Where the package was installed.
sys.path.insert(0, os.path.join(os.environ["SOCKEYE_INTEROP"], "python"))


def text(length):
    """Text of this length in bytes, with characters of one to four."""
    piece = "Grüße, 世界! 😀 "
    size = len(piece.encode())
    return piece * (length // size) + "x" * (length % size)


def binary(length):
    """Bytes that do not compress well, always the same."""
    pieces = [hashlib.sha256(b"%d %d" % (length, at)).digest() for at in range(length // 32 + 1)]
    return b"".join(pieces)[:length]


def digest(data):
    """`text LENGTH SHA-256` or `binary …`."""
    kind, data = ("text", data.encode()) if isinstance(data, str) else ("binary", data)
    return f"{kind} {len(data)} {hashlib.sha256(data).hexdigest()}"
