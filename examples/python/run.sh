#!/bin/sh
# lsfr starts a node with: ./run.sh --port PORT --working-dir DIR
# exec replaces this shell by the server, so signals reach the server itself.
exec python3 "$(dirname "$0")/server.py" "$@"
