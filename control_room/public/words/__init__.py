"""What the public screens say: one catalogue of text a language, and sentences made from facts (docs/experience-content.md).

grammar      numbers, plural forms, lists, times of day, as each language has them
catalogue    the text of every screen, by key and language: en.yaml, cy.yaml
sentences    true sentences about the city just now, from the public facts and nothing else
plain        how hard a text is to read, and the words that visitors do not need
"""

from control_room.public.words.catalogue import Catalogue, CatalogueError, load_catalogues
from control_room.public.words.sentences import Sentence, build_sentences

__all__ = ["Catalogue", "CatalogueError", "Sentence", "build_sentences", "load_catalogues"]
