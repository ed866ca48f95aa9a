#!/usr/bin/env python3
"""Computes what the demo must find in an access log of one month: expect.py LOG LIMIT

Shares no code with upselld: clients and sizes by splitting lines.
"""
import collections
import json
import sys

requests, traffic = collections.Counter(), collections.Counter()
for line in open(sys.argv[1]):
    client, size = line.split(" ", 1)[0], line.split('" ')[1].split()[1]
    requests[client] += 1
    traffic[client] += 0 if size == "-" else int(size)
limit = int(sys.argv[2])
reached = {str(percent): sum(count * 100 >= limit * percent for count in requests.values()) for percent in (80, 90, 100)}
print(json.dumps({
    "events": sum(requests.values()), "accounts": len(requests), "triggers": reached,
    "bandwidth": sum(traffic.values()), "busiest": dict(requests.most_common(5)), "heaviest": dict(traffic.most_common(3)),
}))
