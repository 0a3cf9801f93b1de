"""A year that the sandbox city never lived: its history reckoned by the hour, for demonstrations and measurements.

Not a recording and not a simulation by the second: figures by the hour, made
from what stands behind the sandbox's own feeds (the same seed, network, weather,
events, works, requests) where that can be reckoned quickly, else from a day of
the simulated city looked at closely, changed by weekday, holiday, school term,
weather, growth and a few bad days. It is written into the database of the
SANDBOX alone, which no real city ever shares.
"""
