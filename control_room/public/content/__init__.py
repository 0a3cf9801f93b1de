"""Stories, figures, questions and explained pictures of the public screens: files that a communications officer edits.

content      what the files hold, read and checked; every fault with its line
marks        the few marks that a longer text may carry
quiz         questions made from figures
pages        the same as JSON, for the page
pictures     our own drawings, and what a drawing may hold
check        what is out of date
"""

from control_room.public.content.content import Content, ContentError, load_content
from control_room.public.content.pages import build_content_page

__all__ = ["Content", "ContentError", "build_content_page", "load_content"]
