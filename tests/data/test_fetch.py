"""Fetching MNIST from a server on this machine that answers rightly, wrongly or not at all."""

import contextlib
import errno
import gzip
import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import minigrad.data.__main__ as command
import minigrad.data.fetch as fetching
from minigrad.data import digits, mnist
from tests.data.tiny_mnist import CONTENT, GZIPPED, assert_read, write

FIRST, *OTHERS = CONTENT
LARGEST = 10_000  # bytes that a file may have in these tests


# ---------------------------------------------------------------------------------------------- the servers
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.name = Path(self.path).stem
        self.server.requested.append(self.name)
        self.server.answer(self)

    def send(self, content, **headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that hangs up is part of these tests."""


@contextlib.contextmanager
def serving(answer):
    """A server that answers each request by `answer(handler)`; yields its address and the names asked for."""
    server = Server(("127.0.0.1", 0), Handler)
    server.answer, server.requested, server.stopped = answer, [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.requested
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def right(handler):
    handler.send(GZIPPED[handler.name], Content_Length=len(GZIPPED[handler.name]))


def not_found(handler):
    handler.send_error(404)


def broken(handler):
    handler.send_error(503)


def cut_off(handler):
    content = GZIPPED[handler.name]
    handler.send(content[:-7], Content_Length=len(content))


def cut_off_without_a_length(handler):
    handler.send(GZIPPED[handler.name][:-7])


def cut_off_in_a_chunk(handler):
    handler.protocol_version = "HTTP/1.1"
    handler.send(b"ff\r\nonly this", Transfer_Encoding="chunked")


def another_file(handler):
    handler.send(gzip.compress(b"another file"))


def a_page(handler):
    handler.send(b"<html>Please log in</html>", Content_Type="text/html")


def endless(handler):
    handler.send(gzip.compress(b"") + bytes(50 * LARGEST))


def silent(handler):
    handler.server.stopped.wait(20)


def hung_up(handler):
    handler.close_connection = True


def not_http(handler):
    handler.wfile.write(b"220 mail.example ESMTP\r\n")


FAILURES = {  # how the server answers, and the words that tell it; None is an address at which no server listens
    "404": (not_found, "HTTP 404"),
    "503": (broken, "HTTP 503"),
    "cut off": (cut_off, r"cut off after \d+ of \d+ bytes"),
    "cut off without a length": (cut_off_without_a_length, "does not unzip"),
    "cut off in a chunk": (cut_off_in_a_chunk, "IncompleteRead"),
    "another file": (another_file, r"has the SHA-256 \w{12}\.\.\. instead of \w{12}"),
    "a page": (a_page, r"has the SHA-256 \w{12}\.\.\. instead of \w{12}"),
    "endless": (endless, "more than 10,000 bytes came"),
    "silent": (silent, "timed out"),
    "hung up": (hung_up, "closed connection without response"),
    "not HTTP": (not_http, "220 mail.example ESMTP"),
    "not there": (None, "refused"),
}


@pytest.fixture(params=FAILURES.values(), ids=FAILURES)
def failing(request):
    """The address of a server that fails, the words that its failure is told with, and how long to wait for it."""
    answer, words = request.param
    timeout = 0.1 if answer is silent else 60
    if answer is None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{unheard.getsockname()[1]}", words, timeout
    else:
        with serving(answer) as (url, _):
            yield url, words, timeout


@pytest.fixture
def mirror():
    """The address of a server that has the right files, and the names that it was asked for."""
    with serving(right) as started:
        yield started


@pytest.fixture(autouse=True)
def tiny_files(monkeypatch):
    """The tiny data set is the one that fetch() looks for."""
    monkeypatch.setattr(fetching, "FILES", {name: hashlib.sha256(c).hexdigest() for name, c in CONTENT.items()})
    monkeypatch.setattr(fetching, "LARGEST", LARGEST)


def fetch(root, *mirrors, timeout=60):
    fetching.fetch(root, mirrors, timeout)


def fail_to_fetch(root, url, timeout=60):
    with pytest.raises(OSError) as caught:
        fetch(root, url, timeout=timeout)
    return str(caught.value)


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


FETCHED = {f"{name}.gz": content for name, content in GZIPPED.items()}


# ---------------------------------------------------------------------------------------------- a server that is right
def test_fetch_puts_the_four_files_into_the_folder(tmp_path, mirror):
    fetch(tmp_path, mirror[0])
    assert files_in(tmp_path) == FETCHED


def test_mnist_reads_what_was_fetched(tmp_path, mirror):
    fetch(tmp_path, mirror[0])
    assert_read(mnist(tmp_path))


def test_fetch_makes_the_folder(tmp_path, mirror):
    fetch(tmp_path / "some" / "folder", mirror[0])
    assert files_in(tmp_path / "some" / "folder") == FETCHED


def test_a_mirror_may_end_in_a_slash(tmp_path, mirror):
    fetch(tmp_path, mirror[0] + "/")
    assert files_in(tmp_path) == FETCHED


def test_a_server_may_unzip_what_it_sends(tmp_path):
    with serving(lambda handler: handler.send(CONTENT[handler.name])) as (url, _):
        fetch(tmp_path, url)
    assert_read(mnist(tmp_path))


def test_no_file_has_its_name_before_it_is_whole(tmp_path):
    seen = []

    def slow(handler):
        content = GZIPPED[handler.name]
        handler.send(content[:20], Content_Length=len(content))
        handler.wfile.flush()
        seen.append((tmp_path / f"{handler.name}.gz").exists())
        handler.wfile.write(content[20:])

    with serving(slow) as (url, _):
        fetch(tmp_path, url)
    assert seen == [False] * 4


# ---------------------------------------------------------------------------------------------- servers that fail
def test_a_failure_is_an_os_error_that_names_the_address_and_the_reason(tmp_path, failing):
    url, words, timeout = failing
    assert re.search(rf"{re.escape(url)}/{FIRST}\.gz: .*{words}", fail_to_fetch(tmp_path, url, timeout))


def test_a_failure_leaves_no_file(tmp_path, failing):
    url, _, timeout = failing
    fail_to_fetch(tmp_path, url, timeout)
    assert files_in(tmp_path) == {}


def test_a_failure_keeps_the_files_that_are_right(tmp_path, failing):
    url, _, timeout = failing
    (tmp_path / f"{FIRST}.gz").write_bytes(GZIPPED[FIRST])
    fail_to_fetch(tmp_path, url, timeout)
    assert files_in(tmp_path) == {f"{FIRST}.gz": GZIPPED[FIRST]}


@pytest.mark.parametrize("answer", [not_found, cut_off, another_file])
def test_the_next_mirror_is_asked_where_one_fails(tmp_path, mirror, answer):
    with serving(answer) as (url, _):
        fetch(tmp_path, url, mirror[0])
    assert files_in(tmp_path) == FETCHED


def test_the_next_mirror_is_not_asked_where_one_is_right(tmp_path, mirror):
    with serving(not_found) as (url, requested):
        fetch(tmp_path, mirror[0], url)
    assert requested == []


def test_a_failure_names_every_mirror(tmp_path):
    with serving(not_found) as (one, _), serving(another_file) as (two, _), pytest.raises(OSError) as caught:
        fetch(tmp_path, one, two)
    assert re.search(rf"{one}/{FIRST}\.gz: HTTP 404\n +{two}/{FIRST}\.gz: .*SHA-256", str(caught.value))


def test_an_address_that_is_none_is_an_os_error(tmp_path):
    assert "example" in fail_to_fetch(tmp_path, "example")


def test_a_disk_that_is_full_leaves_no_file(tmp_path, mirror, monkeypatch):
    def write_bytes(path, content):
        with open(path, "wb") as file:
            file.write(content[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match="No space left"):
        fetch(tmp_path, mirror[0])
    assert files_in(tmp_path) == {}


# ---------------------------------------------------------------------------------------------- what is there already
@pytest.mark.parametrize("gzipped", [list(CONTENT), []], ids=["gzipped", "plain"])
def test_a_right_file_is_not_asked_for(tmp_path, mirror, gzipped):
    url, requested = mirror
    write(tmp_path, gzipped)
    fetch(tmp_path, url)
    assert requested == []


def test_only_the_missing_files_are_asked_for(tmp_path, mirror):
    url, requested = mirror
    (tmp_path / f"{FIRST}.gz").write_bytes(GZIPPED[FIRST])
    fetch(tmp_path, url)
    assert requested == OTHERS


@pytest.mark.parametrize(
    "content", [b"", GZIPPED[FIRST][:-9], gzip.compress(b"another file")], ids=["empty", "cut off", "another"]
)
def test_a_damaged_file_is_replaced(tmp_path, mirror, content):
    write(tmp_path)
    (tmp_path / f"{FIRST}.gz").write_bytes(content)
    fetch(tmp_path, mirror[0])
    assert files_in(tmp_path) == FETCHED


@pytest.mark.parametrize("gzipped", [True, False], ids=["a right gzipped one", "none gzipped"])
def test_mnist_reads_after_fetching_where_a_plain_file_is_damaged(tmp_path, mirror, gzipped):
    write(tmp_path, list(CONTENT) if gzipped else OTHERS)
    (tmp_path / FIRST).write_bytes(b"damaged")
    fetch(tmp_path, mirror[0])
    assert_read(mnist(tmp_path))


def test_mnist_reads_after_fetching_where_a_gzipped_file_beside_a_right_plain_one_is_damaged(tmp_path, mirror):
    write(tmp_path, gzipped=[])
    (tmp_path / f"{FIRST}.gz").write_bytes(b"damaged")
    fetch(tmp_path, mirror[0])
    assert_read(mnist(tmp_path))


# ---------------------------------------------------------------------------------------------- only when asked to
class Connected(BaseException):
    """What a connection raises in a test in which none may be made; no `except Exception` hides it."""


@pytest.fixture
def no_network(monkeypatch):
    def connect(*arguments):
        raise Connected

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


def test_digits_makes_no_connection(no_network):
    digits()


def test_mnist_makes_no_connection_where_files_are_missing(tmp_path, no_network):
    with pytest.raises(FileNotFoundError):
        mnist(tmp_path)


def test_importing_makes_no_connection():
    code = """if True:
        import sys
        def hook(event, arguments):
            if event in ("socket.connect", "socket.getaddrinfo"):
                sys.exit(event)
        sys.addaudithook(hook)
        import minigrad, minigrad.data, minigrad.data.fetch
    """
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------------------------------------- the command
def test_the_command_fetches_and_exits_with_0(tmp_path, mirror):
    assert (command.main(["--root", str(tmp_path), "--mirror", mirror[0]]), files_in(tmp_path)) == (0, FETCHED)


def test_the_command_says_how_to_read_what_it_fetched(tmp_path, mirror, capsys):
    command.main(["--root", str(tmp_path), "--mirror", mirror[0]])
    assert f"minigrad.data.mnist({str(tmp_path)!r})" in capsys.readouterr().out.splitlines()[-1]


def test_the_command_exits_with_2_where_fetching_fails(tmp_path):
    with serving(not_found) as (url, _):
        assert command.main(["--root", str(tmp_path), "--mirror", url]) == 2


def test_the_command_tells_a_failure_in_one_message(tmp_path, capsys):
    with serving(not_found) as (url, _):
        command.main(["--root", str(tmp_path), "--mirror", url])
    said = capsys.readouterr()
    expected = (
        f"minigrad.data: {FIRST} could not be fetched:\n  {url}/{FIRST}.gz: HTTP 404\n"
        f"put MNIST's four files into {tmp_path} by hand; the embedded digits() need no download\n"
    )
    assert (said.out, said.err) == ("", expected)


def test_the_command_exits_with_2_where_the_folder_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert command.main(["--root", str(tmp_path / "file"), "--mirror", "http://127.0.0.1:1"]) == 2


def test_the_command_asks_several_mirrors(tmp_path, mirror):
    with serving(not_found) as (url, _):
        assert command.main(["--root", str(tmp_path), "--mirror", url, "--mirror", mirror[0]]) == 0


def test_the_command_asks_the_known_mirrors_unless_told(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "fetch", lambda *arguments: asked.append(arguments))
    command.main([])
    assert asked == [("data/mnist", fetching.MIRRORS)]


def test_the_command_exits_with_130_where_it_is_interrupted(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "fetch", interrupted)
    assert command.main([]) == 130


def test_an_unknown_option_exits_with_2():
    with pytest.raises(SystemExit) as caught:
        command.main(["--no-such-option"])
    assert caught.value.code == 2


@pytest.fixture(scope="module")
def failed_process(tmp_path_factory):
    """The command in a process of its own with a server that has nothing, and the folder that it ran in."""
    folder = tmp_path_factory.mktemp("process")
    with serving(not_found) as (url, _):
        run = [sys.executable, "-m", "minigrad.data", "--root", "mnist", "--mirror", url]
        here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.run(run, cwd=folder, env=here, capture_output=True, text=True), folder


def test_a_process_that_cannot_fetch_exits_with_2(failed_process):
    assert failed_process[0].returncode == 2


def test_a_process_that_cannot_fetch_leaves_no_file(failed_process):
    assert files_in(failed_process[1]) == {}


def test_a_process_that_cannot_fetch_shows_a_message_and_no_traceback(failed_process):
    message = r"minigrad\.data: .* could not be fetched:\n +http://127\.0\.0\.1:\d+/.*: HTTP 404\nput .*\n"
    assert re.fullmatch(message, failed_process[0].stderr)


def test_a_small_file_that_unzips_without_end_is_refused(tmp_path, monkeypatch):
    """More than LARGEST bytes are not even unzipped."""
    monkeypatch.setattr(fetching, "LARGEST", LARGEST)
    content = bytes(LARGEST + 1)
    monkeypatch.setitem(fetching.FILES, FIRST, hashlib.sha256(content).hexdigest())
    with serving(lambda handler: handler.send(gzip.compress(content))) as (url, _):
        with pytest.raises(OSError, match="SHA-256"):
            fetching.fetch(tmp_path, [url])
    assert list(tmp_path.iterdir()) == []
