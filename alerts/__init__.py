"""Alarms after ISA-18.2: rules, the state machine, the stages between a snapshot and a person who is told."""
