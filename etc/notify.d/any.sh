#!/bin/sh
# Every change of state, after the script of that state, with the arguments of keepalived:
#   $1 INSTANCE   $2 name of the pair   $3 MASTER, BACKUP, FAULT or STOP   $4 priority
set -u

if [ "$#" -lt 4 ]; then
  echo "usage: $0 INSTANCE NAME STATE PRIORITY" >&2
  exit 2
fi

logger -t tandem-notify -p daemon.info -- "$2: $3, priority $4"
