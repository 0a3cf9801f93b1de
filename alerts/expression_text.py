"""From the text of a condition to a syntax tree that holds nothing but what conditions may hold.

The text is read three times, each time more narrowly:

1. by our own scanner: which characters and words there may be at all, how many,
   how deep in brackets. Nothing but plain letters, digits, quoted texts and the
   operators below gets past it, so no attribute, no keyword with a colon, no
   escape and no look-alike letter ever reaches Python's parser;
2. by Python's parser (`ast.parse`), for precedence only. Nothing is compiled;
3. by the walk in `alerts.expressions`, which knows the nodes it wants and
   refuses all others.
"""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from typing import Final

MAX_TEXT = 2_000  # characters of one condition
MAX_TOKENS = 400
MAX_BRACKETS = 20  # open at once
MAX_DEPTH = 40  # of the tree: a chain of forty sums is no condition a person can check
MAX_DIGITS = 15  # a float holds no more
MAX_QUOTED = 200  # characters of one quoted text

_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\r\n]+)
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>"[^"\\\r\n]*"|'[^'\\\r\n]*')
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<operator>\*\*|//|->|<>|<=|>=|==|!=|[-+*/<>,])
    """,
    re.VERBOSE,
)
_VALUES: Final = {"number", "name", "quoted"}
_JOINS: Final = {"and", "or", "not", "in"}  # words that may stand between two values
_CLOSES: Final = {"(": ")", "[": "]"}
_NO_OPERATOR: Final = {
    "**": "there are no powers; multiply",
    "//": "divide with one /",
    "->": "an arrow has no meaning here",
    "<>": "write != for 'is not'",
}
_HINTS: Final = {
    "=": "write == to compare",
    "&": "write the word and",
    "|": "write the word or",
    "!": "write the word not, or != to compare",
    "%": 'write a percentage in quotes: "20 %"',
    ".": "there is nothing to reach inside a value; a decimal is written 0.5",
    "\\": "texts have no escapes; use the other sort of quotes where one is needed",
    '"': "the text is not closed by the same quote on its line",
    "'": "the text is not closed by the same quote on its line",
    "#": "comments stand on a line of their own, outside of the condition",
    ":": "a condition has no colon",
    "\u201c": 'write straight quotes, "…"',
    "\u201d": 'write straight quotes, "…"',
    "\u2018": "write straight quotes, '…'",
    "\u2019": "write straight quotes, '…'",
    "\u00a0": "that is a space that does not break; write a plain one",
    "\u2264": "write <=",
    "\u2265": "write >=",
    "\u2260": "write !=",
    "\u2212": "write a plain - for minus",
    "\u2013": "write a plain - for minus",
    "\u00d7": "write * to multiply",
    "\u00f7": "write / to divide",
    ";": "one rule has one condition; join with and",
}
# Words of Python that get past the scanner as names; what a supervisor may have meant by them.
_NOT_HERE: Final = {
    "is": "write ==, or known(column)",
    "if": "use and, or, not",
    "else": "use and, or, not",
    "lambda": "there are no functions of your own",
    "for": "a condition is asked of every row by itself",
    "none": "write not known(column)",
    "null": "write not known(column)",
    "await": "it has no meaning here",
    "yield": "it has no meaning here",
    "import": "it has no meaning here",
    "AND": "write and, in small letters",
    "OR": "write or, in small letters",
    "NOT": "write not, in small letters",
    "IN": "write in, in small letters",
}


class ExpressionError(ValueError):
    """A condition is refused.

    Attributes:
        what: what was wrong and what may stand there, one sentence.
        column: place in the text, from 1.
    """

    def __init__(self, what: str, column: int = 1) -> None:
        super().__init__(f"column {column}: {what}")
        self.what = what
        self.column = column


def parse(text: str) -> ast.expr:
    """The syntax tree of a condition. `place_of` says where one of its nodes stands in the text.

    Raises:
        ExpressionError: the text is too long, or has what no condition has.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(f"is {len(text)} characters long; at most {MAX_TEXT} are read: make two rules of it")
    _scan(text)
    # In brackets, so that a condition may go over several lines. The scanner has seen that ours close last.
    one_line = re.sub(r"[\r\n\t]", " ", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 1(2) is told of by us, not on the console
            tree = ast.parse(f"({one_line}\n)", mode="eval").body
    except SyntaxError as error:
        # The parser counts characters of the text from 1, and our bracket is one.
        column = min(max((error.offset or 2) - 1, 1), max(len(text), 1))
        raise ExpressionError(f"cannot be read there ({_plain(error.msg)}); {_near(text, column)}", column) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise ExpressionError("is nested too deeply to be read; make it simpler, or two rules of it") from None
    _check_depth(tree, text)
    return tree


def place_of(node: ast.AST, text: str) -> int:
    """Column of a node in the text, from 1. The parser counts bytes, people count characters."""
    byte = getattr(node, "col_offset", 1) - 1
    return len(text.encode("utf-8", "replace")[: max(byte, 0)].decode("utf-8", "ignore")) + 1


def _scan(text: str) -> None:
    """Refuse whatever no condition may hold.

    Raises:
        ExpressionError: with the place and what may stand there.
    """
    at, tokens, open_brackets = 0, 0, []
    before = last = ""
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ExpressionError(_refusal(text[at]), at + 1)
        sort, token = found.lastgroup or "", found[0]
        joins = token in _JOINS
        if sort == "number" and len(token.replace(".", "")) > MAX_DIGITS:
            raise ExpressionError(f"the number has more than {MAX_DIGITS} digits", at + 1)
        if sort == "number" and "." not in token and len(token) > 1 and token.startswith("0"):
            raise ExpressionError(f"{token} begins with a zero; write {token.lstrip('0') or '0'}", at + 1)
        if sort == "quoted":
            _check_quoted(token, at)
        if sort == "name" and (hint := _NOT_HERE.get(token) or _NOT_HERE.get(token.lower())):
            raise ExpressionError(f"{token} is no word of conditions; {hint}", at + 1)
        if not joins and sort in _VALUES and before in _VALUES:
            raise ExpressionError(_two_values(text, at, before, sort, token), at + 1)
        if sort == "operator" and token in _NO_OPERATOR:
            raise ExpressionError(_NO_OPERATOR[token], at + 1)
        if sort == "open":
            open_brackets.append((token, at))
            if len(open_brackets) > MAX_BRACKETS:
                raise ExpressionError(f"more than {MAX_BRACKETS} brackets are open; make it simpler", at + 1)
        if sort == "close" and (not open_brackets or _CLOSES[open_brackets.pop()[0]] != token):
            raise ExpressionError(f"{token} closes no bracket that is open", at + 1)
        at = found.end()
        if sort == "space":
            continue
        tokens += 1
        if tokens > MAX_TOKENS:
            raise ExpressionError(f"has more than {MAX_TOKENS} words and signs; make two rules of it", at)
        before, last = "" if joins else sort, token
    if open_brackets:
        token, place = open_brackets[-1]
        raise ExpressionError(f"{token} is never closed", place + 1)
    if last in _JOINS or _is_operator(last):
        raise ExpressionError(f"ends with {last}; something must follow", len(text.rstrip()) + 1)
    if not tokens:
        raise ExpressionError("is empty; write a condition such as: battery_percent < 20")


def _is_operator(token: str) -> bool:
    found = _TOKEN.fullmatch(token)
    return found is not None and found.lastgroup == "operator"


def _two_values(text: str, at: int, before: str, sort: str, token: str) -> str:
    if sort == "quoted" and before == "name" and at and not text[at - 1].isspace():
        return "a letter stands directly before a quoted text; texts are plain, without f, r or b before them"
    if before == "number" and sort == "name":
        return f'a quantity is written in quotes, as in "25 {token}"; or an operator is missing'
    return f"something is missing before {token[:40]}; join with and, or, or compare with == != < <= > >= in"


def _check_quoted(token: str, at: int) -> None:
    if len(token) - 2 > MAX_QUOTED:
        raise ExpressionError(f"the quoted text has more than {MAX_QUOTED} characters", at + 1)
    for offset, character in enumerate(token):
        # Control, format (zero-width, right-to-left), surrogates, private use: nothing that a person can see and check.
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise ExpressionError(
                f"the quoted text holds a character that cannot be seen ({_name(character)})", at + offset + 1
            )


def _refusal(character: str) -> str:
    hint = _HINTS.get(character)
    if hint:
        return f"{character} has no meaning there; {hint}"
    if character.isascii() and character.isprintable():
        return f"{character} has no meaning in conditions"
    return f"{_name(character)} may not stand outside of quotes; names are of plain letters a to z, digits and _"


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()


def _check_depth(tree: ast.expr, text: str) -> None:
    """Refuse a tree that a recursive walk should not go down; walked level by level here."""
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if not level:
            return
    raise ExpressionError("is nested too deeply; make it simpler, or two rules of it", place_of(level[0], text))


def _plain(message: str) -> str:
    """The parser's reason without its proposals, which speak of Python."""
    return message.split(". ")[0].split("(<")[0].strip().lower()[:80]


def _near(text: str, column: int) -> str:
    piece = text[max(column - 12, 0) : column + 12].strip()
    return f"look at … {piece} …" if piece else "something is missing at its end"
