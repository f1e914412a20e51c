#!/bin/sh
# Tells Spark which GPUs a host has, as numbers under CUDA_VISIBLE_DEVICES: for spark.worker.resource.gpu.discoveryScript and
# spark.executor.resource.gpu.discoveryScript. A host without NVIDIA's tools has none.
set -eu
if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then
  # As many as it names; the driver counts them from 0, and none from the first entry on that names no device, such as -1.
  count=0
  for entry in $(printf '%s' "$CUDA_VISIBLE_DEVICES" | tr ',' ' '); do
    case $entry in
      [0-9]* | GPU-* | MIG-*) count=$((count + 1)) ;;
      *) break ;;
    esac
  done
elif ! command -v nvidia-smi > /dev/null 2>&1; then
  echo "nvidia-smi was not found: this host offers no GPU" >&2
  count=0
elif list=$(nvidia-smi --list-gpus); then
  count=$(printf '%s\n' "$list" | grep -c '^GPU ' || true)
else
  echo "nvidia-smi failed, so this host offers no GPU: $list" >&2
  count=0
fi
addresses=
index=0
while [ "$index" -lt "$count" ]; do
  addresses="$addresses${addresses:+, }\"$index\""
  index=$((index + 1))
done
printf '{"name": "gpu", "addresses": [%s]}\n' "$addresses"
