"""The anonymisation check: which fields an answer holds, which of them were agreed on, and whether any leads to a person.

    forms.py   fields of a body, whatever its form, from a bounded sample; and a body without some of its fields
    lists.py   the published list of a feed: the standard's own (`standard/*.txt`), or the feed file's
    check.py   what a poll's bodies and rows hold that they should not

Decision 0006 in docs/decisions/ says why it is built so.
"""
