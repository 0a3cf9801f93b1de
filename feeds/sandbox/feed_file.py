"""The feed file by which a dashboard reads the sandbox: made from one template, for any address."""

from __future__ import annotations

import textwrap
from pathlib import Path

from feeds.sandbox.twins import list_twins

DEFAULT_BASE_URL = "http://127.0.0.1:8051"
TEMPLATE = Path(__file__).with_name("feeds.yaml.tmpl")


def render_feed_file(base_url: str = DEFAULT_BASE_URL) -> str:
    """The YAML with `{base}` replaced; ${NAME} stays, for the environment."""
    items = [textwrap.indent(textwrap.dedent(twin.feeds).strip("\n"), "  ") for twin in list_twins() if twin.feeds]
    text = "\n\n".join([TEMPLATE.read_text(encoding="utf-8").rstrip("\n"), *items]) + "\n"
    return text.replace("{base}", base_url.rstrip("/"))


def write_feed_file(path: Path, base_url: str) -> None:
    """Write the feed file for a sandbox at that address."""
    path.write_text(render_feed_file(base_url), encoding="utf-8")
