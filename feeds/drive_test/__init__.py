"""Drive tests: how the apps and modems that measure radio signal write their logs."""
