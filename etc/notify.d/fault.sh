#!/bin/sh
# This host cannot lead: its server, its network or its data are not in order. Worth a page when
# the other host cannot either.
# Called without arguments; master.sh lists the TANDEM_* variables.
set -u

logger -t tandem-notify -p daemon.err -- \
  "${TANDEM_PAIR:-pair}: cannot lead (${TANDEM_REASON:-no reason given})"
