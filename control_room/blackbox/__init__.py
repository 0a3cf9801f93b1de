"""The black box: the bytes that went to the screens, kept on disk for some days, and found again by time.

    record.py    one record: head, body, check sum; and how a torn or damaged file is read
    segment.py   one file: written by one process, read by any
    shelf.py     all files of one audience: which moment is where, what is missing, what is let go of
    facts.py     what a vehicle's card says beside what the map holds
    standing.py  panels built for the record while no screen shows them
    tape.py      what of the published is written where
    recorder.py  the thread that writes, and keeps the folder within its bounds
    marks.py     what is marked on the time bar
    compare.py   what differs between two moments
    requests.py  what is asked over HTTP
    service.py   all of it in one object, for the app
    player.py    a moment, and what follows it

See docs/timeline.md.
"""
