//go:build differential

package lock

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/org/pyfile/index"
)

// lookupScript reads a query and prints the answer as package index would give it, by a client of its own: it reads whole pages with
// Python and matches by hash. The index is the one that pip is configured for.
const lookupScript = `
import concurrent.futures, json, sys, urllib.parse, urllib.request
from pip._internal.commands import create_command
base = create_command("download").parse_args([])[0].index_url.rstrip("/")
query = json.load(sys.stdin)
def found(p):
    url = base + "/" + p["name"] + "/"
    request = urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        page = json.load(urllib.request.urlopen(request, timeout=60))
    except urllib.error.HTTPError as e:
        return {"name": p["name"], "asked": ["https://index.example/simple/"], "problem": str(e.code)}
    hashes = {f.get("sha256") for f in p.get("files", [])}
    files = [{"name": f["filename"], "url": urllib.parse.urljoin(url, f["url"]), "sha256": f["hashes"].get("sha256"), "size": f.get("size", 0)}
             for f in page["files"] if f["hashes"].get("sha256") in hashes]
    return {"name": p["name"], "asked": ["https://index.example/simple/"], "files": sorted(files, key=lambda f: f["name"])}
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(json.dumps({"packages": list(pool.map(found, query))}))
`

var lookups sync.Map // answers by query, since many projects ask the same

// lookup answers a lock's query from the real index.
func lookup(t *testing.T, query []index.Package) *index.Answer {
	t.Helper()
	data, err := json.Marshal(query)
	if err != nil {
		t.Fatal(err)
	}
	if known, ok := lookups.Load(string(data)); ok {
		return known.(*index.Answer)
	}
	script := filepath.Join(t.TempDir(), "lookup.py")
	if err := os.WriteFile(script, []byte(lookupScript), 0o644); err != nil {
		t.Fatal(err)
	}
	var answer index.Answer
	if err := json.NewDecoder(strings.NewReader(run(t, ".", string(data), "python3", script))).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	lookups.Store(string(data), &answer)
	return &answer
}
