"""server.py OPTIONS: a server with the package websockets that answers by path, as `server.rs` does.

It says where it listens, and ends with its input. OPTIONS is JSON: { cert, key } for TLS, `deflate`: false, true, or the parameters.
"""

import asyncio
import collections
import json
import ssl
import sys
import urllib.parse

from common import digest

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

MAX_SIZE = 64 << 20
# How the connections that have a name ended.
ends = collections.defaultdict(lambda: asyncio.get_running_loop().create_future())


async def answer(socket):
    url = urllib.parse.urlsplit(socket.request.path)
    query = dict(urllib.parse.parse_qsl(url.query))
    if url.path == "/ended":
        await socket.send(json.dumps(await ends[query["id"]]))
        await socket.wait_closed()
        return
    try:
        async for message in socket:
            await answer_message(socket, url.path, message)
    except ConnectionClosed:
        pass
    await socket.wait_closed()
    if "id" in query:
        ends[query["id"]].set_result({"code": socket.close_code, "reason": socket.close_reason})


async def answer_message(socket, path, message):
    if path == "/echo":
        await socket.send(message)
    elif path == "/digest":
        await socket.send(digest(message))
    elif path == "/fragments":
        # By characters for text: a piece has at most 1000 of them.
        await socket.send([message[at : at + 1000] for at in range(0, len(message), 1000)])
    elif path == "/ping":
        await (await socket.ping(message))
        # Here only if the Pong had the same payload.
        await socket.send(f"pong {message}")
    elif path == "/close":
        await socket.close(**json.loads(message))
    elif path == "/agreed":
        await socket.send(json.dumps({"subprotocol": socket.subprotocol or ""}))


def select_subprotocol(_, offered):
    return next((name for name in ["chat.v2", "chat.v3"] if name in offered), None)


async def main(options):
    context = None
    if "cert" in options:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options["cert"], options["key"])
    deflate = options["deflate"]
    extensions = [ServerPerMessageDeflateFactory(**deflate)] if isinstance(deflate, dict) else None
    server = await serve(
        answer,
        "127.0.0.1",
        0,
        ssl=context,
        compression="deflate" if deflate is True else None,
        extensions=extensions,
        select_subprotocol=select_subprotocol,
        max_size=MAX_SIZE,
        max_queue=None,
    )
    print("listening on", server.sockets[0].getsockname()[1], flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    # What still runs is of no interest any more.
    server.close(close_connections=True)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
