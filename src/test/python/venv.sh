#!/bin/sh
# Makes a Python environment with PySpark in the directory $1, or leaves the one that is there and current.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=$1

if [ -f "$home/requirements.txt" ] && cmp -s "$here/requirements.txt" "$home/requirements.txt"; then
  exit 0
fi
python=$(command -v python3) || {
  echo "The tests of the clients need Python 3.10 or newer with its module venv; python3 is not on the PATH." >&2
  echo "  install: apt-get install python3-venv (Debian, Ubuntu), dnf install python3 (Fedora), brew install python" >&2
  exit 1
}
rm -rf "$home"
"$python" -m venv "$home" || {
  echo "$python has no module venv: apt-get install python3-venv (Debian, Ubuntu)" >&2
  exit 1
}
"$home/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
# Last, so that an environment that was interrupted is made again.
cp "$here/requirements.txt" "$home/requirements.txt"
