"""All forms of a summary, each made of the Summary alone; the same summary is the same bytes.

as_json    encode_json(summary) -> bytes; summary.schema.json is what it keeps to
sheets     encode_csv(sheet, header), encode_csv_zip(summary), write_csv(summary, folder)
workbook   encode_xlsx(summary) -> bytes
pdf        encode_pdf(summary, base) -> bytes: A4, tagged, PDF/UA-1 (report.typ)
mail       build_mail(summary, base) -> Mail: subject, plain text, HTML
page       build_page(summary, ...) -> HTML text of /daily/2026-11-21, or a file of its own
service    DailyService: all of them over HTTP
words      what they all say of a figure;  markup  trees of elements;  ../charts  the pictures

`base` is the address of this control room (https://control.example), for links;
empty where there is none, and then there are no links.
"""
