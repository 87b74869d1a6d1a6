from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from safetensors import safe_open

from backprop_cli.errors import CheckpointError, FileError
from backprop_cli.training import checkpoint
from backprop_cli.training.checkpoint import load, remove_leftovers, save, serialized, write_atomic

ARRAYS = {
    "linear1.weights": np.array([[1.0, -2.5], [0.1, 5e-324]]),
    "linear1.bias": np.array([0.5, -0.0], np.float32),
    "adam.steps": np.array(7),
}
FACTS = {"kind": "model", "rate": 0.1, "classes": ["a", 'quote "é" ☃'], "best": float("inf"), "none": None}

# as written by format 1; files of users look like this and must stay readable
OLD = (
    b'\x08\x01\x00\x00\x00\x00\x00\x00{"__metadata__":{"backprop":"{\\"kind\\":\\"model\\",\\"rate\\":0.1,\\"schema\\":1,\\"sha'
    b'256\\":\\"4de10e2d8f5d0c0a33e217f27189f9b633f001235876edf86fdc3a58ed4bd39d\\"}"},"n":{"dtyp'
    b'e":"I64","shape":[],"data_offsets":[0,8]},"w":{"dtype":"F64","shape":[2],"data_offsets":'
    b"[8,24]}}\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf8?\x00\x00\x00\x00\x00\x00\x04@"
)


def test_what_is_saved_comes_back(tmp_path):
    path = str(tmp_path / "model.safetensors")
    save(path, ARRAYS, FACTS)
    arrays, facts = load(path)
    assert facts == FACTS
    assert set(arrays) == set(ARRAYS)
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        assert array.shape == ARRAYS[name].shape
        assert array.tobytes() == ARRAYS[name].tobytes()
        assert array.flags.writeable


def test_a_file_of_the_first_format(tmp_path):
    path = tmp_path / "old.safetensors"
    path.write_bytes(OLD)
    arrays, facts = load(str(path))
    assert {name: array.tolist() for name, array in arrays.items()} == {"n": 3, "w": [1.5, 2.5]}
    assert facts == {"kind": "model", "rate": 0.1}


def test_nothing_but_a_kind(tmp_path):
    path = str(tmp_path / "empty.safetensors")
    save(path, {}, {})
    assert load(path) == ({}, {})


def test_other_programs_read_the_arrays(tmp_path):
    path = str(tmp_path / "model.safetensors")
    save(path, ARRAYS, FACTS)
    with safe_open(path, "numpy") as file:
        assert file.get_tensor("linear1.weights").tolist() == [[1.0, -2.5], [0.1, 5e-324]]
        assert list(file.metadata()) == ["backprop"]
        assert json.loads(file.metadata()["backprop"])["kind"] == "model"


def test_arrays_that_are_not_contiguous(tmp_path):
    path = str(tmp_path / "m.safetensors")
    save(path, {"t": np.arange(6.0).reshape(2, 3).T, "s": np.arange(10)[::3]}, {})
    arrays, _ = load(path)
    assert arrays["t"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    assert arrays["s"].tolist() == [0, 3, 6, 9]


def test_bytes_depend_on_the_content_alone():
    whole = serialized(ARRAYS, FACTS)
    assert serialized(dict(reversed(ARRAYS.items())), dict(reversed(FACTS.items()))) == whole
    code = (
        "import hashlib, sys; sys.path.insert(0, 'tests')\n"
        "from test_checkpoint import ARRAYS, FACTS, serialized\n"
        "print(hashlib.sha256(serialized(ARRAYS, FACTS)).hexdigest())"
    )
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert digests == {hashlib.sha256(whole).hexdigest()}


@pytest.mark.parametrize("facts", [{"sha256": "x"}, {"schema": 2}, {"x": {1, 2}}])
def test_facts_that_cannot_be_kept(facts):
    with pytest.raises((ValueError, TypeError)):
        serialized({}, facts)


def test_arrays_of_other_types():
    with pytest.raises(TypeError, match="bool"):
        serialized({"mask": np.array([True])}, {})


# damage


def refused(path, data, word="."):
    with open(path, "wb") as file:
        file.write(data)
    with pytest.raises(CheckpointError, match=word) as caught:
        load(path)
    assert "\n" not in caught.value.message
    assert caught.value.place == path


SMALL = serialized({"w": np.array([1.5, 2.5]), "n": np.array(3)}, {"kind": "model", "name": "x\u2028"})


def test_every_truncation_is_refused(tmp_path):
    path = str(tmp_path / "m")
    for size in range(len(SMALL)):
        refused(path, SMALL[:size])


def test_every_bit_flip_is_refused(tmp_path):
    path = str(tmp_path / "m")
    for at in range(len(SMALL)):
        for bit in range(8):
            refused(path, SMALL[:at] + bytes([SMALL[at] ^ (1 << bit)]) + SMALL[at + 1 :])


def test_bytes_too_many_are_refused(tmp_path):
    refused(str(tmp_path / "m"), SMALL + b"\0", "1 bytes too many")


def test_what_is_lost_is_counted(tmp_path):
    refused(str(tmp_path / "m"), SMALL[:-5], f"it ends after {len(SMALL) - 5} of {len(SMALL)} bytes")


def test_other_files_are_named(tmp_path):
    path = str(tmp_path / "m")
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x", "y")
    refused(path, b"", "the file is empty")
    refused(path, b"\0" * 100, "damaged")
    refused(path, archive.read_bytes(), "a zip archive")
    for protocol in (2, 3, 4, 5):
        refused(path, pickle.dumps({"w": [1.0] * 20}, protocol), "a Python pickle")
    refused(path, b"epochs: 3\nname: \xc3\xa9\n", "this is text")
    refused(path, "é".encode() * 300, "this is text")
    refused(path, b"\x93NUMPY\x01\x00" + b"\0" * 90, "a NumPy array")
    refused(path, b"\x89HDF\r\n\x1a\n" + b"\0" * 90, "an HDF5 file")


def test_safetensors_of_another_program(tmp_path):
    from safetensors.numpy import save as library_save

    refused(str(tmp_path / "m"), library_save({"w": np.zeros(2)}), "none that backprop wrote")
    refused(
        str(tmp_path / "m"), library_save({"w": np.zeros(2)}, {"format": "pt"}), "none that backprop wrote"
    )


def header(text, data=b""):
    raw = text.encode()
    return len(raw).to_bytes(8, "little") + raw + data


@pytest.mark.parametrize(
    "data",
    [
        (1 << 60).to_bytes(8, "little") + b"{" + b" " * 50,
        (15 << 20).to_bytes(8, "little") + b"{" + b" " * 50,
        header("[]"),
        header('{"__metadata__":{"backprop":"{"}}'),
        header('{"__metadata__":{"backprop":"[]"}}'),
        header('{"__metadata__":{"backprop":"{\\"sha256\\":\\"\\",\\"schema\\":1}"}}'),
        header('{"__metadata__":7}'),
        header('{"a":' * 100_000 + "}" * 100_000),
        header('{"w":{"dtype":"F64","shape":[1e308],"data_offsets":[0,8]},"__metadata__":{"backprop":"{}"}}'),
    ],
    ids=lambda data: repr(data[:30]),
)
def test_headers_made_to_harm(tmp_path, data):
    refused(str(tmp_path / "m"), data)


def test_an_array_larger_than_the_file(tmp_path):
    whole = SMALL.replace(
        b'"shape":[2],"data_offsets":[8,24]', b'"shape":[2000000],"data_offsets":[8,16000008]'
    )
    assert whole != SMALL  # hash aside, the header is checked before arrays are made
    refused(str(tmp_path / "m"), (len(whole) - 8 - 24).to_bytes(8, "little") + whole[8:])


def test_a_header_that_claims_gigabytes_takes_no_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "m"
    path.write_bytes((1 << 33).to_bytes(8, "little") + b"{" * 100)
    os.truncate(path, 1 << 34)  # sparse
    tracemalloc.start()
    with pytest.raises(CheckpointError):
        load(str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_another_format(tmp_path, monkeypatch):
    path = str(tmp_path / "m")
    monkeypatch.setattr(checkpoint, "SCHEMA", 2)
    data = serialized({}, {})
    monkeypatch.undo()
    refused(path, data, "format 2 of model files; this backprop reads format 1")


@pytest.mark.parametrize(
    ("path", "words"),
    [("absent", "there is no such file"), (".", "it is a directory"), ("a\0b", "cannot read")],
)
def test_paths_that_are_no_files(tmp_path, path, words):
    with pytest.raises(FileError, match=words):
        load(str(tmp_path / path))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs devices")
def test_devices_and_pipes(tmp_path):
    with pytest.raises(FileError, match="no regular file"):
        load("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="no regular file"):
        load(str(tmp_path / "pipe"))


# writing


def test_the_old_file_stays_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "m"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(FileError, match="No space left on device"):
                write_atomic(str(path), b"new")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["m"]


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(str(tmp_path / "m"), b"new")
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_fsync(tmp_path, monkeypatch):
    def unknown(*_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unknown)
    write_atomic(str(tmp_path / "m"), b"new")
    assert (tmp_path / "m").read_bytes() == b"new"


def test_where_nothing_can_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "absent" / "m", tmp_path / ("n" * 300)):
        with pytest.raises(FileError, match="cannot write"):
            write_atomic(str(path), b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="cannot write"):
        write_atomic(str(tmp_path / "file" / "m"), b"x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_device():
    with pytest.raises(FileError, match="No space left on device"):
        write_atomic("/dev/full", b"x")
    assert os.path.exists("/dev/full")


def test_links_and_modes_stay(tmp_path):
    (tmp_path / "m").write_bytes(b"old")
    (tmp_path / "m").chmod(0o640)
    (tmp_path / "link").symlink_to("m")
    write_atomic(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "m").read_bytes() == b"new"
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o640


def test_leftovers_of_a_killed_run(tmp_path):
    path = str(tmp_path / "model.safetensors")
    code = (
        "import os, signal, sys\n"
        "from backprop_cli.training.checkpoint import write_atomic\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomic(sys.argv[1], b'half')\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert killed.returncode == -9
    (leftover,) = os.listdir(tmp_path)
    assert leftover.endswith(".backprop-tmp")
    kept = ["model.safetensors", ".m.tmp", ".12-ab.tmp", "12-ab.backprop-tmp", ".m.x.backprop-tmp"]
    for name in kept:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".1-0f.backprop-tmp").mkdir()
    remove_leftovers(str(tmp_path))
    remove_leftovers(str(tmp_path / "absent"))
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, ".1-0f.backprop-tmp"])


def test_a_name_as_long_as_names_get(tmp_path):
    for length in (240, 255):
        write_atomic(str(tmp_path / ("m" * length)), b"new")
    assert sorted(map(len, os.listdir(tmp_path))) == [240, 255]
