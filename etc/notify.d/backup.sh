#!/bin/sh
# This host is a standby: its server is a replica and the VIP is gone from here.
# Called without arguments; master.sh lists the TANDEM_* variables.
set -u

logger -t tandem-notify -p daemon.notice -- \
  "${TANDEM_PAIR:-pair}: standing by (${TANDEM_REASON:-no reason given})"
