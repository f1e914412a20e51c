"""Writes held-out tickets as the Parquet file that the demo reads."""

import argparse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from samples import read_tickets

COLUMNS = ("id", "language", "text", "queue", "fields", "summary")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=Path, required=True, help="JSONL of held-out tickets")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    tickets = read_tickets(options.tickets)
    assert len({ticket["text"] for ticket in tickets}) == len(tickets), "two tickets have the same text"
    schema = pa.schema([pa.field(name, pa.string(), nullable=False) for name in COLUMNS])
    table = pa.table({name: [ticket[name] for ticket in tickets] for name in COLUMNS}, schema=schema)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, options.out, compression="snappy", store_schema=False)
    print(f"{len(tickets)} tickets, {options.out.stat().st_size} bytes in {options.out}")


if __name__ == "__main__":
    main()
