# SPDX-License-Identifier: Apache-2.0
"""scripts/fetch_data: copies and downloads whole, verified files or none."""

import functools
import gzip
import hashlib
import http.server
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_data"


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def fetch_data():
    """The script as a module: each test gets its own, with small files in place of the real."""
    loader = importlib.machinery.SourceFileLoader("fetch_data", str(SCRIPT))
    spec = importlib.util.spec_from_loader("fetch_data", loader)
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up here. The script has no .py: keep its bytecode out.
    sys.modules["fetch_data"] = module
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes_bytecode
    yield module
    del sys.modules["fetch_data"]


@pytest.fixture
def mnist(fetch_data):
    """Contents by name, and the script made to expect them."""
    contents = {
        file.name: f"contents of {file.name}".encode()
        for file in fetch_data.DATA_SETS["mnist"].files
    }
    fetch_data.DATA_SETS["mnist"] = fetch_data.DataSet(
        files=tuple(fetch_data.DataFile(name, md5(data)) for name, data in contents.items()),
        urls=fetch_data.DATA_SETS["mnist"].urls,
    )
    return contents


@pytest.fixture
def cifar10(fetch_data):
    """Contents by name, their archive, and the script made to expect both."""
    original = fetch_data.DATA_SETS["cifar10"]
    required = [file.name for file in original.files if not file.optional]
    contents = {name: f"contents of {name}".encode() for name in required}

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(f"{original.archive_folder}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive = buffer.getvalue()

    fetch_data.DATA_SETS["cifar10"] = fetch_data.DataSet(
        files=tuple(fetch_data.DataFile(name, md5(data)) for name, data in contents.items()),
        urls=original.urls,
        archive=original.archive,
        archive_md5=md5(archive),
        archive_folder=original.archive_folder,
    )
    return contents, archive


def write_all(folder, contents, packed):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        else:
            (folder / name).write_bytes(data)


def names_in(folder):
    """Every file, temporary ones too."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def serve(tmp_path):
    """A folder on a loopback address; yields (folder, address, list of the paths asked for)."""
    folder = tmp_path / "served"
    folder.mkdir()
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("subfolder", [".", "mnist"])
def test_copy_keeps_the_form_and_the_contents(fetch_data, mnist, tmp_path, packed, subfolder):
    write_all(tmp_path / "from" / subfolder, mnist, packed)
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 0
    suffix = ".gz" if packed else ""
    assert names_in(tmp_path / "to") == sorted(name + suffix for name in mnist)
    for name, data in mnist.items():
        copied = (tmp_path / "to" / "mnist" / (name + suffix)).read_bytes()
        assert (gzip.decompress(copied) if packed else copied) == data


def test_what_is_there_and_right_is_not_written_again(fetch_data, mnist, tmp_path):
    write_all(tmp_path / "from", mnist, packed=True)
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 0
    before = {path: path.stat().st_ino for path in (tmp_path / "to" / "mnist").iterdir()}
    assert fetch_data.main(arguments) == 0
    assert {path: path.stat().st_ino for path in (tmp_path / "to" / "mnist").iterdir()} == before


def test_damaged_target_is_replaced_even_in_its_other_form(fetch_data, mnist, tmp_path):
    name = "train-labels-idx1-ubyte"
    write_all(tmp_path / "from", mnist, packed=True)
    write_all(tmp_path / "to" / "mnist", {name: b"damaged"}, packed=False)
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 0
    assert names_in(tmp_path / "to") == sorted(f"{name}.gz" for name in mnist)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_wrong_checksum_exits_3_and_leaves_no_file(fetch_data, mnist, tmp_path, capsys, packed):
    name = "t10k-labels-idx1-ubyte"
    write_all(tmp_path / "from", {**mnist, name: b"something else"}, packed)
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 3
    message = capsys.readouterr().err
    assert f"wrong MD5 {md5(b'something else')}, expected {md5(mnist[name])}" in message
    assert str(tmp_path / "from" / name) in message
    assert not [left for left in names_in(tmp_path / "to") if name in left]


def test_truncated_gz_exits_3_and_leaves_no_file(fetch_data, mnist, tmp_path, capsys):
    name = "train-images-idx3-ubyte"
    write_all(tmp_path / "from", mnist, packed=True)
    path = tmp_path / "from" / f"{name}.gz"
    path.write_bytes(path.read_bytes()[:-10])
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 3
    assert str(path) in capsys.readouterr().err
    assert not [left for left in names_in(tmp_path / "to") if name in left]


def test_missing_file_exits_3_and_is_named(fetch_data, mnist, tmp_path, capsys):
    del mnist["t10k-images-idx3-ubyte"]
    write_all(tmp_path / "from", mnist, packed=False)
    arguments = ["mnist", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 3
    message = capsys.readouterr().err
    assert "t10k-images-idx3-ubyte: not found" in message
    assert "train-images" not in message


def test_partial_copies_what_is_there_but_not_nothing(fetch_data, cifar10, tmp_path, capsys):
    contents, _ = cifar10
    write_all(tmp_path / "some", {"data_batch_1.bin": contents["data_batch_1.bin"]}, packed=True)
    (tmp_path / "none").mkdir()
    some = ["cifar10", "--from", str(tmp_path / "some"), "--to", str(tmp_path / "to")]
    none = ["cifar10", "--from", str(tmp_path / "none"), "--to", str(tmp_path / "other")]
    assert fetch_data.main(some) == 3
    assert fetch_data.main([*some, "--partial"]) == 0
    assert "data_batch_2.bin: not found" in capsys.readouterr().err
    assert names_in(tmp_path / "to") == ["data_batch_1.bin.gz"]
    assert fetch_data.main([*none, "--partial"]) == 3


def test_missing_folder_exits_3(fetch_data, tmp_path, capsys):
    gone = tmp_path / "gone"
    assert fetch_data.main(["mnist", "--from", str(gone), "--to", str(tmp_path / "to")]) == 3
    assert f"{gone}: no such folder" in capsys.readouterr().err


def test_target_that_cannot_be_made_exits_3(fetch_data, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    assert fetch_data.main(["mnist", "--to", str(tmp_path / "file")]) == 3
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_copy_takes_the_publishers_archive(fetch_data, cifar10, tmp_path):
    contents, archive = cifar10
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "cifar-10-binary.tar.gz").write_bytes(archive)
    arguments = ["cifar10", "--from", str(tmp_path / "from"), "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 0
    assert {n: (tmp_path / "to" / "cifar10" / n).read_bytes() for n in contents} == contents


def test_download_of_mnist(fetch_data, mnist, serve, tmp_path):
    folder, url, asked = serve
    write_all(folder, mnist, packed=True)
    arguments = ["mnist", "--base-url", url + "/", "--to", str(tmp_path / "to")]
    assert fetch_data.main(arguments) == 0
    assert names_in(tmp_path / "to") == sorted(f"{name}.gz" for name in mnist)
    assert sorted(asked) == sorted(f"/{name}.gz" for name in mnist)
    assert fetch_data.main(arguments) == 0
    assert len(asked) == len(mnist), "a second call must download nothing"


def test_download_tries_the_next_address(fetch_data, mnist, serve, tmp_path):
    folder, url, asked = serve
    write_all(folder / "good", mnist, packed=True)
    write_all(folder / "bad", {name: b"not the file" for name in mnist}, packed=True)
    fetch_data.DATA_SETS["mnist"] = fetch_data.DataSet(
        files=fetch_data.DATA_SETS["mnist"].files,
        urls=(f"{url}/gone", f"{url}/bad", f"{url}/good"),
    )
    assert fetch_data.main(["mnist", "--to", str(tmp_path / "to")]) == 0
    assert names_in(tmp_path / "to") == sorted(f"{name}.gz" for name in mnist)
    assert len(asked) == 3 * len(mnist)


def test_download_of_a_wrong_file_exits_3_and_leaves_nothing(
    fetch_data, mnist, serve, tmp_path, capsys
):
    folder, url, _ = serve
    write_all(folder, {name: b"not the file" for name in mnist}, packed=True)
    assert fetch_data.main(["mnist", "--base-url", url, "--to", str(tmp_path / "to")]) == 3
    message = capsys.readouterr().err
    assert f"{url}/train-images-idx3-ubyte.gz: wrong MD5" in message
    assert names_in(tmp_path / "to") == []


def test_download_of_a_missing_file_exits_3(fetch_data, mnist, serve, tmp_path, capsys):
    _, url, _ = serve
    assert fetch_data.main(["mnist", "--base-url", url, "--to", str(tmp_path / "to")]) == 3
    assert f"{url}/train-images-idx3-ubyte.gz: HTTP status 404" in capsys.readouterr().err
    assert names_in(tmp_path / "to") == []


def test_download_of_cifar10_unpacks_the_batches(fetch_data, cifar10, serve, tmp_path):
    folder, url, _ = serve
    contents, archive = cifar10
    (folder / "cifar-10-binary.tar.gz").write_bytes(archive)
    assert fetch_data.main(["cifar10", "--base-url", url, "--to", str(tmp_path / "to")]) == 0
    assert names_in(tmp_path / "to") == sorted(contents)
    assert {n: (tmp_path / "to" / "cifar10" / n).read_bytes() for n in contents} == contents


def test_download_of_a_truncated_archive_exits_3_and_leaves_nothing(
    fetch_data, cifar10, serve, tmp_path, capsys
):
    folder, url, _ = serve
    _, archive = cifar10
    (folder / "cifar-10-binary.tar.gz").write_bytes(archive[: len(archive) // 2])
    assert fetch_data.main(["cifar10", "--base-url", url, "--to", str(tmp_path / "to")]) == 3
    assert f"{url}/cifar-10-binary.tar.gz: wrong MD5" in capsys.readouterr().err
    assert names_in(tmp_path / "to") == []


def test_default_target_is_plumbline_data_then_data(fetch_data, mnist, tmp_path, monkeypatch):
    write_all(tmp_path / "from", mnist, packed=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "named"))
    assert fetch_data.main(["mnist", "--from", "from"]) == 0
    monkeypatch.delenv("PLUMBLINE_DATA")
    assert fetch_data.main(["mnist", "--from", "from"]) == 0
    assert names_in(tmp_path / "named") == names_in(tmp_path / "data") == sorted(mnist)


@pytest.mark.parametrize(
    "arguments",
    [[], ["imagenet"], ["mnist", "--partial"], ["mnist", "--from", "a", "--base-url", "b"]],
)
def test_wrong_usage_exits_2(arguments):
    # As a program, under the Python that called it, without the virtual environment's packages.
    process = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "usage:" in process.stderr


@pytest.mark.skipif(
    not os.environ.get("PLUMBLINE_DATA")
    or not (Path(os.environ.get("PLUMBLINE_DATA", "")) / "mnist").is_dir(),
    reason="needs MNIST in PLUMBLINE_DATA",
)
def test_copy_of_the_real_mnist_passes_the_published_checksums(tmp_path):
    data = os.environ["PLUMBLINE_DATA"]
    process = subprocess.run(
        [str(SCRIPT), "mnist", "--from", data, "--to", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )
    assert process.returncode == 0, process.stderr
    assert len(names_in(tmp_path / "mnist")) == 4
