"""Ctrl-C ends the program with status 130 and shows no traceback, whenever it comes."""

# the C part alone: in the milliseconds that the module signal takes to import, Ctrl-C would hit
import _signal as signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False  # as in typing, which is not there yet
if TYPE_CHECKING:
    from types import TracebackType

STATUS = 128 + signal.SIGINT


def begin() -> None:
    """Let an interrupt end this process at once, where it is the program's own.

    From the first import to the first line of `main` nothing is begun that would have to be tidied up.
    """
    name, folder = os.path.basename(sys.argv[0]), os.path.basename(os.path.dirname(sys.argv[0]))
    own = name in ("backprop", "backprop.exe") or (name == "__main__.py" and folder == "backprop_cli")
    # whoever started the program may have chosen to ignore interrupts: then they stay ignored
    if own and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
        sys.excepthook, sys.unraisablehook = _excepthook, _unraisablehook


def raise_them() -> None:
    """Let an interrupt be a `KeyboardInterrupt`, so that what was begun is tidied up."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end() -> None:
    """Let an interrupt end this process at once: all is written, the interpreter is ending."""
    if sys.unraisablehook is _unraisablehook:
        signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    os._exit(STATUS)


def _excepthook(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
    """Leave where an interrupt came too late for `main` to catch it."""
    if issubclass(kind, KeyboardInterrupt):
        _leave()
    sys.__excepthook__(kind, error, trace)


def _unraisablehook(unraisable: "sys.UnraisableHookArgs") -> None:
    """Leave where an interrupt came in a destructor or a callback, from which it would be lost."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _leave()
    sys.__unraisablehook__(unraisable)
