"""client.py GROUP URL DEFLATE [CA]: the client of the package websockets. The exit status is the verdict."""

import asyncio
import json
import ssl
import sys
import uuid

from common import binary, digest, text

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

MAX_SIZE = 64 << 20


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: {found!r} instead of {expected!r}")


class Peer:
    def __init__(self, url, deflate, authority):
        self.url = url
        self.deflate = deflate
        self.ssl = ssl.create_default_context(cafile=authority) if url.startswith("wss:") else None

    def connect(self, path, **options):
        return connect(self.url + path, max_size=MAX_SIZE, max_queue=None, ssl=self.ssl, proxy=None, **options)

    def check(self, socket):
        names = [extension.name for extension in socket.protocol.extensions]
        equal(names, ["permessage-deflate"] if self.deflate else [], "extensions")

    async def ended(self, name):
        async with self.connect(f"/ended?id={name}") as socket:
            return json.loads(await socket.recv())


async def exchange(peer, sizes):
    for path in ["/echo", "/digest"]:
        async with peer.connect(path) as socket:
            peer.check(socket)
            for payload in [make(size) for size in sizes for make in (text, binary)]:
                await socket.send(payload)
                answer = await socket.recv()
                expected = digest(payload) if path == "/digest" else payload
                if answer != expected:
                    raise AssertionError(f"{path}: wrong answer to {len(payload)} of {type(payload)}")
            await socket.close(1000, "done")
            equal((socket.close_code, socket.close_reason), (1000, ""), path)


async def sizes(peer):
    await exchange(peer, [0, 1, 125, 126, 65535, 65536, 1 << 20])


async def large(peer):
    await exchange(peer, [16 << 20])


async def order(peer):
    """Many small messages on their way at once."""
    messages = [binary(at % 200) if at % 3 == 0 else f"message {at} {text(at % 97)}" for at in range(5000)]
    async with peer.connect("/echo") as socket:

        async def send():
            for message in messages:
                await socket.send(message)

        sending = asyncio.create_task(send())
        for message in messages:
            equal(await socket.recv(), message, "in its place")
        await sending


async def fragments(peer):
    """Messages that come in many frames, with Pings in between."""
    async with peer.connect("/fragments") as socket:
        for payload in [make(size) for size in (1, 999, 1000, 1001, 65536) for make in (text, binary)]:
            await socket.send(payload)
            pieces = [piece async for piece in socket.recv_streaming()]
            equal(len(pieces) >= -(-size_of(payload) // 1000), True, "there is a frame for each piece")
            whole = "".join(pieces) if isinstance(payload, str) else b"".join(pieces)
            equal(whole == payload, True, f"{size_of(payload)} come back from fragments")


def size_of(payload):
    return len(payload.encode() if isinstance(payload, str) else payload)


async def sent_fragments(peer):
    """Messages in many frames, compressed or not."""
    async with peer.connect("/digest") as socket:
        for payload in [text(50_000), binary(50_000)]:
            await socket.send([payload[at : at + 777] for at in range(0, len(payload), 777)])
            equal(await socket.recv(), digest(payload), "what the server received")


async def pings(peer):
    """The server sends Pings, and gets Pongs with the same payload."""
    async with peer.connect("/ping") as socket:
        for payload in ["a", "are you there?", "p" * 125]:
            await socket.send(payload)
            equal(await socket.recv(), f"pong {payload}", "the Pong")


async def sent_pings(peer):
    """Pings come back with their payload: websockets compares it."""
    async with peer.connect("/echo") as socket:
        for payload in ["", "a", "p" * 125]:
            await asyncio.wait_for(await socket.ping(payload), 30)


async def client_closes(peer):
    """Both ends see the code and the reason that the client gave."""
    for code, reason in [(1000, ""), (1000, "done"), (3000, "three"), (4999, "Ende ✓ 😀")]:
        name = uuid.uuid4()
        async with peer.connect(f"/echo?id={name}") as socket:
            await socket.close(code, reason)
            # The server sends the code back, without the reason.
            equal((socket.close_code, socket.close_reason), (code, ""), "the client")
        expected = {"code": code, "reason": reason, "clean": True, "initiator": "peer"}
        equal(await peer.ended(name), expected, "the server")


async def client_closes_unasked(peer):
    """As `client_closes`, but only as the client sees it."""
    for code, reason in [(1000, ""), (1000, "done"), (3000, "three"), (4999, "Ende ✓ 😀")]:
        async with peer.connect("/") as socket:
            await socket.close(code, reason)
            # The server sends the code back, without the reason.
            equal((socket.close_code, socket.close_reason), (code, ""), "the client")


async def server_closes(peer):
    """Both ends see the code and the reason that the server gave."""
    for code, reason in [(1000, ""), (1001, "moving"), (1011, ""), (3000, "three"), (4999, "Ende ✓ 😀")]:
        name = uuid.uuid4()
        async with peer.connect(f"/close?id={name}") as socket:
            await socket.send(json.dumps({"code": code, "reason": reason}))
            try:
                raise AssertionError(f"{await socket.recv()!r} instead of the end")
            except ConnectionClosed as closed:
                equal((closed.rcvd.code, closed.rcvd.reason), (code, reason), "the client")
        end = await peer.ended(name)
        equal((end["code"], end["clean"], end["initiator"]), (code, True, "us"), "the server")


async def subprotocols(peer):
    """The first subprotocol that the server likes is agreed on, and none where it likes none."""
    for offer, agreed in [(["chat.v1", "chat.v2"], "chat.v2"), (["chat.v3"], "chat.v3"), (["chat.v1"], None), (None, None)]:
        async with peer.connect("/agreed", subprotocols=offer) as socket:
            equal(socket.subprotocol, agreed, "for the client")
            await socket.send("what is it?")
            equal(json.loads(await socket.recv())["subprotocol"], agreed or "", "for the server")


async def echo(peer):
    """As `sizes`, but of a server that does nothing but echo."""
    async with peer.connect("/") as socket:
        peer.check(socket)
        for size in [0, 1, 125, 126, 65535, 65536, 1 << 20]:
            for payload in [text(size), binary(size)]:
                await socket.send(payload)
                equal(await socket.recv() == payload, True, f"{size} come back")
        await socket.close(1000, "done")
        equal((socket.close_code, socket.close_reason), (1000, ""), "the client")


async def parameters(peer):
    """Every parameter of permessage-deflate, alone and together."""
    offers = [
        {"server_no_context_takeover": True},
        {"client_no_context_takeover": True},
        {"server_max_window_bits": 9},
        {"server_max_window_bits": 9, "client_max_window_bits": 9},
        {"server_no_context_takeover": True, "client_no_context_takeover": True, "server_max_window_bits": 10, "client_max_window_bits": 12},
    ]
    for offer in offers:
        extensions = [ClientPerMessageDeflateFactory(**offer)]
        async with peer.connect("/echo", compression=None, extensions=extensions) as socket:
            peer.check(socket)
            agreed = socket.protocol.extensions[0]
            if offer.get("server_no_context_takeover"):
                equal(agreed.remote_no_context_takeover, True, "the server forgets its window")
            if "server_max_window_bits" in offer:
                equal(agreed.remote_max_window_bits <= offer["server_max_window_bits"], True, "the server's window")
            for payload in [make(size) for size in (1, 5000, 5000, 200_000) for make in (text, binary)]:
                await socket.send(payload)
                equal(await socket.recv() == payload, True, f"{len(payload)} come back with {offer}")


if __name__ == "__main__":
    group, url, deflate, *authority = sys.argv[1:]
    peer = Peer(url, deflate == "true", authority[0] if authority else None)
    asyncio.run(globals()[group](peer))
