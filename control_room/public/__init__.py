"""The city as visitors may see it: a projection that is built up from a short list, never "all but".

state.py        what can be said at all: closed dataclasses, checked on both sides
projection.py   snapshot -> PublicState, pure
"""
