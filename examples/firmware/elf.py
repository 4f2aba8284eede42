"""The sections of an image, its symbols, and how much flash and RAM it takes."""
import struct


def sections(image):
    data = open(image, "rb").read()
    offset, = struct.unpack_from("<I", data, 32)
    size, count, names = struct.unpack_from("<HHH", data, 46)
    rows = [struct.unpack_from("<10I", data, offset + size * i) for i in range(count)]
    text = data[rows[names][4]:]
    return [(text[row[0]:text.index(0, row[0])].decode(), row) for row in rows]


def contents(image):
    """The sections that are in memory and have contents, with these."""
    data = open(image, "rb").read()
    return [(row, data[row[4]:row[4] + row[5]]) for _, row in sections(image) if row[2] & 2 and row[1] != 8]


def symbols(image):
    """Name, address, size and kind (2 is a function) of each symbol."""
    data = open(image, "rb").read()
    table = dict(sections(image))
    names, row = data[table[".strtab"][4]:], table[".symtab"]
    for at in range(row[4], row[4] + row[5], 16):
        name, address, size, kind = struct.unpack_from("<IIIB", data, at)
        yield names[name:names.index(0, name)].decode(), address, size, kind & 15


def memory(image):
    """Bytes of flash, and of RAM without the stack."""
    flash = ram = 0
    for name, row in sections(image):
        kind, flags, address, size = row[1], row[2], row[3], row[5]
        if flags & 2 and size:
            # Allocated: in RAM by its address; in flash if it has contents (kind 8 has none).
            ram += size * (address >= 0x2000_0000)
            flash += size * (kind != 8)
    return flash, ram
