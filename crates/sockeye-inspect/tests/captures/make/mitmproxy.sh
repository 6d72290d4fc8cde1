#!/bin/sh
# sh mitmproxy.sh: mitmproxy in front of Python's websockets -> mitmproxy.flow
# MITMDUMP and PYTHON name other programs than those in the path.
set -eu
port_file=$(mktemp)
"${PYTHON:-python3}" websockets_peer.py 0 >"$port_file" &
server=$!
trap 'kill "$server" "${proxy:-$server}" 2>/dev/null || true; rm -f "$port_file"' EXIT
until [ -s "$port_file" ]; do sleep 0.1; done
rm -f ../mitmproxy.flow
"${MITMDUMP:-mitmdump}" --quiet --mode "reverse:http://127.0.0.1:$(cat "$port_file")" --listen-host 127.0.0.1 --listen-port 18080 \
  -w ../mitmproxy.flow &
proxy=$!
until "${PYTHON:-python3}" -c 'import socket; socket.create_connection(("127.0.0.1", 18080))' 2>/dev/null; do sleep 0.2; done
"${PYTHON:-python3}" websockets_peer.py 18080
kill -INT "$proxy"
wait "$proxy" || true
