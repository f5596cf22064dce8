#!/bin/bash
ALIVE=$(/usr/local/redis2/bin/redis-cli -h 192.168.1.112 -p 6379 -a 123 PING)

if [ "$ALIVE" == "PONG" ]; then
    echo $ALIVE
    exit 0
    else
    echo $ALIVE
    killall -9 keepalived
    service network restart
    exit 1
fi
