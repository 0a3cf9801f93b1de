"""The managers' summary of a day, a week or a month: what happened, is it unusual, what needs a decision.

period      Day, Week, Month: which stretch of the city's clock
contents    Summary and its parts: all that any form of it shows
example     a summary made by hand, for tests of the forms
usual       what is usual for the same weekday and hours
book        what the databases know of the period, read at once
sections/   from that to figures, tables and series, one module a section
answer      the sentences, and what needs a decision
read        read_summary: all of it together
send        who gets it when, once
"""
