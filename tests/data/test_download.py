import functools
import hashlib
import http.server
import tarfile
import threading
from dataclasses import replace
from typing import ClassVar

import pytest

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import cifar, load, load_test


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    requests: ClassVar[list[str]] = []

    def do_GET(self):
        self.requests.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a server on this machine for the files in ``tmp_path / 'served'``."""
    (tmp_path / "served").mkdir()
    QuietHandler.requests = []
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def served(tmp_path, tiny_cifar, server, monkeypatch):
    """CIFAR-10, a few images of it, as an archive on the server, and an empty cache."""
    layout = cifar.LAYOUTS["cifar10"]
    archive = tmp_path / "served" / "cifar-10-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tiny_cifar / layout.folder, layout.folder)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", replace(layout, url=f"{server}/{archive.name}", md5=md5))
    monkeypatch.setattr(cifar, "cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_the_archive_is_downloaded_once_and_read_from_the_cache_after(served):
    assert len(load("cifar10").train) == 180
    assert len(load("cifar10").train) == 180
    assert len(load_test("cifar10")) == 20
    assert QuietHandler.requests == ["/cifar-10-binary.tar.gz"]


def test_the_cache_can_be_named_as_data_dir_later(served):
    load("cifar10")
    assert len(load("cifar10", served).train) == 180


def test_progress_is_told_in_bytes_up_to_the_end(served):
    seen = []
    load("cifar10", progress=lambda *report: seen.append(report))
    size = (served / "cifar-10-binary.tar.gz").stat().st_size
    assert seen[-1] == ("downloading cifar-10-binary.tar.gz", size, size)
    assert all(0 < done <= total == size for _, done, total in seen)


def test_a_file_deleted_from_the_cache_comes_back_from_the_archive(served):
    load("cifar10")
    (served / "cifar-10-batches-bin" / "data_batch_1.bin").unlink()
    assert len(load("cifar10").train) == 180
    assert len(QuietHandler.requests) == 1


def test_a_damaged_file_in_the_cache_says_to_delete_it(served):
    load("cifar10")
    path = served / "cifar-10-batches-bin" / "data_batch_1.bin"
    path.write_bytes(b"short")
    with pytest.raises(DataError, match=rf"{path} is 5 bytes, wanted 122,920 bytes; delete {path.parent} and run"):
        load("cifar10")


def assert_one_line_that_names_data_dir(error):
    text = str(error.value)
    assert "\n" not in text
    assert "--data-dir" in text


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(served, monkeypatch):
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", replace(cifar.LAYOUTS["cifar10"], md5="0" * 32))
    with pytest.raises(DataError, match=r"is damaged: its MD5 checksum is not 0{32}") as error:
        load("cifar10")
    assert_one_line_that_names_data_dir(error)
    assert not list(served.rglob("*.bin"))
    assert not list(served.glob("*.tar.gz"))


def test_a_file_that_the_server_does_not_have_is_one_line(served, server, monkeypatch):
    url = f"{server}/none.tar.gz"
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", replace(cifar.LAYOUTS["cifar10"], url=url))
    with pytest.raises(DataError, match=rf"cannot download {url} \(HTTP status 404\); try again, or") as error:
        load("cifar10")
    assert_one_line_that_names_data_dir(error)


def test_no_network_is_one_line(served, monkeypatch):
    url = "http://127.0.0.1:9/cifar-10-binary.tar.gz"  # the discard port: nobody listens
    monkeypatch.setitem(cifar.LAYOUTS, "cifar10", replace(cifar.LAYOUTS["cifar10"], url=url))
    with pytest.raises(DataError, match=rf"cannot download {url} \(ConnectionError\)") as error:
        load("cifar10")
    assert_one_line_that_names_data_dir(error)


def test_a_data_dir_without_the_files_downloads_nothing(served, tmp_path):
    with pytest.raises(DataError, match=r"data_batch_1.bin is missing, wanted 122,920 bytes; unpack http"):
        load("cifar10", tmp_path / "empty")
    assert QuietHandler.requests == []
