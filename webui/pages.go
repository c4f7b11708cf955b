// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// pages are the built files of the console. Names under assets/ have a hash of
// what is in them, so that a browser may keep those for ever.
type pages struct {
	tree fs.FS
	tags map[string]string // ETag by name; nil: the files may change at any time
}

// newPages returns the pages in tree. Those of a fixed tree are hashed once.
func newPages(tree fs.FS, fixed bool) (*pages, error) {
	p := &pages{tree: tree}
	if !fixed {
		return p, nil
	}
	tags := make(map[string]string)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(tree, name)
		tags[name] = tagOf(b)
		return err
	})
	p.tags = tags
	return p, err
}

// tagOf returns the ETag of a content.
func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// placeholder is what a program without the built pages shows. It has no style
// and no script: the policy for contents allows neither in the page itself.
const placeholder = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Evener</title></head><body>
<h1>The pages of the console are not in this program</h1>
<p>It was built by <code>go build</code> alone. Run <code>make build</code> in its source tree, which needs Node.js and
npm, and start the program <code>build/evener</code> that it writes.</p>
<p>Everything else works: the box serves its clients, and the command line and the API can do what the console does.</p>
</body></html>
`

// ServeHTTP answers GET and HEAD for everything that is not the API. A path that
// names no file is one of the pages' own: they share index.html.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "pages can be read only", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	asset := strings.HasPrefix(name, "assets/")
	if !p.has(name) {
		if asset {
			http.Error(w, "there is no such file; a newer version may have been installed: load the page again", http.StatusNotFound)
			return
		}
		name = "index.html"
	}
	if name == "index.html" && !p.has(name) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, placeholder)
		return
	}
	cache := "no-cache"
	if asset && p.tags != nil {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	p.send(w, r, name)
}

// has says whether name is one of the files to serve: no folder, none that
// begins with a dot, and nothing outside of the tree, which fs.ValidPath sees to.
func (p *pages) has(name string) bool {
	if !fs.ValidPath(name) || strings.HasPrefix(path.Base(name), ".") || strings.HasSuffix(name, "/") {
		return false
	}
	if p.tags != nil {
		_, ok := p.tags[name]
		return ok
	}
	st, err := fs.Stat(p.tree, name)
	return err == nil && st.Mode().IsRegular()
}

// send answers with the file, or with its smaller twin that the build has made.
func (p *pages) send(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Add("Vary", "Accept-Encoding")
	file := name
	for _, c := range [...]struct{ coding, ext string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if accepts(r.Header.Values("Accept-Encoding"), c.coding) && p.has(name+c.ext) {
			file = name + c.ext
			h.Set("Content-Encoding", c.coding)
			break
		}
	}
	body, err := fs.ReadFile(p.tree, file)
	if err != nil {
		h.Del("Content-Encoding")
		code := http.StatusInternalServerError
		if errors.Is(err, fs.ErrNotExist) {
			code = http.StatusNotFound
		}
		http.Error(w, "the file cannot be read", code)
		return
	}
	tag, ok := p.tags[file]
	if !ok {
		tag = tagOf(body)
	}
	h.Set("ETag", tag)
	if matches(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that has left misses nothing
	}
}

// contentType returns the media type of a built file by its name alone: the
// tables of the system that we run on must not matter.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".txt", ".map":
		return "text/plain; charset=utf-8"
	case ".html", ".css", ".json", ".svg", ".png", ".webp", ".wasm", ".pdf":
		return mime.TypeByExtension(ext)
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}

// accepts says whether Accept-Encoding (RFC 9110 section 12.5.3) names the
// coding. The wildcard is not taken: whoever can read br says so.
func accepts(values []string, coding string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && weight > 0
	}
	return false
}

// matches says whether If-None-Match names tag, compared weakly (RFC 9110
// section 13.1.2).
func matches(values []string, tag string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == tag || item == "*" {
			return true
		}
	}
	return false
}
