#!/bin/sh
# lsfr starts a node with: ./run.sh --port PORT --working-dir DIR [--id ID --peers …]
# exec replaces this shell by the server, so signals reach the server itself. -B keeps
# Python from saving compiled files here: a node writes to its working directory only.
# READS=leader in the environment sends a follower's clients to the leader for reads, too.
exec python3 -B "$(dirname "$0")/server.py" --reads "${READS:-local}" "$@"
