"""Reads object files (ELF, Mach-O, COFF; 64 bits, the lowest byte first) and archives of them, by
the formats' own documents. Shares nothing with what siamc writes them with."""
import struct
import types


class Object:
    """Sections: bytes, or None where they are all zero at the start. Symbols by name, without
    Mach-O's underscore: section (a number, None: not here), offset in it, exported (visible outside
    of what it is linked into), weak (others of that name may be there). Relocations by place
    (section, offset): symbol, addend; those of whole pointers alone."""

    def __init__(self, format, machine):
        self.format, self.machine = format, machine
        self.sections, self.symbols, self.pointers = {}, {}, {}

    def add(self, name, section, offset, exported, weak):
        self.symbols[name] = types.SimpleNamespace(section=section, offset=offset,
                                                   exported=exported, weak=weak)


def text_at(data, offset):
    return data[offset:data.index(b"\0", offset)].decode()


def read_elf(data):
    assert data[4:6] == b"\2\1", data[:16]
    machine, = struct.unpack_from("<H", data, 18)
    table, = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    result = Object("ELF", {62: "x86-64", 183: "arm-64"}[machine])
    pointer = {"x86-64": 1, "arm-64": 257}[result.machine]  # R_X86_64_64, R_AARCH64_ABS64
    headers = [struct.unpack_from("<IIQQQQIIQQ", data, table + s * size) for s in range(count)]

    def body(header):
        return None if header[1] == 8 else data[header[4]:header[4] + header[5]]

    result.sections = {s: body(header) for s, header in enumerate(headers)}
    names = []
    for header in headers:
        if header[1] != 2:  # the symbols
            continue
        strings = body(headers[header[6]])
        for name, info, other, section, value, _ in struct.iter_unpack("<IBBHQQ", body(header)):
            names.append(text_at(strings, name))
            if info >> 4 != 0:  # not local
                result.add(names[-1], section or None, value, other & 3 == 0, info >> 4 == 2)
    for header in headers:
        if header[1] == 4:
            for offset, info, addend in struct.iter_unpack("<QQq", body(header)):
                if info & 0xFFFFFFFF == pointer:
                    result.pointers[header[7], offset] = names[info >> 32], addend
    return result


def read_macho(data):
    magic, cpu, _, kind, commands = struct.unpack_from("<5I", data)
    assert (magic, kind) == (0xFEEDFACF, 1), (magic, kind)
    result = Object("Mach-O", {0x01000007: "x86-64", 0x0100000C: "arm-64"}[cpu])
    starts, relocations, names, at = {}, [], [], 32
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, at)
        if command == 0x19:
            for s in range(struct.unpack_from("<I", data, at + 64)[0]):
                start, length, offset, _, first, count, flags = struct.unpack_from(
                    "<QQIIIII", data, at + 72 + 80 * s + 32)
                number = len(result.sections) + 1
                starts[number] = start
                result.sections[number] = None if flags & 255 == 1 else data[offset:offset + length]
                relocations += [(number, first + 8 * r) for r in range(count)]
        if command == 2:
            first, count, strings, _ = struct.unpack_from("<4I", data, at + 8)
            for s in range(count):
                name, kind, section, more, value = struct.unpack_from("<IBBHQ", data, first + 16 * s)
                names.append(text_at(data, strings + name).removeprefix("_"))
                if kind & 1:
                    here = section if kind & 14 == 14 else None
                    result.add(names[-1], here, value - starts[here] if here else 0, not kind & 16,
                               bool(more & 0x80))
        at += size
    for section, place in relocations:
        offset, what = struct.unpack_from("<iI", data, place)
        # Type 0, 8 bytes, not relative to its place, of a symbol.
        if what >> 24 == 0x0E:
            addend, = struct.unpack_from("<q", result.sections[section], offset)
            result.pointers[section, offset] = names[what & 0xFFFFFF], addend
    return result


def read_coff(data):
    machine, sections, _, symbols, count = struct.unpack_from("<HHIII", data)
    assert machine == 0x8664, machine
    result = Object("COFF", "x86-64")
    strings, kinds, names, defaults, s = symbols + 18 * count, {}, {}, {}, 0
    for number in range(1, sections + 1):
        size, body, _, _, _, _, kinds[number] = struct.unpack_from(
            "<IIIIHHI", data, 20 + 40 * (number - 1) + 16)
        result.sections[number] = None if kinds[number] & 0x80 else data[body:body + size]
    while s < count:
        short, value, section, _, storage, more = struct.unpack_from("<8sIhHBB", data,
                                                                     symbols + 18 * s)
        names[s] = (short.rstrip(b"\0").decode() if short[:4] != bytes(4) else
                    text_at(data, strings + struct.unpack("<I", short[4:])[0]))
        if storage == 2:
            # One of several of its name that may be kept, or what a weak symbol is by default.
            weak = section > 0 and bool(kinds[section] & 0x1000) or names[s].startswith(".weak.")
            result.add(names[s], section if section > 0 else None, value, False, weak)
        if storage == 105:
            defaults[names[s]], = struct.unpack_from("<I", data, symbols + 18 * (s + 1))
        s += 1 + more
    for name, default in defaults.items():
        here = result.symbols.get(names[default])
        result.add(name, here and here.section, here and here.offset, False, True)
    for number in range(1, sections + 1):
        first, _, relocations = struct.unpack_from("<IIH", data, 20 + 40 * (number - 1) + 24)
        if kinds[number] & 0x01000000:
            relocations, = struct.unpack_from("<I", data, first)
        for r in range(relocations):
            offset, symbol, kind = struct.unpack_from("<IIH", data, first + 10 * r)
            if kind == 1:
                addend, = struct.unpack_from("<q", result.sections[number], offset)
                result.pointers[number, offset] = names[symbol], addend
    return result


def read_object(data):
    if data[:4] == b"\x7fELF":
        return read_elf(data)
    return read_macho(data) if data[:4] == b"\xcf\xfa\xed\xfe" else read_coff(data)


def read_archive(archive):
    """The objects of an ar archive, without its index and table of names."""
    assert archive[:8] == b"!<arch>\n", archive[:8]
    at, objects = 8, []
    while at < len(archive):
        name, size = archive[at:at + 16].strip(), int(archive[at + 48:at + 58])
        data = archive[at + 60:at + 60 + size]
        if name.startswith(b"#1/"):  # BSD: the name stands before the data
            length = int(name[3:])
            name, data = data[:length].strip(b"\0"), data[length:]
        if name not in (b"/", b"//", b"__.SYMDEF", b"__.SYMDEF SORTED", b"/SYM64/"):
            objects.append(read_object(data))
        at += 60 + size + size % 2
    return objects


class Pointer:
    """A place in an archive's data, as C follows it."""

    def __init__(self, objects, object, section, offset):
        self.objects, self.object, self.section, self.offset = objects, object, section, offset

    @staticmethod
    def to(objects, name):
        (owner,) = [o for o in objects if name in o.symbols and o.symbols[name].section]
        symbol = owner.symbols[name]
        return Pointer(objects, owner, symbol.section, symbol.offset)

    def symbol(self, offset=0):
        """What the pointer there points to, by name; None where it is NULL."""
        at = self.section, self.offset + offset
        if at not in self.object.pointers:
            assert self.read("<Q", offset) == (0,), at
            return None
        return self.object.pointers[at]

    def follow(self, offset=0):
        name, addend = self.symbol(offset)
        return Pointer.to(self.objects, name) + addend

    def read(self, format, offset=0):
        return struct.unpack_from(format, self.object.sections[self.section], self.offset + offset)

    def text(self, offset=0):
        there = self.follow(offset)
        return text_at(there.object.sections[there.section], there.offset)

    def __add__(self, bytes):
        return Pointer(self.objects, self.object, self.section, self.offset + bytes)
