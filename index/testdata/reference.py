"""Reads pages of the simple API with pypi-simple and with pip and prints what they see, as JSON.

Standard input: a list of {"project", "url", "type", "file"}. Output: for each page {"pypi_simple": files, "pip": files}, where a file is
[name, address without fragment, sha256 or "", requires-python or "", size or 0]; those of pip have what else it chooses by after that.
"""

import json
import sys
from urllib.parse import urldefrag

from pip._internal.index.collector import IndexContent, parse_links
from pypi_simple import ProjectPage


def simple(page, body):
    if page["type"].endswith("json"):
        parsed = ProjectPage.from_json_data(json.loads(body), page["url"])
    else:
        parsed = ProjectPage.from_html(page["project"], body.decode("utf-8"), page["url"])
    return [
        [p.filename, p.url, p.digests.get("sha256") or "", p.requires_python or "", p.size or 0] for p in parsed.packages
    ]


def pip(page, body):
    content = IndexContent(body, page["type"], "utf-8", page["url"], cache_link_parsing=False)
    files = []
    for link in parse_links(content):
        sha256 = link._hashes.get("sha256", "")
        more = [link.yanked_reason, link._hashes, link.metadata_file_data and link.metadata_file_data.hashes, str(link.upload_time)]
        files.append([link.filename, urldefrag(link.url)[0], sha256, link.requires_python or "", 0, *more])
    return files


answers = []
for page in json.load(sys.stdin):
    with open(page["file"], "rb") as f:
        body = f.read()
    answers.append({"pypi_simple": simple(page, body), "pip": pip(page, body)})
json.dump(answers, sys.stdout)
