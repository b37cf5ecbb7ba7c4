#!/bin/sh
# lsfr starts a node with: ./run.sh --port PORT --working-dir DIR [--id ID --peers …]
# exec replaces this shell by the server, so signals reach the server itself.
exec node "$(dirname "$0")/server.js" "$@"
