"""An aiocoap client that asks Coaplet's server; prints what comes.

client.py get URI [SZX]             the body, to standard output; SZX: the block size asked for
client.py put URI FILE [SZX]        the code of the answer
client.py post URI FILE [SZX]       the payload of the answer, to standard output
client.py delete URI                the code of the answer
client.py --version                 that of aiocoap
client.py observe URI COUNT         so many notifications, the first answer included, a line each; then it lets go
"""

import asyncio
import sys

import aiocoap
import aiocoap.meta
from aiocoap.numbers.codes import DELETE, GET, POST, PUT
from aiocoap.optiontypes import BlockOption


def size(message, arguments, option):
    if arguments:
        setattr(message.opt, option, BlockOption.BlockwiseTuple(0, False, int(arguments[0])))
    return message


async def main(verb, uri="", *rest):
    if verb == "--version":
        print(aiocoap.meta.version)
        return
    context = await aiocoap.Context.create_client_context()
    if verb == "get":
        response = await context.request(size(aiocoap.Message(code=GET, uri=uri), rest, "block2")).response_raising
        sys.stdout.buffer.write(response.payload)
    elif verb == "delete":
        print((await context.request(aiocoap.Message(code=DELETE, uri=uri)).response_raising).code)
    elif verb in ("put", "post"):
        body = open(rest[0], "rb").read()
        message = aiocoap.Message(code=PUT if verb == "put" else POST, uri=uri, payload=body)
        if rest[1:]:
            message.remote.maximum_block_size_exp = int(rest[1])
        response = await context.request(message).response_raising
        if verb == "put":
            print(response.code)
        else:
            sys.stdout.buffer.write(response.payload)
    elif verb == "observe":
        request = context.request(aiocoap.Message(code=GET, uri=uri, observe=0))
        left = int(rest[0])
        first = await request.response_raising
        print(first.payload.decode(errors="replace"), flush=True)
        left -= 1
        if left:
            async for response in request.observation:
                print(response.payload.decode(errors="replace"), flush=True)
                left -= 1
                if not left:
                    break
        request.observation.cancel()
    else:
        sys.exit(__doc__)
    await context.shutdown()


asyncio.run(main(*sys.argv[1:]))
