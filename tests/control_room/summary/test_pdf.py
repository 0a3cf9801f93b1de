"""The report: tagged, of real text, of our fonts, the same bytes each time; whatever people have written into it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pikepdf
import pypdfium2
import pytest
import typst

from control_room.summary.charts import INK, WORSE
from control_room.summary.contents import Column, Section, Table
from control_room.summary.forms import pdf
from control_room.summary.forms.pdf import encode_pdf, is_shown, shown_text
from tests.control_room.summary.example import make_empty, make_example

EXAMPLE = make_example()
A4_PT = (595.28, 841.89)


@pytest.fixture(scope="module")
def made():
    return encode_pdf(EXAMPLE, "https://control.example")


@pytest.fixture(scope="module")
def opened(made):
    with pikepdf.open(io.BytesIO(made)) as file:
        yield file


def tags(element, found=None):
    """(name, element) of the structure below an element, in the order of reading."""
    found = [] if found is None else found
    kids = element.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            found.append((str(kid["/S"]), kid))
            tags(kid, found)
    return found


def texts(content):
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content)]


def test_it_says_that_it_is_pdf_ua(opened):
    """Part 1 of PDF/UA in its metadata, marked as tagged, with its language, and its title in the window's bar."""
    told = opened.Root.Metadata.read_bytes().decode()

    assert re.search(r"pdfuaid:part[>=\"' ]*1", told)
    assert opened.Root.MarkInfo.Marked
    assert str(opened.Root.Lang) == "en-GB"
    assert opened.Root.ViewerPreferences.DisplayDocTitle
    assert "SANDBOX: Daily summary of Milton Keynes, Saturday 21 November 2026" in told


def test_every_picture_has_its_words(opened):
    """Each figure of the structure carries the sentence that says what it shows."""
    figures = [element for name, element in tags(opened.Root.StructTreeRoot) if name == "/Figure"]
    words = [str(element.Alt) for element in figures]

    assert len(figures) == 6
    assert all(len(text) > 20 for text in words)
    assert any(text.startswith("Stuck: 6.9 hours; above usual, worse") for text in words)


def test_every_table_has_heads_and_headings_go_down_step_by_step(opened):
    """Each table begins with a row of heads; no level of heading is left out."""
    found = tags(opened.Root.StructTreeRoot)
    tables = [element for name, element in found if name == "/Table"]
    levels = [int(name[2:]) for name, _ in found if re.fullmatch(r"/H\d", name)]

    assert len(tables) == 9
    assert all("/TH" in [name for name, _ in tags(table)] for table in tables)
    assert all(e.A[0].Scope == "/Column" for name, e in found if name == "/TH")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_says_where_it_leads(opened):
    """Links are annotations with words of their own, and lead to this control room and into the report alone."""
    links = [a for page in opened.pages for a in page.get("/Annots", []) if a.Subtype == "/Link"]
    addresses = {str(a.A.URI) for a in links if "/A" in a and "/URI" in a.A}

    assert links
    assert all("/Contents" in link and "/StructParent" in link for link in links)
    assert addresses
    assert all(address.startswith("https://control.example/") for address in addresses)


def test_the_text_is_text_and_begins_with_the_answer(made):
    """The first page can be searched; the first sentence stands before all figures, the decisions with it."""
    first = " ".join(texts(made)[0].split())

    assert first.index("Robots made 1,204 deliveries") < first.index("At a glance") < first.index("Figure Value")
    assert "Open requests have risen for 4 weeks" in first


def test_every_page_is_a4_and_says_sandbox(made):
    """In words at the head, and as a ribbon over the corner."""
    document = pypdfium2.PdfDocument(made)
    for page, text in zip(document, texts(made), strict=True):
        assert page.get_size() == pytest.approx(A4_PT, abs=0.1)
        assert "SANDBOX" in text
        picture = np.asarray(page.render(scale=1, grayscale=True).to_pil())
        # Below the diagonal's middle: 9 mm from the right edge, 9 mm from the top.
        assert picture[34:40, -30:-22].min() < 60


def test_a_report_of_the_real_city_says_nothing_of_a_sandbox():
    """No word and no ribbon."""
    content = encode_pdf(make_example(simulated=False))

    assert not any("SANDBOX" in text.upper() for text in texts(content))


def test_the_same_summary_is_the_same_bytes(made):
    """Its date is that of the period, so nothing in the file changes from making to making."""
    assert encode_pdf(make_example(), "https://control.example") == made


def test_all_fonts_are_inside_of_it(opened):
    """Any printer has what it needs; the font of the text is ours."""
    fonts = {}
    for page in opened.pages:
        for font in page.Resources.get("/Font", {}).values():
            inner = font.DescendantFonts[0]
            fonts[str(font.BaseFont)] = any(key in inner.FontDescriptor for key in ("/FontFile2", "/FontFile3"))

    assert fonts
    assert all(fonts.values())
    assert any("Inter" in name for name in fonts)


def test_in_grey_nothing_is_lost(made):
    """Every mark differs from paper in grey; what is worse differs from the rest by its shape and words."""

    def grey(colour):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert grey(INK) < 60
    assert grey(WORSE) < 80
    # The ground behind words is paper: no text stands on a tint.
    picture = np.asarray(pypdfium2.PdfDocument(made)[0].render(scale=1, grayscale=True).to_pil())
    assert (picture > 250).mean() > 0.8


def test_a_day_of_which_nothing_is_known_has_a_report():
    """It says so, on one page, without figures."""
    pages = texts(encode_pdf(make_empty()))

    assert len(pages) == 1
    assert "Nothing is known of Sunday 1 March 2026" in " ".join(pages[0].split())


def with_note(text):
    table = Table("strange", "Strange", (Column("text", "Text"),), ((text,),), of=1)
    return replace(EXAMPLE, sections=(Section("notes", text or "Notes", tables=(table,), note=text),))


@pytest.mark.parametrize(
    "text",
    [
        "😀 robot 中文 שלום مرحبا \ue000 \U000e0001",
        "a\x00b\x0b\u2028c\ud800".encode("utf-8", "replace").decode(),
        '#set page(width: 1pt) #read("/etc/passwd") $x$ *b* _i_ @ref <label> // /* \\',
        "e\u0301 \u0301 \u200b \u00ad \ufeff",
        "x" * 5_000,
        "",
    ],
)
def test_whatever_somebody_wrote_the_report_can_be_set(text):
    """Characters without a shape are boxes, what looks like a command is text, and long words end nothing."""
    content = encode_pdf(with_note(text))

    assert content.startswith(b"%PDF-")


def test_what_looks_like_a_command_is_printed_as_it_is():
    """Nothing of a note is ever run by the typesetter."""
    assert '#read("/etc/passwd")' in "".join(texts(encode_pdf(with_note('#read("/etc/passwd")'))))


def test_characters_that_are_said_to_have_a_shape_have_one():
    """All of them are set at once under the rules of PDF/UA, which allow no character without a shape."""
    codes = [code for code in range(0x20, 0x2600) if is_shown(code) and code != 0xAD]
    text = " ".join(chr(code) for code in codes)
    page = '#set document(title: "x")\n#set text(font: ("Inter", "DejaVu Sans Mono", "Libertinus Serif"))\n#read("t")'

    assert len(codes) > 500
    typst.compile(
        {"main.typ": page.encode(), "t": text.encode()},
        format="pdf",
        font_paths=pdf._fonts(),
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )


def test_characters_without_a_shape_become_boxes_and_hidden_ones_go():
    """One box for each; joiners and marks of direction are left out."""
    assert shown_text("a😀b\u200dc\td") == "a\u25a1bc d"
