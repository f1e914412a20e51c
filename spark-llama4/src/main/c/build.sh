#!/bin/sh
# Builds the native kernels for every instruction set that this compiler can make, into DIRECTORY/<set>/libsparkllama4.so.
# Without a compiler it says so and succeeds: the Java kernels run then.
#   build.sh DIRECTORY              what is packed into the jar
#   build.sh DIRECTORY emulated     for tests: wider vectors and dot instructions as plain loops
set -eu
source=$(cd "$(dirname "$0")" && pwd)
target=$1
compiler=${CC:-cc}
flags="-std=gnu11 -O3 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wno-psabi"
# Nothing may be computed in another order, or rounded otherwise, than it is written.
flags="$flags -ffp-contract=off -fno-math-errno -fno-tree-reassoc"

if ! command -v "$compiler" > /dev/null 2>&1; then
  echo "No C compiler [$compiler] was found: the build has no native kernels, and the Java kernels run instead." \
    "On Debian: apt-get install gcc" >&2
  exit 0
fi

build() {
  name=$1
  shift
  library=$target/$name/libsparkllama4.so
  newest=$(ls -t "$source"/*.c "$source"/*.h "$source"/build.sh "$library" 2> /dev/null | head -n 1)
  if [ -f "$library" ] && [ "$newest" = "$library" ]; then
    return
  fi
  mkdir -p "$target/$name"
  # shellcheck disable=SC2086 # Flags are words.
  if "$compiler" $flags "$@" -o "$library.new" "$source"/*.c; then
    mv "$library.new" "$library"
  else
    rm -f "$library.new"
    echo "The compiler [$compiler] cannot build the kernels for $name; they are left out." >&2
  fi
}

if [ "${2:-}" = emulated ]; then
  build avx512-vnni -O1 -march=x86-64-v3 -DSL4_EMULATE -DSL4_WIDTH=64 -DSL4_DOT4
  build avx512 -O1 -march=x86-64-v3 -DSL4_EMULATE -DSL4_WIDTH=64 -DSL4_PAIRS
  build avx2-vnni -O1 -march=x86-64-v3 -DSL4_EMULATE -DSL4_WIDTH=32 -DSL4_DOT4
  build narrow -O1 -DSL4_EMULATE -DSL4_WIDTH=16
  exit 0
fi
case $(uname -m) in
  x86_64)
    build x86-64-v3 -march=x86-64-v3
    build x86-64-v3-vnni -march=x86-64-v3 -mavxvnni
    build x86-64-v4 -march=x86-64-v4 -mprefer-vector-width=512
    build x86-64-v4-vnni -march=x86-64-v4 -mavx512vnni -mprefer-vector-width=512
    ;;
  aarch64)
    build armv8 -march=armv8-a
    build armv8.2-dotprod -march=armv8.2-a+dotprod
    ;;
esac
