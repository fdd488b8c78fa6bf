"""python websockets, over asyncio. Its fragmented messages end with an empty fragment."""

import asyncio

from task import Task, tell_port
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

task = Task()


async def main():
    options = {"compression": None, "max_size": None, "ping_interval": None}
    if task.deflate is not None:
        factory = ServerPerMessageDeflateFactory if task.is_server else ClientPerMessageDeflateFactory
        options["extensions"] = [factory(**task.deflate)]
    if not task.is_server:
        async with connect(task.url, proxy=None, **options) as ws:
            return await talk(ws)
    done = asyncio.Event()

    async def handle(ws):
        try:
            await talk(ws)
            await ws.wait_closed()
        finally:
            done.set()

    async with serve(handle, "127.0.0.1", 0, **options) as server:
        tell_port(server.sockets[0].getsockname()[1])
        await done.wait()


async def talk(ws):
    if not task.drives:
        async for message in ws:
            task.note(message)
            await send(ws, isinstance(message, str), task.cut(message))
        return
    for index, message in enumerate(task.script):
        await send(ws, message.is_text, message.fragments)
        while message.waits and task.received <= index:
            task.note(await ws.recv())
    await ws.close()


async def send(ws, is_text, fragments):
    await ws.send(fragments if len(fragments) > 1 else fragments[0], text=is_text)


asyncio.run(main())
task.report()
