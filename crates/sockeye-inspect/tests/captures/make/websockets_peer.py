# python3 websockets_peer.py PORT: the client of Python's websockets, against a server that is recorded by python-websockets.mjs
import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main(port):
    if port == 0:
        async with serve(echo, "127.0.0.1", 0) as server:
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
    async with connect(f"ws://127.0.0.1:{port}/python") as connection:
        await connection.send("hello, world")
        await connection.recv()
        await connection.send(["three ", "fragments ", "of one message"])
        await connection.recv()
        await connection.send(bytes(range(256)))
        await connection.recv()
        await (await connection.ping(b"p"))
        for number in range(5):
            await connection.send(f"message number {number} of five messages")
            await connection.recv()
        await connection.close(1000, "done")


asyncio.run(main(int(sys.argv[1])))
