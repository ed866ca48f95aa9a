#!/usr/bin/env python3
"""Writes a web access log in combined format: generate.py LINES SEED > access.log

One month, heavy-tailed clients, bursts, lines up to ten minutes out of order, some sizes `-`, several zone offsets.
"""
import random
import sys
from datetime import datetime, timedelta, timezone

lines, seed = int(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
clients = [f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}" for _ in range(max(10, lines // 40))]
weights = [1 / (rank + 1) ** 0.9 for rank in range(len(clients))]
start = datetime(2015, 6, 1, 0, 30, tzinfo=timezone.utc)
zones = [timezone(timedelta(hours=hours, minutes=minutes)) for hours, minutes in ((0, 0), (2, 0), (-7, 0), (5, 30))]
step = timedelta(days=28) / lines
for number in range(lines):
    moment = start + step * number - timedelta(seconds=draw.randrange(600))
    client = draw.choices(clients, weights)[0] if draw.random() > 0.02 else clients[0]
    size = "-" if draw.random() < 0.05 else str(draw.randrange(200, 2_000_000))
    stamp = moment.astimezone(draw.choice(zones)).strftime("%d/%b/%Y:%H:%M:%S %z")
    print(f'{client} - - [{stamp}] "GET /page/{draw.randrange(500)} HTTP/1.1" 200 {size} "-" "Mozilla/5.0 (X11)"')
