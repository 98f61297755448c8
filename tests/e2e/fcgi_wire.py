# SPDX-License-Identifier: MIT
"""FastCGI 1.0 records as bytes, for the client and the stub server."""
import struct

BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST = 1, 2, 3
PARAMS, STDIN, STDOUT, STDERR, DATA = 4, 5, 6, 7, 8
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11

RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
KEEP_CONN = 1
REQUEST_COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = 0, 1, 2, 3


def record(kind, content=b"", request_id=1, padding=0, version=1):
    return struct.pack("!BBHHBB", version, kind, request_id, len(content),
                       padding, 0) + content + b"\0" * padding


def stream(kind, content, request_id=1, size=65535, padding=0):
    """The content in records of at most size bytes, and the empty one."""
    parts = [record(kind, content[at:at + size], request_id, padding)
             for at in range(0, len(content), size)]
    return b"".join(parts) + record(kind, b"", request_id)


def begin(role, flags=0, request_id=1):
    return record(BEGIN_REQUEST, struct.pack("!HB5x", role, flags), request_id)


def end(app_status=0, protocol_status=REQUEST_COMPLETE, request_id=1):
    return record(END_REQUEST, struct.pack("!LB3x", app_status,
                                           protocol_status), request_id)


def length(n):
    return bytes([n]) if n < 128 else struct.pack("!L", n | 0x80000000)


def pairs(params):
    """params: a dict, or (name, value) pairs where order or doubles matter."""
    out = []
    items = params.items() if isinstance(params, dict) else params
    for name, value in items:
        name = name if isinstance(name, bytes) else name.encode()
        value = value if isinstance(value, bytes) else value.encode()
        out.append(length(len(name)) + length(len(value)) + name + value)
    return b"".join(out)


def parse_pairs(content):
    found, at = [], 0

    def number(at):
        if content[at] < 128:
            return content[at], at + 1
        return struct.unpack_from("!L", content, at)[0] & 0x7fffffff, at + 4

    while at < len(content):
        name_len, at = number(at)
        value_len, at = number(at)
        name = content[at:at + name_len]
        value = content[at + name_len:at + name_len + value_len]
        at += name_len + value_len
        found.append((name.decode("latin-1"), value.decode("latin-1")))
    return found
