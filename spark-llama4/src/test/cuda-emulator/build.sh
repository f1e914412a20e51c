#!/bin/sh
# Compiles the kernels with the emulated driver for this processor.
#   build.sh OUTDIR [KERNEL_DIR]          OUTDIR/libcuda-emulated.so
# Each source has an object of its own, which is compiled again only where it, a header or the options changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1
kernels=${2:-$here/../../main/cuda}
compiler=${CXX:-g++}
flags="-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -fno-strict-aliasing -fno-gnu-unique -fdata-sections -U_FORTIFY_SOURCE -Wall -Wextra"
# Sums as they are written.
flags="$flags -ffp-contract=off -fno-math-errno"

if ! command -v "$compiler" > /dev/null 2>&1; then
  echo "No C++ compiler [$compiler] was found; the emulated CUDA driver needs one. On Debian: apt-get install g++" >&2
  exit 1
fi

mkdir -p "$target/objects"
headers=$(cat "$here"/*.hpp "$here/shared.ld" "$kernels"/*.cuh "$here/build.sh" | cksum)

# compile SOURCE: names the object in $objects.
compile() {
  object=$target/objects/$(basename "$1").o
  digest="$compiler $flags $headers $(cksum < "$1")"
  if [ ! -f "$object" ] || [ ! -f "$object.digest" ] || [ "$(cat "$object.digest")" != "$digest" ]; then
    # shellcheck disable=SC2086
    "$compiler" $flags -I"$here" -I"$kernels" -x c++ -c "$1" -o "$object.new"
    mv "$object.new" "$object"
    printf '%s' "$digest" > "$object.digest"
    changed=yes
  fi
  objects="$objects $object"
}

objects=
changed=
for source in "$here"/*.cpp "$kernels"/*.cu; do
  compile "$source"
done
library=$target/libcuda-emulated.so
list=$(printf '%s' "$objects" | cksum)
if [ -n "$changed" ] || [ ! -f "$library" ] || [ "$(cat "$library.objects" 2> /dev/null)" != "$list" ]; then
  # shellcheck disable=SC2086
  "$compiler" -shared -Wl,-T,"$here/shared.ld" $objects -o "$library.new" -lpthread
  mv "$library.new" "$library"
  printf '%s' "$list" > "$library.objects"
fi
