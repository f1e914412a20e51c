#!/usr/bin/env bash
# Makes the small model and its held-out tickets from nothing: generator, tokenizer, training, export, evaluation.
# Usage: tools/small-model/make.sh [work folder, default target/small-model]
# Needs JAVA_HOME of a JDK 25 and python3.11; takes about an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tools/small-model
work=${1:-target/small-model}
model=examples/models/tickets
mkdir -p "$work/classes"

export PYTHONDONTWRITEBYTECODE=1
if [ ! -x "$work/venv/bin/python" ]; then
  "${PYTHON:-python3.11}" -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --requirement $here/requirements.txt
fi
python="$work/venv/bin/python"

# The generator needs nothing but the JDK; the annotation of its package-info is for checkers.
"$JAVA_HOME/bin/javac" -d "$work/classes" $(ls examples/src/main/java/io/sparkllama4/examples/tickets/*.java | grep -v package-info)
generate() {
  "$JAVA_HOME/bin/java" -cp "$work/classes:examples/src/main/resources" io.sparkllama4.examples.tickets.GenerateTickets "$@"
}
generate training 54000 2025 "$work/training.jsonl"
generate held-out 240 7 "$work/held-out.jsonl"

"$python" $here/write_parquet.py --tickets "$work/held-out.jsonl" --out examples/data/tickets-held-out.parquet
"$python" $here/train_tokenizer.py --tickets "$work/training.jsonl" --out "$work/tokenizer"
train() {
  "$python" $here/train.py --tickets "$work/training.jsonl" --tokenizer "$work/tokenizer" "$@"
}
train --count 42000 --seed 1 --out "$work/first.pt" | tee "$work/first.log"
# The first run hardly learns the priority, which no word of the ticket spells out.
train --start "$work/first.pt" --skip 42000 --count 12000 --echoes 0 --priority-weight 6 \
  --matrix-lr 1.5e-3 --lr 3e-3 --seed 2 --out "$work/trained.pt" | tee "$work/second.log"
"$python" $here/export.py --trained "$work/trained.pt" --tokenizer "$work/tokenizer" --out $model
"$python" $here/evaluate.py --checkpoint $model --tickets "$work/held-out.jsonl" \
  --report "$work/report.json" --errors "$work/errors.jsonl" --reference src/test/resources/tickets/greedy.json
