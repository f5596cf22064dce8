#!/bin/sh
ALIVE=$(/usr/local/redis2/bin/redis-cli -h 192.168.1.113 -p 6379 -a 123 PING)
MDB=/usr/local/redis2/master_dump.rdb
SDB=/usr/local/redis2/slave_dump.rdb

if [ "$ALIVE" == "PONG" ]; then
    echo $ALIVE
    scp root@192.168.1.113:$SDB  $MDB
    else
    echo $ALIVE
    exit 1
fi

/usr/local/redis2/bin/redis-server /usr/local/redis2/etc/redis.conf
/usr/local/keepalived/sbin/keepalived -D -f

/usr/local/keepalived/etc/keepalived/keepalived.conf
