"""Telling people: who is told of which alarm, by which way, until it has reached them.

settings    recipients and routes, from one YAML file
message     the words
plan        which recipients an event is told to; pure
delivery    one telling, and the outbox that keeps it
notifier    reads the journal, sends, tries again
channels/   a webhook of ours, e-mail, GOV.UK Notify, and what apprise knows
"""
