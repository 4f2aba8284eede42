"""An aiocoap server for Coaplet's client to talk to: `server.py PORT`, on 127.0.0.1.

/bytes?N    GET: N bytes, block by block where they are many, with an ETag
/kept       PUT keeps a body of any size, GET gives it
/back       POST gives the body back, in blocks as it came
/digest     POST and FETCH give the SHA-256 of the body, hexadecimal
/ticks      GET, observable: 1, 2, 3, .. five times a second from the first observer on
/pages      the same, each 3000 bytes long
/gone       GET, observable; DELETE ends it with 4.04
"""

import asyncio
import hashlib
import sys

import aiocoap
from aiocoap import resource
from aiocoap.numbers.codes import CHANGED, CONTENT, DELETED, NOT_FOUND


def pattern(length):
    """As the tests make it: every 256 bytes differ from those before."""
    return bytes((i * 31 + (i >> 8) * 7) & 255 for i in range(length))


class Bytes(resource.Resource):
    async def render_get(self, request):
        length = int(request.opt.uri_query[0])
        return aiocoap.Message(code=CONTENT, payload=pattern(length), etag=length.to_bytes(4, "big"))


class Kept(resource.Resource):
    body = b""

    async def render_put(self, request):
        self.body = request.payload
        return aiocoap.Message(code=CHANGED)

    async def render_get(self, request):
        return aiocoap.Message(code=CONTENT, payload=self.body)


class Back(resource.Resource):
    async def render_post(self, request):
        return aiocoap.Message(code=CHANGED, payload=request.payload)


class Digest(resource.Resource):
    async def render_post(self, request):
        return aiocoap.Message(code=CHANGED, payload=hashlib.sha256(request.payload).hexdigest().encode())

    async def render_fetch(self, request):
        return aiocoap.Message(code=CONTENT, payload=hashlib.sha256(request.payload).hexdigest().encode())


class Ticks(resource.ObservableResource):
    length = 0
    ticks = 0
    task = None

    def update_observation_count(self, count):
        if count and self.task is None:
            self.task = asyncio.get_running_loop().create_task(self.tick())

    async def tick(self):
        while True:
            await asyncio.sleep(0.2)
            self.ticks += 1
            self.updated_state()

    async def render_get(self, request):
        payload = str(self.ticks).encode()
        return aiocoap.Message(code=CONTENT, payload=payload + b"." * max(0, self.length - len(payload)))


class Gone(resource.ObservableResource):
    there = True

    async def render_get(self, request):
        if not self.there:
            return aiocoap.Message(code=NOT_FOUND)
        return aiocoap.Message(code=CONTENT, payload=b"here")

    async def render_delete(self, request):
        self.there = False
        self.updated_state()
        return aiocoap.Message(code=DELETED)


async def main():
    site = resource.Site()
    site.add_resource([".well-known", "core"], resource.WKCResource(site.get_resources_as_linkheader))
    pages = Ticks()
    pages.length = 3000
    for name, what in (
        ("bytes", Bytes()),
        ("kept", Kept()),
        ("back", Back()),
        ("digest", Digest()),
        ("ticks", Ticks()),
        ("pages", pages),
        ("gone", Gone()),
    ):
        site.add_resource([name], what)
    # The plain transport: udp6 would want addresses of its own kind.
    await aiocoap.Context.create_server_context(site, bind=("127.0.0.1", int(sys.argv[1])), transports=["simple6", "simplesocketserver"])
    print("ready", flush=True)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
