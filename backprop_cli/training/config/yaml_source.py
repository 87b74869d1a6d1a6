"""YAML text to a tree whose every node knows its place, through ruamel.yaml's parser events.

Only plain data passes: no tags, anchors, aliases, merge keys or second documents. Scalars are read by
the core schema of YAML 1.2 (``1e-3`` is a number, ``yes`` is text). The tree is built by a loop with
limits on size, depth and number of values, so hostile text costs little.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...errors import ConfigError, Source, Span, decoded

TEXT_LIMIT = 1 << 20
DEPTH_LIMIT = 32
VALUE_LIMIT = 50_000
FAULT_LIMIT = 25
"""After so many faults the rest is counted only."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_BRACKET = re.compile(r"[\[\]{}\n]")
_LONG_TAG = re.compile(r"![^\s]{255}")


class Place(NamedTuple):
    """Where something is written; line 0 is the command line."""

    shown: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.shown}:{self.line}:{self.column}" if self.line else self.shown

    def within(self, source: Source, span: Span) -> Place:
        """Return the place of a span in a text that begins here, whose lines are indented alike."""
        if not self.line:
            return self
        line, column = source.locate(span[0])
        return self._replace(line=self.line + line - 1, column=self.column + column - 1)

    @property
    def origin(self) -> str:
        """The same without the column."""
        return f"{self.shown}:{self.line}" if self.line else "command line"


@dataclass(slots=True)
class Node:
    """A scalar, list or mapping of a config.

    Attributes:
        kind: ``scalar``, ``list``, ``mapping``, or ``bad`` for what was refused already.
        value: A plain value, a list of nodes, or nodes by key.
        text: A scalar as written, without its quotes.
        quoted: A scalar in quotes or a block: always text.
        block: Where the first line of a block is.
        keys: Where the keys of a mapping are.
    """

    kind: str
    value: Any
    place: Place
    text: str = ""
    quoted: bool = False
    keys: dict[str, Place] = field(default_factory=dict)
    block: Place | None = None

    @property
    def begins(self) -> Place:
        """Where the text of a scalar begins: behind a quote, or on the first line of a block."""
        return self.block or self.place._replace(column=self.place.column + self.quoted)

    def shown(self) -> str:
        """Return the value for a message."""
        if self.kind == "mapping":
            return "a mapping"
        if self.kind == "list":
            return "a list"
        if self.value is None:
            return "nothing"
        if isinstance(self.value, str):
            return f"the text {quote(self.value)}"
        return short(self.text)


def short(text: str, limit: int = 40) -> str:
    """Return text cut to a length that a message bears."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def quote(text: str) -> str:
    """Return text in double quotes, cut, for a message."""
    return f'"{short(text)}"'


def scalar(text: str) -> Any:
    """Return what a plain scalar means in the core schema of YAML 1.2.

    Integers too long for any use become floats, so that none costs more than its text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= 40 else float(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _OTHER_BASE.fullmatch(text) and len(text) <= 40:
        return int(text, 0)
    if _NOT_FINITE.fullmatch(text):
        return math.nan if text[-1] in "nN" else -math.inf if text[0] == "-" else math.inf
    return text


def decode(data: bytes, shown: str) -> str:
    """Return the text of a config file's bytes, with bare newlines.

    Raises:
        ConfigError: when it is too large, binary, or not UTF-8.
    """
    if len(data) > TEXT_LIMIT:
        raise ConfigError(
            f"{shown} is larger than {TEXT_LIMIT:,} bytes: no config", hint="rows belong in a data file"
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError(f"{shown} is UTF-16 text", hint="save it as UTF-8")
    if re.match(rb"\x80[\x02-\x05]|PK\x03\x04|\x93NUMPY", data):
        raise ConfigError(f"{shown} is a pickle, archive or array: no config", hint="a config is YAML text")
    if re.match(rb"......\0\0\{", data, re.DOTALL):
        raise ConfigError(
            f"{shown} is a model file: no config", hint="its config is config.yaml in the same folder"
        )
    return decoded(data, shown, ConfigError)


def read(text: str, shown: str, faults: list[ConfigError], inline: Place | None = None) -> Node:
    """Build the tree of one YAML document.

    Args:
        text: With bare newlines.
        shown: The file's name for messages.
        faults: What is refused is added here.
        inline: The place of every node, for text from the command line.
    Raises:
        ConfigError: when it is no YAML at all, or beyond a limit.
    """
    return _Reader(text, shown, faults, inline).tree()


class _Reader:
    def __init__(self, text: str, shown: str, faults: list[ConfigError], inline: Place | None) -> None:
        self.text = text
        self.shown = shown
        self.faults = faults
        self.inline = inline
        self.root: Node | None = None
        self.open: list[Node] = []
        self.key: list[tuple[str, Place] | None] = []  # of each open mapping, between key and value

    def tree(self) -> Node:
        self.check_text()
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        count = 0
        try:
            for event in YAML(typ="safe", pure=True).parse(self.text):
                count += 1
                if count > VALUE_LIMIT:
                    raise ConfigError(
                        f"more than {VALUE_LIMIT:,} values in a config",
                        place=str(self.place(event.start_mark)),
                        hint="rows belong in a data file: data.path",
                    )
                self.take(event)
        except YAMLError as error:
            raise self.syntax_error(error) from None
        except (ValueError, OverflowError, AssertionError, IndexError, TypeError, AttributeError):
            # ruamel's own checks have holes: "\UFFFFFFFF" is one
            raise ConfigError("this is not readable as YAML", place=self.at(0)) from None
        if self.root is None:
            raise ConfigError("the config is empty", place=self.at(0), hint=_BEGIN)
        return self.root

    def check_text(self) -> None:
        found = _UNPRINTABLE.search(self.text)
        if found:
            raise ConfigError(
                f"the character U+{ord(found[0]):04X} does not belong in YAML text",
                place=self.at(found.start()),
            )
        found = _LONG_TAG.search(self.text)
        if found:
            raise ConfigError(
                "a tag of over 256 characters; configs have no tags", place=self.at(found.start())
            )
        depth = 0
        for found in _BRACKET.finditer(self.text):  # many on one line cost the scanner their square
            bracket = found[0]
            depth = 0 if bracket == "\n" else depth + 1 if bracket in "[{" else depth - 1
            if depth > 2 * DEPTH_LIMIT:
                raise self.too_deep(self.at(found.start()))

    def at(self, offset: int) -> str:
        if self.inline:
            return str(self.inline)
        line = self.text.count("\n", 0, offset) + 1
        return f"{self.shown}:{line}:{offset - self.text.rfind(chr(10), 0, offset)}"

    def place(self, mark: Any) -> Place:
        return self.inline or Place(self.shown, mark.line + 1, mark.column + 1)

    def fault(self, message: str, place: Place, hint: str | None = None) -> None:
        self.faults.append(ConfigError(message, place=str(place), hint=hint))

    def too_deep(self, place: str) -> ConfigError:
        return ConfigError(f"nested deeper than {DEPTH_LIMIT} levels: no config", place=place)

    def take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            node = self.scalar(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            node = Node("mapping" if kind[0] == "M" else "list", None, self.place(event.start_mark))
            node.value = {} if kind[0] == "M" else []
            if len(self.open) >= DEPTH_LIMIT:
                raise self.too_deep(str(node.place))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self.open.pop()
            self.key.pop()
            return
        elif kind == "AliasEvent":
            node = Node("bad", None, self.place(event.start_mark))
            self.fault(
                f"no aliases in a config: *{short(event.anchor)}",
                node.place,
                _WRITE_OUT,
            )
        else:
            self.document(kind, event)
            return
        if kind != "AliasEvent":
            self.refuse(event, node)
        self.attach(node)
        if node.kind in ("mapping", "list") or kind.endswith("StartEvent"):
            self.open.append(node)
            self.key.append(None)

    def scalar(self, event: Any) -> Node:
        place = self.place(event.start_mark)
        text: str = event.value
        quoted = event.style is not None
        found = _UNPRINTABLE.search(text)
        if found:
            self.fault(f"an escape stands for the character U+{ord(found[0]):04X}", place)
            return Node("bad", None, place, "?", quoted)
        block = self.first_line(place) if event.style in ("|", ">") and not self.inline else None
        return Node("scalar", text if quoted else scalar(text), place, text, quoted, block=block)

    def first_line(self, head: Place) -> Place:
        """Return where the text of a block begins whose sign ``|`` is at a place."""
        for line in self.text.split("\n")[head.line :]:
            if line.strip():
                return Place(head.shown, head.line + 1, len(line) - len(line.lstrip(" ")) + 1)
        return head

    def refuse(self, event: Any, node: Node) -> None:
        """Add a fault for a tag or an anchor."""
        if event.tag is not None:
            self.fault(
                f"no tags in a config: {short(str(event.tag).replace('tag:yaml.org,2002:', '!!'))}",
                node.place,
                "a config is plain data: nothing in it is ever executed",
            )
        elif event.anchor:
            self.fault(
                f"no anchors in a config: &{short(event.anchor)}",
                node.place,
                _WRITE_OUT,
            )
        else:
            return
        node.kind = "bad"

    def document(self, kind: str, event: Any) -> None:
        if kind != "DocumentStartEvent":
            return
        if self.root is not None:
            raise ConfigError(
                "a second document", place=str(self.place(event.start_mark)), hint="a config is one document"
            )
        if event.version is not None and tuple(event.version) != (1, 2):
            version = ".".join(map(str, event.version))
            raise ConfigError(
                f"this says it is YAML {version}", place=self.at(0), hint="configs are YAML 1.2"
            )

    def attach(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif not isinstance(parent.value, dict):  # below a refused node
            pass
        elif (key := self.key[-1]) is None:
            self.key[-1] = self.name(node)
        else:
            name, place = key
            self.key[-1] = None
            if name == "<<":
                self.fault("no merge keys in a config: <<", place, "write the keys out")
            elif name in parent.value:
                first = parent.keys[name]
                where = f"line {first.line}" if first.line else "the same value"
                self.fault(f"the key {short(name)} is here twice", place, f"the first is in {where}")
            elif name:
                parent.value[name] = node
                parent.keys[name] = place

    def name(self, node: Node) -> tuple[str, Place]:
        if node.kind in ("scalar", "bad") and (node.text or node.kind == "bad"):
            return (node.text if node.kind == "scalar" else ""), node.place
        what = "an empty key" if node.kind == "scalar" else f"{node.shown()} as a key"
        self.fault(what, node.place, "a key is a word")
        return "", node.place

    def syntax_error(self, error: Any) -> ConfigError:
        problem = str(getattr(error, "problem", None) or "this is not readable as YAML")
        context = str(getattr(error, "context", None) or "")
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        begun = getattr(error, "context_mark", None)
        place = str(self.place(mark)) if mark else self.at(0)
        opened = f" of {_where(begun, mark)}" if begun and not self.inline else ""
        if "'\\t'" in problem:
            return ConfigError("a tab cannot indent in YAML", place=place, hint="use spaces")
        if "cannot start any token" in problem:
            sign = problem.split("found character ")[1].split(" that")[0].strip("'")
            return ConfigError(
                f"no value begins with {sign}", place=place, hint=f'to mean text, quote it: "{sign}..."'
            )
        if "mapping values are not allowed" in problem:
            return ConfigError(
                "a ':' where no key can be",
                place=place,
                hint="one key a line, keys of one section in one column; text with ': ' in it in quotes",
            )
        if "sequence entries are not allowed" in problem:
            return ConfigError("a '- ' where no list can begin", place=place, hint="begin it on a new line")
        if "flow sequence" in context or "flow mapping" in context:
            sign = "[" if "sequence" in context else "{"
            closing = "]" if sign == "[" else "}"
            return ConfigError(
                f"',' or '{closing}' is missing: the '{sign}'{opened} is still open", place=place
            )
        if "<stream end>" in problem or "end of stream" in problem:
            what = "quote" if "quoted" in context else "directive" if "directive" in context else "bracket"
            return ConfigError(f"the text ends inside the {what}{opened}", place=place)
        if "document separator" in problem:
            return ConfigError("the document ends inside quotes", place=place, hint="a quote is never closed")
        if "unknown escape" in problem:
            return ConfigError(
                problem.replace("found ", ""), place=place, hint="in single quotes a backslash is a backslash"
            )
        if "block" in context and "expected <block end>" in problem:
            return ConfigError(
                "this does not continue what stands above",
                place=place,
                hint="keys of one section begin in one column, and nothing follows a closing quote",
            )
        if "could not find expected ':'" in problem:
            return ConfigError(
                "a key without ':'",
                place=str(self.place(begun or mark)),
                hint="a key is followed by ': ' and its value",
            )
        if "document start" in problem:
            return ConfigError("text after the end of the config", place=place)
        if "node content" in problem:
            sign = problem.split("but found ")[-1].strip("'").replace("<stream end>", "the end")
            return ConfigError(f"a value is missing before {sign}", place=place)
        return ConfigError(f"not readable as YAML: {short(_plain(problem), 80)}", place=place)


_WRITE_OUT = "write the value out: aliases can unfold without end"
_BEGIN = "backprop config init prints a config to begin with"


def _where(begun: Any, mark: Any) -> str:
    same = mark is not None and begun.line == mark.line
    return f"column {begun.column + 1}" if same else f"line {begun.line + 1}"


def _plain(problem: str) -> str:
    return " ".join(problem.replace("'\\x00'", "the end").replace("\x00", "the end").split())
