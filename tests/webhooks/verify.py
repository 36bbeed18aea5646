"""Verifies webhooks with the standard's own library.

Standard input: JSON lines {"secret", "headers", "body"}. Ends with 0 if every one is genuine; otherwise says which is not.
"""

import json
import sys

from standardwebhooks import Webhook

count = 0
for line in sys.stdin:
    request = json.loads(line)
    Webhook(request["secret"]).verify(request["body"], request["headers"])
    count += 1
print(count)
