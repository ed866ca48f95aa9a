"""Writes the golden records of format version 1 from the article "Format" of UpsellStateLog, sharing no code with it.

usage: generate.py FOLDER    (v1 beside this file holds its output; libxxhash is Debian's libxxhash0)

Never run it over a released version's folder: those files are what older instances have written.
"""

import ctypes
import ctypes.util
import pathlib
import sys

xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash"))
xxhash.XXH3_64bits.restype = ctypes.c_uint64
xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def xxh3(data):
    return xxhash.XXH3_64bits(data, len(data))


def unsigned(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value):
    return unsigned(value * 2 if value >= 0 else -value * 2 - 1)


def fixed(value):
    return value.to_bytes(8, "little")


def flag(value):
    return b"\1" if value else b"\0"


def run(data):
    return unsigned(len(data)) + data


def text(value):
    return run(value.encode())


def optional(data):
    return flag(data is not None) + (run(data) if data is not None else b"")


def frame(magic, partition, epoch, part, parts, head, body):
    record = magic + b"\1" + b"".join(map(unsigned, (partition, epoch, part, parts))) + run(head) + run(body)
    return record + fixed(xxh3(record))


def configuration(sequence, content):
    return unsigned(sequence) + fixed(content)


CONFIGURATION = configuration(7, 0x0123456789ABCDEF)
WRITER = text("upselld-a")


def chunks():
    inputs = [
        (xxh3(b"upselld.usage"), 1_000, 1_250, 900, 1_248, 1_767_225_600_123, 0xFEDCBA9876543210),
        (xxh3(b"upselld.accounts"), 40, 40, 0, -1, 0, 0),
    ]
    head = unsigned(8) + flag(True) + unsigned(len(inputs))
    for topic, before, after, silent, offset, timestamp, checksum in inputs:
        head += fixed(topic) + b"".join(map(signed, (before, after, silent, offset, timestamp))) + fixed(checksum)
    head += signed(41) + CONFIGURATION + WRITER + signed(3_456)
    delta, slice_, catalogue = bytes(range(200, 224)), b"a class of state", b'{"v":1}\n'
    head += unsigned(3)
    head += b"\1" + unsigned(len(delta))
    head += b"\2" + unsigned(5) + unsigned(64) + unsigned(len(slice_))
    head += b"\3" + unsigned(len(catalogue))
    payload = delta + slice_ + catalogue
    return [frame(b"UPSC", 3, 300, i, 2, head, payload[30 * i : 30 * i + 30]) for i in range(2)]


def journal():
    steps = [
        b"\1\0" + fixed(xxh3(b"upselld.usage")) + signed(1_000) + signed(900),
        b"\6" + CONFIGURATION + optional(b'{"v":1}\n'),
        b"\2" + signed(1_767_225_600_500),
        b"\3\0" + signed(1_000) + signed(250),
        b"\4" + signed(40) + signed(1_767_225_600_400) + run(b"acct-1") + optional(b'{"plan":"pro"}'),
        b"\4" + signed(41) + signed(1_767_225_600_401) + run("größe".encode()) + optional(None),
        b"\6" + configuration(2**64 - 1, 0) + optional(None),
        b"\5" + signed(-62_135_596_800_000),
    ]
    return frame(b"UPSJ", 3, 300, 0, 1, WRITER + CONFIGURATION, unsigned(len(steps)) + b"".join(steps))


def control_journal():
    """Steps that came later, in a file of their own: the bytes of journal.hex stay."""
    value = b'{"action":"pause","rule":"api-calls","by":"ops@host","time":"2026-01-01T00:00:00Z"}'
    steps = [
        b"\2" + signed(1_767_225_600_500),
        b"\7" + signed(5) + signed(1_767_225_600_450) + run(value),
        b"\3\2" + signed(70) + signed(3),
        b"\7" + signed(6) + signed(-1) + run(b""),
    ]
    return frame(b"UPSJ", 3, 301, 0, 1, WRITER + CONFIGURATION, unsigned(len(steps)) + b"".join(steps))


def lines(data):
    digits = data.hex()
    return "".join(digits[i : i + 64] + "\n" for i in range(0, len(digits), 64))


folder = pathlib.Path(sys.argv[1])
for number, chunk in enumerate(chunks()):
    (folder / f"chunk-{number}.hex").write_text(lines(chunk))
(folder / "journal.hex").write_text(lines(journal()))
(folder / "journal-control.hex").write_text(lines(control_journal()))
(folder / "offset-mark.txt").write_text("upselld/1 epoch=300 state=3456 writer=upselld-a\n")
