"""Records: one change of the store each, and the same bytes on disk and between nodes.

    checksum (4 bytes) | length of the rest (4) | operation (1) | key length (4) | key | value

The length makes any byte legal in a value; the checksum exposes a record that was cut
short or never fully reached the disk. It covers the length too: otherwise a tail of
zeros would read as a row of valid empty records.

A snapshot is a STATE record, which says whose state it is and how much belongs to it,
and then a PUT for each key.
"""

import os
import struct
import zlib

PUT, DELETE, CLEAR, STATE = 1, 2, 3, 4
FRAME = struct.Struct(">II")
FIELDS = struct.Struct(">BI")
STATE_FIELDS = struct.Struct(">QQ")  # position, number of keys


def encode(operation, key=b"", value=b""):
    rest = FIELDS.pack(operation, len(key)) + key + value
    length = struct.pack(">I", len(rest))
    return struct.pack(">I", zlib.crc32(rest, zlib.crc32(length))) + length + rest


def decode(record):
    """Returns operation, key and value of an intact record."""
    operation, key_length = FIELDS.unpack_from(record, FRAME.size)
    key_start = FRAME.size + FIELDS.size
    key_end = key_start + key_length
    return operation, record[key_start:key_end], record[key_end:]


def apply(data, record):
    operation, key, value = decode(record)
    if operation == PUT:
        data[key] = value
    elif operation == DELETE:
        data.pop(key, None)
    elif operation == CLEAR:
        data.clear()


def read_records(file):
    """Yields the records of a file, from its start up to the first that is not intact."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    while True:
        frame = file.read(FRAME.size)
        if len(frame) < FRAME.size:
            return
        checksum, length = FRAME.unpack(frame)
        if not FIELDS.size <= length <= size - file.tell():
            return
        rest = file.read(length)
        if zlib.crc32(rest, zlib.crc32(frame[4:])) != checksum:
            return
        yield frame + rest


def encode_snapshot(history, position, data):
    """Yields the records of a snapshot."""
    yield encode(STATE, history, STATE_FIELDS.pack(position, len(data)))
    for key, value in data.items():
        yield encode(PUT, key, value)


def decode_snapshot(file):
    """Returns history, position and data, or raises ValueError if part of them is missing."""
    records = read_records(file)
    operation, history, counts = decode(next(records, encode(PUT)))
    if operation != STATE:
        raise ValueError("it does not begin like a snapshot")
    position, keys = STATE_FIELDS.unpack(counts)
    data = {}
    for record in records:
        apply(data, record)
    if len(data) != keys:
        raise ValueError(f"only {len(data)} of its {keys} keys are readable")
    return history, position, data
