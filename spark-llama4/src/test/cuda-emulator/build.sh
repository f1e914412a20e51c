#!/bin/sh
# Compiles the kernels with the emulated driver for this processor.
#   build.sh OUTDIR [KERNEL_DIR]               OUTDIR/libcuda-emulated.so
#   build.sh OUTDIR [KERNEL_DIR] --self-test   OUTDIR/self-test as well: ends with 1 where the emulator does not do what it says
#   build.sh OUTDIR [KERNEL_DIR] --asan        both with AddressSanitizer (OUTDIR another than without)
#   build.sh OUTDIR [KERNEL_DIR] --races       both with a look at each access of kernels: races, bounds, shared memory not written
# Each source has an object of its own, which is compiled again only where it, a header or the options changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1
shift
kernels=$here/../../main/cuda
test=
asan=
races=
for argument; do
  case $argument in
    --self-test) test=yes ;;
    --asan) asan=yes test=yes ;;
    --races) races=yes test=yes ;;
    -*) echo "build.sh: unknown option [$argument]" >&2; exit 2 ;;
    *) kernels=$argument ;;
  esac
done
compiler=${CXX:-g++}
flags="-std=c++17 -O2 -g1 -fPIC -fvisibility=hidden -fno-gnu-unique -fdata-sections -fno-strict-aliasing"
# Sums as they are written.
flags="$flags -ffp-contract=off -fno-math-errno -U_FORTIFY_SOURCE -Wall -Wextra -Wno-unknown-pragmas"
link="-Wl,-T,$here/shared.ld"
if [ -n "$asan" ]; then
  flags="$flags -fsanitize=address -fno-omit-frame-pointer"
  link="-fsanitize=address"
fi

if [ -n "$races" ]; then
  flags="$flags -DEMULATOR_RACES"
fi

if ! command -v "$compiler" > /dev/null 2>&1; then
  echo "No C++ compiler [$compiler] was found; the emulated CUDA driver needs one. On Debian: apt-get install g++" >&2
  exit 1
fi

mkdir -p "$target/objects"
headers=$(cat "$here"/*.hpp "$here"/self-test/*.hpp "$here/shared.ld" "$kernels"/*.cuh "$here/build.sh" | cksum)

# compile SOURCE: names the object in $objects.
compile() {
  object=$target/objects/$(basename "$1").o
  each=$flags
  case $races$1 in
    # The calls before accesses: their library is not linked.
    yes*.cu) each="$each -fsanitize=thread --param tsan-instrument-func-entry-exit=0" ;;
  esac
  digest="$compiler $each $headers $(cksum < "$1")"
  if [ ! -f "$object" ] || [ ! -f "$object.digest" ] || [ "$(cat "$object.digest")" != "$digest" ]; then
    # shellcheck disable=SC2086
    "$compiler" $each -I"$here" -I"$kernels" -x c++ -c "$1" -o "$object.new"
    mv "$object.new" "$object"
    printf '%s' "$digest" > "$object.digest"
  fi
  objects="$objects $object"
}

# finish FILE OPTIONS: links $objects, unless the file has been made of just these.
finish() {
  file=$1
  shift
  digest="$* $(cat $objects | cksum)"
  if [ ! -f "$file" ] || [ "$(cat "$file.digest" 2> /dev/null)" != "$digest" ]; then
    # shellcheck disable=SC2086
    "$compiler" "$@" $objects -o "$file.new" -lpthread
    mv "$file.new" "$file"
    printf '%s' "$digest" > "$file.digest"
  fi
}

objects=
for source in "$here"/*.cpp "$kernels"/*.cu; do
  compile "$source"
done
finish "$target/libcuda-emulated.so" -shared $link
if [ -n "$test" ]; then
  for source in "$here"/self-test/*.cpp "$here"/self-test/*.cu; do
    compile "$source"
  done
  finish "$target/self-test" $link
fi
