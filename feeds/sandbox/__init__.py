"""The sandbox exchange: one simulated city behind real HTTP endpoints in real formats.

Everything it says is made up and says so (suppliers are named SANDBOX). It
stands apart: it imports no adapter, and nothing of the product imports it. The
dashboard meets it as it meets any exchange, over HTTP. See `docs/sandbox.md`.
"""
