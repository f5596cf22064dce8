    #!/bin/bash
    LOGFILE="/usr/local/redis2/var/keepalived-redis-state.log"
    echo "[fault]" >> $LOGFILE
    date >> $LOGFILE
