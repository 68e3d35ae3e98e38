"""Makes the files of this folder: python make.py, with pyarrow 25.0.1."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = [
    "", " = A title = \n", None, "", " Bits , bytes and cliffs . \n", "ärger 日本 😀 \n", "", "x" * 300,
    " = = Another one = = \n", "\n\n", "tab\there \n", " Bits , bytes and cliffs . \n",
] * 3

table = pa.table({
    "id": pa.array(range(len(ROWS))),
    "meta": pa.array([{"text": "not this one"}] * len(ROWS)),
    "text": pa.array(ROWS),
})
for codec in ["snappy", "zstd", "gzip", "none"]:
    for dictionary in [True, False]:
        for page in ["1.0", "2.0"]:
            pq.write_table(
                table,
                f"{codec}-{'dictionary' if dictionary else 'plain'}-v{page[0]}.parquet",
                compression=codec, use_dictionary=dictionary, data_page_version=page,
                row_group_size=20, data_page_size=256, write_statistics=False, store_schema=False,
            )
for encoding in ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
    pq.write_table(
        table, f"{encoding.lower()}-v2.parquet", use_dictionary=False, data_page_version="2.0",
        column_encoding={"text": encoding}, row_group_size=20, write_statistics=False, store_schema=False,
    )
pq.write_table(
    pa.table({"sentence": pa.array(["the first", "the second"], type=pa.large_string())}), "sentences.parquet")
pq.write_table(pa.table({"text": pa.array([1, 2]), "label": pa.array(["a", "b"])}), "numbers.parquet")

lines = "".join(json.dumps({"text": row, "url": "x"}) + "\n" for row in ROWS)
with open("rows.jsonl", "w", encoding="utf-8") as file:
    file.write(lines)
with open("rows.json.gz", "wb") as file:
    file.write(gzip.compress(lines.encode(), mtime=0))

# What Python makes of the same rows, by each rule.
with open("joined.json", "w", encoding="utf-8") as file:
    rows = [row or "" for row in pq.read_table("snappy-dictionary-v1.parquet")["text"].to_pylist()]
    json.dump({
        "PARAGRAPHS": "\n\n".join(rows),
        "LINES": "".join(row or " \n" for row in rows),
        "C4": " ".join(rows[:1100]),
        "SENTENCES": " ".join(rows),
    }, file)
