#!/bin/sh
# Tells Spark which GPUs a host has, as numbers under CUDA_VISIBLE_DEVICES: for spark.worker.resource.gpu.discoveryScript and
# spark.executor.resource.gpu.discoveryScript. A host without NVIDIA's tools has none.
set -eu
if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then
  # As many as it names; the driver counts them from 0.
  count=$(printf '%s' "$CUDA_VISIBLE_DEVICES" | tr ',' '\n' | grep -c . || true)
elif command -v nvidia-smi > /dev/null 2>&1; then
  count=$(nvidia-smi --list-gpus | grep -c '^GPU ' || true)
else
  echo "nvidia-smi was not found: this host offers no GPU" >&2
  count=0
fi
addresses=
index=0
while [ "$index" -lt "$count" ]; do
  addresses="$addresses${addresses:+, }\"$index\""
  index=$((index + 1))
done
printf '{"name": "gpu", "addresses": [%s]}\n' "$addresses"
