# SPDX-License-Identifier: MIT
"""Request targets that try to be read as another path than the one judged.

`corpus(me, you)` gives the same list of (family, method, target) for the same
two ids, target as bytes. `owners(target, ids)` says whose data a backend could
serve, however sloppily it decodes.
"""
import itertools
import random
import re
import string

SEED = 20250
SHOWN = b"/tasks"
CANONICAL = (string.ascii_letters + string.digits + "-_.~!$&'()*+,:=@").encode()

DOTS = [s.encode("latin-1") for s in (
    "..", ".%2e", "%2e.", "%2e%2e", "%2E%2E", "%2E%2e", "%252e%252e",
    "%25252e%25252e", ".%252e", "..;", "..;x=1", "..;/..", "..%3b", "..%00",
    "%00..", "..%20", "%20..", "..%09", "..%0a", "..%0d%0a", "...", "....",
    ".", "%2e", "..%5c..", "..\\..", "..%2f..", "../..", "%2e%2e%2f%2e%2e",
    "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae%f0%80%80%ae",
    "%uff0e%uff0e", "%u002e%u002e", "%ef%bc%8e%ef%bc%8e",
    "\xef\xbc\x8e\xef\xbc\x8e", "%c2%2e%c2%2e", "%%32%65%%32%65",
    "%2%65%2%65", "..%ff", "..?", "..#", "..%3f", "..%23", "0x2e0x2e",
    "&#46;&#46;", "%e2%80%a5", "~", "*")]

SEPARATORS = [s.encode("latin-1") for s in (
    "/", "//", "%2f", "%2F", "\\", "%5c", "%252f", "/./", ";/", "/;/",
    "%c0%af", "%u2215", "%ef%bc%8f", "/%2e/", "%00/", "%2f/")]

PREFIXES = [s.encode("latin-1") for s in (
    "/api/", "//api/", "///api/", "/./api/", "/../api/", "/x/../api/",
    "/%2e/api/", "/%2e%2e/api/", "/x/%2e%2e/api/", "/x%2f..%2fapi/",
    "/%61pi/", "/a%70i/", "/ap%69/", "/%61%70%69/", "/%2561pi/", "/api%2f",
    "/api%2F", "/api%252f", "/api\\", "\\api\\", "/api%5c", "%2fapi%2f",
    "/api//", "/api///", "/api/./", "/api/.//", "/api/%2e/", "/api/x/../",
    "/api/x/%2e%2e/", "/api/auth/../", "/api/auth/%2e%2e/", "/api/auth/..%2f",
    "/api/auth%2f..%2f", "/api/auth%2f../", "/api/auth/./../",
    "/api/auth//../", "/api/auth/ok/../../", "/api/auth/..;/",
    "/api/auth;/../", "/api/auth/x/..%2f../", "/api/auth\\..\\",
    "/api/auth/%5c..%5c", "/api/auth%00/../", "/api/auth?/../",
    "/api/auth#/../", "/API/", "/Api/", "/aPI/", "/api;/", "/api;x=1/",
    "/api;/../api/", "/api%20/", "/api%00/", "/ api/", "/%20api/", "/api./",
    "/api/%00/", "/_gate/../api/", "/_gate/%2e%2e/api/", "/index.html/../api/",
    "/page.js/..%2fapi/", "api/", "./api/", "../api/", "*/api/", "?/api/",
    "#/api/", "/?/api/", "/#/../api/", "/\xc3\xa4/../api/", "/%c0%af/api/",
    "/api/%c0%af", "/%ef%bc%8fapi/", "/\xef\xbd\x81pi/", "/%ef%bd%81pi/",
    "/cgi-bin/../api/", "/icons/../api/", "/api/{me}/../", "/api/{me}/%2e%2e/",
    "/api/{me}/..%2f", "/api/{me}/..;/", "/api/{me}%2f..%2f")]

SCHEMES = [b"http", b"HTTP", b"https", b"hTTp", b"ftp", b"file", b"ws", b""]
AUTHORITIES = [b"://127.0.0.1", b"://elsewhere.test", b"://", b":", b":/",
               b"://127.0.0.1:80", b"://{me}@127.0.0.1", b"://[::1]",
               b":///127.0.0.1", b"://127.0.0.1\\@x", b"://%31",
               b"://127.0.0.1#", b"://127.0.0.1?", b"://api"]

QUERIES = [s.encode("latin-1") for s in (
    "?", "??", "?x=1", "?/../{you}/tasks", "?/../../{you}/tasks",
    "?next=/api/{you}/tasks", "?%2f..%2f{you}", "?user_id={you}",
    "?user={you}&X-User-Id={you}", "?a=b?c=d", "?#", "?x#/../{you}",
    "?a=%00", "?a=%0d%0aX-User-Id:%20{you}", "?a=b;c=d", "?;/../{you}/tasks",
    "?\\..\\{you}", "?a[]=1&a[]=2", "?%", "?%zz", "?%2e%2e/{you}",
    "?\xc3\xa4", "?\xff", "?" + "q" * 4000, "?http://x/api/{you}/tasks",
    "?AUTHBRIDGE_MODE=metrics", "?access_token=x", "?_method=OPTIONS",
    "?a=b&a=/..;/{you}", "?+", "?%3f", "?*", "?|", "?'\"<>")]

METHODS = [b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"get",
           b"Get", b"TRACE", b"CONNECT", b"PROPFIND", b"MKCOL", b"COPY",
           b"MOVE", b"LOCK", b"SEARCH", b"LINK", b"PRI", b"G", b"GETT",
           b"M-SEARCH", b"X" * 60, b"\tGET", b"GE\x00T"]
SAFE_METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD")

TAILS = [b"/tasks", b"", b"/", b"/tasks/", b"/sub/", b"/index.html",
         b"/tasks?x=1", b"/tasks/1/complete"]


def escaped(text, form="%%%02x"):
    return b"".join((form % byte).encode() for byte in text)


def spellings(name):
    """A name as a decoder might still read it."""
    first, rest, middle = name[:1], name[1:], len(name) // 2
    yield name
    for form in ("%%%02x", "%%%02X", "%%25%02x", "%%u%04x", "%%c0%%%02x",
                 "&#%d;", "\\x%02x", "%%%%%02x", "=%02x"):
        yield escaped(first, form) + rest
        yield name[:-1] + escaped(name[-1:], form)
        yield escaped(name, form)
    wide = "".join(chr(0xfee0 + byte) for byte in first).encode()
    yield wide + rest
    yield escaped(wide) + rest
    overlong = bytes([0xc0 | first[0] >> 6, 0x80 | first[0] & 0x3f])
    yield overlong + rest
    yield escaped(overlong) + rest
    for changed in (name.upper(), name.lower(), name.swapcase(),
                    name[:middle].swapcase() + name[middle:]):
        if changed != name:
            yield changed
    for junk in (b".", b"..", b"%20", b" ", b"%00", b"\0", b"%09", b"%0a",
                 b"%0d%0a", b"+", b";", b";x=1", b";{me}", b"%3b", b",",
                 b"%2c", b"%23", b"#", b"?", b"%3f", b"%ff", b"\xff", b":",
                 b"::$DATA", b"~1", b"%u0000", b"%c0%80", b"\xe2\x80\x8b",
                 b"%e2%80%8b", b"\xcc\x81", b"@{me}", b"*", b"%7f", b"\x7f"):
        yield name + junk
        yield junk + name


def _journeys():
    """From one's own folder into the other's, over every dot and slash."""
    for number, (before, dots, after) in enumerate(itertools.product(
            SEPARATORS, DOTS, SEPARATORS)):
        yield (b"/api/{me}" + before + dots + after + b"{you}" +
               TAILS[number % 3 * 2])


def _bytes_everywhere():
    """Each byte, raw and escaped, at each place of a target."""
    places = [b"%s/api/{you}/tasks", b"/%sapi/{you}/tasks",
              b"/ap%si/{you}/tasks", b"/api%s/{you}/tasks",
              b"/api/%s{you}/tasks", b"/api/{you}%s/tasks",
              b"/api/{me}/%s/../{you}/tasks", b"/api/{me}/..%s/{you}/tasks",
              b"/api/{me}/tasks%s", b"/api/{me}%s/tasks", b"/api/%s{me}/tasks",
              b"/api/{me}/%s?x", b"/api/{me}/tasks?%s"]
    for value in range(256):
        raw = bytes([value])
        for form in (raw, b"%%%02x" % value, b"%%25%02X" % value):
            for place in places:
                yield place.replace(b"%s", form)


def _doors(you):
    """Each way in to each spelling of the other's id."""
    names = list(spellings(you))
    for number, (prefix, name) in enumerate(itertools.product(PREFIXES,
                                                              names)):
        yield prefix + name + TAILS[number % len(TAILS)]


def _absolute():
    for scheme, authority in itertools.product(SCHEMES, AUTHORITIES):
        for rest in (b"/api/{you}/tasks", b"/api/{me}/../{you}/tasks",
                     b"/api/{me}/tasks", b"//api/{you}/tasks",
                     b"/%61pi/{you}/tasks", b"/x/../api/{you}/tasks"):
            yield scheme + authority + rest


def _long():
    """Around 8,000 bytes, where servers and gate have their limits."""
    for size in (1000, 3900, 4095, 4096, 7900, 7999, 8000, 8001, 8100, 8191,
                 8192, 9000, 16000, 33000):
        for head, filler, tail in (
                (b"/api/{me}/", b"x", b""), (b"/api/{you}/", b"x", b""),
                (b"/api/{me}/", b"x/", b"../{you}/tasks"),
                (b"/api/{me}", b"/.", b"/../{you}/tasks"),
                (b"/api/{me}", b"/x/..", b"/../{you}/tasks"),
                (b"/api/", b"/", b"{you}/tasks"),
                (b"/api/{me}/", b"%41", b"/../../{you}/tasks"),
                (b"/api/{me}?", b"x", b"/../{you}"),
                (b"/api/{you};", b"x", b"/tasks"),
                (b"/", b"x", b"/../api/{you}/tasks")):
            yield head + filler * ((size - len(head) - len(tail))
                                   // len(filler)) + tail


def _own():
    """What must always be let through with the token of {me}."""
    choice = random.Random(SEED)
    for rest in (b"", b"/", b"/tasks", b"/tasks/", b"/tasks/1/complete",
                 b"/...", b"/.hidden", b"/..x", b"/x..", b"/.x/y.", b"/~",
                 b"/sub/", b"/api/auth/{you}", b"/{you}/tasks", b"/x" * 900):
        yield rest
    for value in CANONICAL:
        for form in (b"/a%sb", b"/tasks/%sx/y", b"/tasks%s"):
            yield form.replace(b"%s", bytes([value]))
    for _ in range(600):
        rest = b""
        for _ in range(choice.randrange(1, 6)):
            segment = bytes(choice.choices(CANONICAL, k=choice.randrange(1, 20)))
            rest += b"/" + (segment if segment.strip(b".") else b"x")
        yield rest + choice.choice([b"", b"/", b"?", b"?a=/../{you}&b=%2e"])


def _mutants(count):
    """Seeded damage: insert, replace, cut, double, swap."""
    choice = random.Random(SEED + 1)
    bases = [b"/api/{you}/tasks", b"/api/{me}/../{you}/tasks",
             b"/api/{me}/tasks", b"/api/auth/../{you}/tasks",
             b"/api/{me}/%2e%2e/{you}/tasks"]
    pieces = DOTS + SEPARATORS + [b"{me}", b"{you}", b"api", b"auth", b"%",
                                  b";", b"?", b"#", b"\0", b" ", b"\xff"]
    for _ in range(count):
        # An id is one letter here, so that no damage hits its inside alone.
        text = choice.choice(bases).replace(b"{me}", b"\1").replace(b"{you}",
                                                                    b"\2")
        for _ in range(choice.randrange(1, 4)):
            at = choice.randrange(len(text) + 1)
            end = min(len(text), at + choice.randrange(3))
            text = choice.choice([
                text[:at] + choice.choice(pieces) + text[at:],
                text[:at] + choice.choice(pieces) + text[end:],
                text[:at] + text[end:], text[:end] + text[at:],
                text[:at] + escaped(text[at:end]) + text[end:]])
        yield text.replace(b"\1", b"{me}").replace(b"\2", b"{you}")


def _templates(you):
    for family, targets in (("journey", _journeys()),
                            ("byte", _bytes_everywhere()),
                            ("door", _doors(you)), ("absolute", _absolute()),
                            ("long", _long()), ("mutant", _mutants(3000))):
        for target in targets:
            yield family, b"GET", target
    for rest in _own():
        yield "own", b"GET", b"/api/{me}" + rest
    for query, base in itertools.product(QUERIES, (
            b"/api/{me}/tasks", b"/api/{you}/tasks", b"/api/{me}",
            b"/api/{me}/../{you}/tasks", b"/api/auth/ok", b"/")):
        yield "query", b"GET", base + query
    for method, base in itertools.product(METHODS, (
            b"/api/{me}/tasks", b"/api/{you}/tasks", b"/api/{me}", b"*",
            b"/api/{me}/../{you}/tasks", b"/api/{me}/%2e%2e/{you}/tasks",
            b"//api/{you}/tasks", b"/api/auth/../{you}/tasks", b"127.0.0.1:80",
            b"http://127.0.0.1/api/{you}/tasks")):
        yield "method", method, base


def corpus(me, you):
    found = {}
    for family, method, target in _templates(you):
        target = target.replace(b"{me}", me).replace(b"{you}", you)
        found.setdefault((method, target), family)
    return [(family, method, target)
            for (method, target), family in found.items()]


def is_canonical(target):
    path = target.partition(b"?")[0]
    segments = path.split(b"/")
    return (path[:1] == b"/" and len(target) <= 8000 and
            all(byte in CANONICAL + b"/" for byte in path) and
            b"" not in segments[1:-1] and
            not {b".", b".."} & set(segments))


# --- what a backend could make of a target ---

def _decoded(text):
    return re.sub(rb"%([0-9a-fA-F]{2})",
                  lambda m: bytes([int(m[1], 16)]), text)


def _wide_decoded(text):
    return re.sub(rb"%u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16))
                  .encode("utf-8", "surrogatepass"), text)


def _folded_utf8(text):
    """Overlong forms and full-width letters as what they look like."""
    text = re.sub(rb"[\xc0\xc1]([\x80-\xbf])", lambda m: bytes(
        [(m[0][0] & 1) << 6 | m[1][0] & 0x3f]), text)
    text = re.sub(rb"(?:\xe0\x80|\xf0\x80\x80)([\x80-\xbf])",
                  lambda m: bytes([m[1][0] & 0x3f]), text)
    return re.sub(rb"\xef[\xbc\xbd][\x80-\xbf]", lambda m: bytes(
        [ord(m[0].decode()) - 0xfee0 & 0x7f]), text)


def _without_parameters(text):
    return b"/".join(part.partition(b";")[0] for part in text.split(b"/"))


def _resolved(text):
    out = []
    for part in text.split(b"/"):
        if part == b"..":
            del out[-1:]
        elif part not in (b"", b"."):
            out.append(part)
    return b"/" + b"/".join(out)


_DEEDS = [_decoded, _wide_decoded, _folded_utf8, _without_parameters,
          _resolved,
          lambda text: text.replace(b"\\", b"/"),
          lambda text: re.sub(rb"/{2,}", b"/", text),
          lambda text: re.sub(rb"^[A-Za-z]+:/*[^/]*", b"", text),
          lambda text: text.partition(b"#")[0],
          lambda text: text.partition(b"\0")[0],
          lambda text: b"/".join(part.strip(b" \t\r\n.+\x7f")
                                 if part.strip(b".") else part
                                 for part in text.split(b"/"))]


def readings(target, deeds=6):
    """Everything that up to that many deeds, in any order, make of a path."""
    seen = {target.partition(b"?")[0]}
    latest = set(seen)
    for _ in range(deeds):
        latest = {deed(text) for text in latest for deed in _DEEDS} - seen
        seen |= latest
        if not latest:
            break
    return seen


def owners(target, ids):
    """Which of the ids could be taken for the one whose data is asked for."""
    known = {name.lower(): name for name in ids}
    found = set()
    for path in readings(target):
        parts = [part.lower() for part in path.split(b"/")]
        for at, part in enumerate(parts[:-1]):
            # The first of several empty parts counts as absent, too.
            if part == b"api" and not any(parts[:at]):
                rest = parts[at + 1:]
                found.update(known[name] for name in (
                    rest[0], next(filter(None, rest), b"")) if name in known)
    return found
