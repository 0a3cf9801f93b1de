"""The ways to reach people: one module each, listed in `alerts.notify.settings.CHANNELS`.

A module has the model of what a recipient by it must name, with a method
`build_sender() -> Sender`. A sender may be used by several threads at once.
"""
