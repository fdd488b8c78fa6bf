"""aiohttp. It sends whole messages only."""

import asyncio

from aiohttp import ClientSession, WSMsgType, web
from task import Task, tell_port

task = Task()
# A client asks for a window of its server's.
compress = 0 if task.deflate is None else task.deflate.get("server_max_window_bits", 15)


async def main():
    if not task.is_server:
        async with ClientSession() as session:
            async with session.ws_connect(task.url, compress=compress, max_msg_size=0) as ws:
                return await talk(ws)
    done = asyncio.Event()

    async def handle(request):
        ws = web.WebSocketResponse(compress=bool(compress), max_msg_size=0)
        await ws.prepare(request)
        try:
            await talk(ws)
        finally:
            done.set()
        return ws

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    tell_port(runner.addresses[0][1])
    await done.wait()
    await runner.cleanup()


async def talk(ws):
    if task.drives:
        for index, message in enumerate(task.script):
            await send(ws, message.is_text, b"".join(message.fragments))
            while message.waits and task.received <= index:
                take(await ws.receive())
        await ws.close()
        return
    async for message in ws:
        take(message)
        await send(ws, message.type is WSMsgType.TEXT, b"".join(task.cut(message.data)))


def take(message):
    if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
        raise ValueError(f"not a message: {message}")
    task.note(message.data)


async def send(ws, is_text, payload):
    await (ws.send_str(payload.decode()) if is_text else ws.send_bytes(payload))


asyncio.run(main())
task.report()
