"""Start the tool without importing all it needs anew: a server that has imported it forks for every command.

Most of what a short command costs is Python's imports. What comes of a cold start, where modules are found
and what is imported, has tests of its own; the others need a process, not a cold one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

CLIENT = """\
#!{python} -IS
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
what = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(what).to_bytes(8, "big")], [0, 1, 2])
server.sendall(what)
os._exit((server.recv(1) or b"\\x86")[0])
"""


def start(folder: Path) -> tuple[Path, subprocess.Popen[bytes]]:
    """Start a server; return the program that stands for ``backprop``, and the server."""
    address = folder / "socket"
    program = folder / "backprop"
    program.write_text(CLIENT.format(python=sys.executable, address=str(address)), "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    server = subprocess.Popen([sys.executable, __file__, str(address)], **pipes)
    assert server.stdout is not None
    server.stdout.readline()  # it listens
    return program, server


def serve(address: str) -> None:
    """Fork for every command that comes in, until stdin ends: with whoever started it."""
    import click.testing  # noqa: F401
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import rich.console  # noqa: F401
    import sympy  # noqa: F401

    import backprop_cli.api
    import backprop_cli.cli.main  # noqa: F401

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(16)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print(flush=True)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        client, _ = listening.accept()
        if not os.fork():
            listening.close()
            answer(client)
        client.close()


def answer(client: socket.socket) -> None:
    """Run one command as the process that it asks for, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, descriptors, *_ = socket.recv_fds(client, 8, 3)
    text = b""
    while len(text) < int.from_bytes(length, "big"):
        text += client.recv(1 << 20)
    words, folder, environment = json.loads(text)
    for target, descriptor in enumerate(descriptors):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["backprop", *words]
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, "w" if fd else "r", encoding="utf-8", errors="backslashreplace" if fd == 2 else "strict")  # noqa: SIM115
        for fd in (0, 1, 2)
    )
    from backprop_cli.cli.main import main

    status = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 120  # as Python's own end has it
    client.send(bytes([status % 256]))
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
