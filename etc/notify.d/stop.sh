#!/bin/sh
# The agent on this host stops; the VIP is gone from here.
# Called without arguments; master.sh lists the TANDEM_* variables.
set -u

logger -t tandem-notify -p daemon.notice -- \
  "${TANDEM_PAIR:-pair}: agent stopped (${TANDEM_REASON:-no reason given})"
