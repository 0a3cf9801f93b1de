"""Handing over a shift, and notes: what is told, signed, accepted and kept (docs/handover.md).

shifts     which shift runs, which is handed over
changes    what happened to alarms between two moments; the daily summary asks the same
facts      the sheet: those changes and how the city stands, as plain JSON, frozen when it is signed
book       sheets and notes as their entries have left them, and what may be done to them
beside     the notes that stand beside a thing where somebody works on it
requests   what may be asked over HTTP
service    asks, writes down, answers
kept       the rows of kind `handover`, by which rules and screens know how it stands; no word of a note is in them
"""
