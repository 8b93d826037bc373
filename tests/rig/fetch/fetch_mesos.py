#!/usr/bin/env python3
"""Fetches the published Mesos 1.11.0 binary into a cache folder.

usage: fetch_mesos.py FOLDER [ARCHIVE]

The archive comes through the user's own pip: same index, proxy, certificates, credentials and
find-links folders, because pip's parsed options and its own HTTP session are used. `pip download`
itself refuses the archive, whose file name carries an old style of version. With ARCHIVE given,
that file is used and nothing is fetched.

The archive and the one member that is kept are checked against pinned sha256 sums. The member
appears in FOLDER under its final name only when it is complete.

Standard output is one JSON object per line: {"progress": TEXT} while it works, then
{"done": PATH} or {"error": KIND, "message": TEXT}, where KIND is one of no-pip, unreachable,
not-listed, corrupt, disk.
"""

import hashlib
import json
import os
import re
import sys
import tarfile
import tempfile
from urllib.parse import urldefrag, urljoin

PROJECT = "mesos-scheduler"
ARCHIVE = "mesos.scheduler-1.11.0.linux-x86_64.tar.gz"
ARCHIVE_BYTES = 27_339_052
ARCHIVE_SHA256 = "1d376f20bca6d05ee8b90c1c123a452b28753497ccc2f1c80ea3ac94c12e8f6e"
MEMBER = "_scheduler.so"
MEMBER_SUFFIX = "mesos/scheduler/_scheduler.so"
MEMBER_SHA256 = "84d7ee9af27e912636b139de40257df1ee4f56c201de6bba834278aa1e8fd64c"
BLOCK_BYTES = 1 << 20
# As pip asks for index pages: JSON rather than HTML, and not from its cache.
INDEX_HEADERS = {
    "Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5",
    "Cache-Control": "max-age=0",
}


class FetchError(Exception):
    """What went wrong, with the kind the caller turns into its own error."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def say(**line):
    print(json.dumps(line), flush=True)


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(BLOCK_BYTES), b""):
            digest.update(block)
    return digest.hexdigest()


def require_sum(path, expected, what):
    """Refuses a file with another content than the pinned one, naming both."""
    found = sha256_of(path)
    if found != expected:
        size = os.path.getsize(path)
        raise FetchError(
            "corrupt", f"{what} is not the published file: {size} bytes with sha256 {found}, expected {expected}"
        )


def pip_download_command():
    try:
        from pip._internal.commands import create_command
    except ImportError as error:
        raise FetchError("no-pip", f"{sys.executable} has no usable pip ({error})") from error
    return create_command("download")


def links_of(page):
    """File links of an index page, JSON or HTML, as absolute addresses without their fragments."""
    if "json" in page.headers.get("Content-Type", ""):
        links = [file["url"] for file in page.json()["files"]]
    else:
        links = [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', page.text)]
    return [urldefrag(urljoin(page.url, link))[0] for link in links]


def store(response, path):
    stored = 0
    next_report = 0
    with open(path, "wb") as file:
        for block in response.iter_content(BLOCK_BYTES):
            file.write(block)
            stored += len(block)
            if stored >= next_report:
                say(progress=f"fetching {ARCHIVE}: {stored >> 20} of {ARCHIVE_BYTES >> 20} MiB")
                next_report = stored + 5 * BLOCK_BYTES


def find_link(session, indexes):
    """Address of the archive, from the first configured index that lists it."""
    answers = []
    for index in indexes:
        page = session.get(f"{index.rstrip('/')}/{PROJECT}/", headers=INDEX_HEADERS)
        if page.status_code != 200:
            answers.append(f"HTTP {page.status_code}")
            continue
        for link in links_of(page):
            if link.rsplit("/", 1)[-1] == ARCHIVE:
                return link
        answers.append("file not listed")
    raise FetchError(
        "not-listed", f"none of pip's {len(indexes)} configured indexes offers {ARCHIVE} ({', '.join(answers)})"
    )


def fetch(path):
    """The archive's path: in one of pip's find-links folders, or `path` after a download."""
    command = pip_download_command()
    options, _ = command.parse_args([])
    for folder in options.find_links:
        found = os.path.join(folder, ARCHIVE)
        if os.path.isfile(found):
            return found
    if options.no_index:
        raise FetchError("not-listed", f"pip is told to use no index, and no find-links folder holds {ARCHIVE}")
    with command.main_context():
        session = command.get_default_session(options)
        try:
            link = find_link(session, [options.index_url, *options.extra_index_urls])
            with session.get(link, stream=True, headers={"Accept-Encoding": "identity"}) as response:
                response.raise_for_status()
                store(response, path)
        except FetchError:
            raise
        except Exception as error:  # pip's vendored HTTP library has its own, private exception classes
            raise FetchError("unreachable", f"pip's configured index: {type(error).__name__}: {error}") from error
    return path


def unpack(archive, path):
    with tarfile.open(archive) as members:
        member = next((m for m in members if m.name.endswith(MEMBER_SUFFIX)), None)
        if member is None:
            raise FetchError("corrupt", f"{archive} holds no {MEMBER_SUFFIX}")
        source = members.extractfile(member)
        with open(path, "wb") as file:
            for block in iter(lambda: source.read(BLOCK_BYTES), b""):
                file.write(block)


def provide(folder, archive):
    binary = os.path.join(folder, MEMBER)
    if os.path.exists(binary):
        try:
            require_sum(binary, MEMBER_SHA256, f"the cached {binary}")
            return binary
        except FetchError as error:
            say(progress=f"{error}; fetching it again")
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="incoming-") as incoming:
        if archive is None:
            archive = fetch(os.path.join(incoming, ARCHIVE))
        elif not os.path.isfile(archive):
            raise FetchError("corrupt", f"{archive} does not exist or is no file")
        say(progress=f"checking and unpacking {ARCHIVE}")
        require_sum(archive, ARCHIVE_SHA256, archive)
        unpacked = os.path.join(incoming, MEMBER)
        unpack(archive, unpacked)
        require_sum(unpacked, MEMBER_SHA256, f"{MEMBER_SUFFIX} in {archive}")
        os.replace(unpacked, binary)
    return binary


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    try:
        say(done=provide(arguments[0], arguments[1] if len(arguments) == 2 else None))
    except FetchError as error:
        say(error=error.kind, message=str(error))
        sys.exit(1)
    except OSError as error:
        say(error="disk", message=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
