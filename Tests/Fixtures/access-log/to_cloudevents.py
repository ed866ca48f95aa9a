#!/usr/bin/env python3
"""Turns an access log into CloudEvents, a line each: key, a tab, the event. to_cloudevents.py LOG > events.tsv"""
import json
import os
import sys
from datetime import datetime

name = os.path.basename(sys.argv[1])
for number, line in enumerate(open(sys.argv[1]), 1):
    client, stamp, size = line.split(" ", 1)[0], line.split("[")[1].split("]")[0], line.split('" ')[1].split()[1]
    print(client, json.dumps({
        "specversion": "1.0", "id": f"{name}:{number}", "source": "access-log", "type": "web.request", "subject": client,
        "time": datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").isoformat(),
        "data": {"requests": 1, "bytes": 0 if size == "-" else int(size)},
    }, separators=(",", ":")), sep="\t")
