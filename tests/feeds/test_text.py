"""Text from outside: one line, no hidden characters, no secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.text import clean_error, clean_text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Central Milton Keynes", "Central Milton Keynes"),
        ("  two\n lines\tand  more ", "two lines and more"),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("\ufeffstart\u200b", "start"),
        ("lone \ud800 half", "lone half"),
        ("👩\u200d🚒", "👩\u200d🚒"),
        ("", None),
        (" \u200b\n", None),
        (None, None),
        (47, None),
        (["text"], None),
    ],
)
def test_text_becomes_one_clean_line(sent, kept):
    """What a reader cannot see is gone; what is no text is nothing."""
    assert clean_text(sent) == kept


@given(st.text(max_size=400), st.integers(2, 60))
def test_clean_text_is_short_printable_and_settled(sent, limit):
    """Within its limit, encodable, on one line, and cleaning it again changes nothing."""
    kept = clean_text(sent, limit)
    if kept is None:
        return
    kept.encode("utf-8")
    assert 0 < len(kept) <= limit
    assert len(kept.splitlines()) == 1
    assert clean_text(kept, limit) == kept


def test_a_cut_text_says_so():
    """The ellipsis is within the limit."""
    assert clean_text("x" * 11, 10) == "x" * 9 + "…"
    assert clean_text("x" * 10, 10) == "x" * 10


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("API key invalid", "API key invalid"),
        ("token expired", "token expired"),
        ("api_key=abc123 refused", "api_key (hidden) refused"),
        ("Authorization: Bearer abc.def", "Authorization (hidden)"),
        ("bearer abcdefgh is unknown", "bearer (hidden) is unknown"),
        ('{"token": "zz9"}', '{"token (hidden)"}'),
        ("see https://u:p@data.example/feed?api_key=1 for more", "see (address) for more"),
        ("the key 5f19acae-d7e9-4b57-96bd-f6406712d654 is unknown", "the key (hidden) is unknown"),
        (None, None),
    ],
)
def test_an_error_of_another_server_loses_its_secrets(sent, said):
    """What is left is what an operator can use."""
    assert clean_error(sent) == said


def test_a_secret_at_the_cut_is_hidden_before_it_is_cut():
    """Half a key is still half a key."""
    said = clean_error("x" * 30 + " api_key=" + "k" * 50, 45)

    assert said is not None
    assert "kk" not in said
