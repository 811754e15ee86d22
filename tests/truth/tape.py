"""Reads a tape by docs/TAPE.md alone: the header, the blocks, their records.

Decompression is by whatever zstd there is: Python's own (3.14), the package, the library or the command.
"""

import ctypes
import ctypes.util
import json
import shutil
import struct
import subprocess
import zlib


class Unreadable(Exception):
    """The bytes are not what docs/TAPE.md says."""


class NoZstd(Exception):
    """Nothing here can open a zstd frame."""


def _by_module():
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        import zstandard as zstd

        return lambda packed, length: zstd.ZstdDecompressor().decompress(packed, length)
    return lambda packed, length: zstd.decompress(packed)


def _by_library():
    name = ctypes.util.find_library("zstd") or "libzstd.so.1"
    library = ctypes.CDLL(name)
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]

    def unpack(packed, length):
        out = ctypes.create_string_buffer(length)
        got = library.ZSTD_decompress(out, length, packed, len(packed))
        if got != length:
            raise Unreadable(f"a block unpacks to {got} bytes instead of {length}")
        return out.raw

    return unpack


def _by_command():
    if shutil.which("zstd") is None:
        raise OSError("no zstd command")

    def unpack(packed, _length):
        return subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout

    return unpack


def unpacker():
    """The first way that works here."""
    for way in (_by_module, _by_library, _by_command):
        try:
            return way()
        except (ImportError, OSError, AttributeError):
            continue
    raise NoZstd("neither Python, a library nor a command opens zstd frames")


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def read(path):
    """Returns the metadata, every record as (kind, rx_ns, payload), and the summary of a finished tape."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != b"PWTAPE\x00\x01":
        raise Unreadable("no tape of version 1")
    length, crc = struct.unpack_from("<II", data, 8)
    meta = data[16 : 16 + length]
    if zlib.crc32(meta) != crc:
        raise Unreadable("the metadata does not check")
    unpack, records, at = unpacker(), [], 16 + length
    while data[at : at + 4] == b"PWBL":
        packed, raw, count, first_rx, last_rx, crc = struct.unpack_from("<IIIQQI", data, at + 4)
        body = data[at + 36 : at + 36 + packed]
        if zlib.crc32(data[at : at + 32] + body) != crc:
            raise Unreadable(f"the block at {at} does not check")
        block = unpack(body, raw)
        place, rx, rows = 0, first_rx, 0
        while place < len(block):
            kind = block[place]
            step, place = _varint(block, place + 1)
            rx = (rx + ((step >> 1) ^ -(step & 1))) & ((1 << 64) - 1)
            size, place = _varint(block, place)
            records.append((kind, rx, block[place : place + size]))
            place += size
            rows += 1
        if rows != count or (count and rx != last_rx):
            raise Unreadable(f"the block at {at} has other records than it says")
        at += 36 + packed
    summary = None
    if data[at : at + 4] == b"PWEN":
        body_length, crc = struct.unpack_from("<II", data, at + 4)
        body = data[at + 12 : at + 12 + body_length]
        if zlib.crc32(body) != crc:
            raise Unreadable("the trailer does not check")
        (size,) = struct.unpack_from("<I", body, 0)
        summary = json.loads(body[4 : 4 + size])
    return json.loads(meta), records, summary
