// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// module is the prefix of our own packages.
const module = "evener/"

// anything is the row of a package that wires the others together.
const anything = "*"

// mayImport says for each package which other packages of ours it may import,
// as docs/ARCHITECTURE.md explains. A package without a row is an error, so
// that nobody adds one without a thought about its place.
var mayImport = map[string]string{
	"board":              "",
	"firmware/accesslog": "",
	"firmware/alert":     "firmware/event",
	"firmware/api":       "firmware/phrase",
	"firmware/audit":     "firmware/durable",
	"firmware/auth":      "",
	"firmware/backup":    "",
	"firmware/balance":   "firmware/pool",
	"firmware/certs":     "",
	"firmware/blackbox":  "",
	"firmware/capture":   "",
	"firmware/compress":  "",
	"firmware/config":    "",
	"firmware/console":   "firmware/api firmware/support",
	"firmware/diag":      "",
	"firmware/demo":      "",
	"firmware/durable":   "",
	"firmware/e2e":       "firmware/api firmware/manage",
	"firmware/event":     "firmware/durable",
	"firmware/health":    "",
	"firmware/http1":     "firmware/message",
	"firmware/http2":     "firmware/message",
	"firmware/l4": "firmware/reactor firmware/pool firmware/balance firmware/persist firmware/stats " +
		"firmware/accesslog firmware/tlsconn firmware/proxyproto",
	"firmware/l7": "firmware/reactor firmware/pool firmware/balance firmware/persist firmware/stats " +
		"firmware/accesslog firmware/message firmware/http1 firmware/http2 firmware/match firmware/tlsconn " +
		"firmware/compress firmware/proxyproto firmware/rewrite",
	"firmware/lb": "firmware/config firmware/reactor firmware/message firmware/http1 firmware/http2 " +
		"firmware/match firmware/pool firmware/balance firmware/persist firmware/l4 firmware/l7 " +
		"firmware/health firmware/stats firmware/accesslog firmware/tlsconn firmware/certs " +
		"firmware/compress firmware/proxyproto firmware/rewrite",
	"firmware/lab":     "firmware/api firmware/manage firmware/store",
	"firmware/logring": "",
	"firmware/manage": "firmware/accesslog firmware/alert firmware/api firmware/audit firmware/auth firmware/backup firmware/certs firmware/capture firmware/config firmware/diag firmware/durable firmware/event firmware/health firmware/lb firmware/logring " +
		"firmware/blackbox firmware/match firmware/netconf firmware/ntp firmware/persist firmware/phrase firmware/stats firmware/store firmware/supervise firmware/support firmware/upgrade",
	"firmware/match":   "firmware/message",
	"firmware/menu":    "",
	"firmware/message": "",
	"firmware/netconf": "firmware/durable",
	"firmware/ntp":     "",
	"firmware/persist": "firmware/durable firmware/pool",
	"firmware/phrase":  "firmware/config firmware/event", // of its tests
	"firmware/plays": "firmware/certs firmware/config firmware/http1 firmware/http2 firmware/l7 firmware/lb " +
		"firmware/persist firmware/stats firmware/tlsconn",
	"firmware/policy":     "",
	"firmware/pool":       "",
	"firmware/proxyproto": "",
	"firmware/reactor":    "",
	"firmware/recovery":   "firmware/auth firmware/config firmware/durable firmware/store",
	"firmware/rewrite":    "firmware/message",
	"firmware/stats":      "firmware/durable",
	"firmware/store":      "firmware/durable",
	"firmware/supervise":  "",
	"firmware/support":    "",
	"firmware/tlsconn":    "firmware/reactor",
	"firmware/upgrade":    "firmware/durable image/slot",
	"firmware/pid1":       "firmware/durable",
	"ha":                  "ha/vrrp ha/announce ha/handoff ha/heartbeat ha/wire",
	"ha/announce":         "",
	"ha/handoff":          "",
	"ha/heartbeat":        "",
	"ha/mirror":           "",
	"ha/vrrp":             "",
	"ha/wire":             "ha/announce",
	"hal":                 "board hal/bypass hal/input hal/lcd hal/led hal/nic hal/sensor hal/serial hal/watchdog",
	"hal/bypass":          "",
	"hal/input":           "",
	"hal/lcd":             "hal/serial",
	"hal/led":             "",
	"hal/nic":             "",
	"hal/sensor":          "",
	"hal/serial":          "",
	"hal/watchdog":        "",
	"image":               "image/fat image/gpt image/kmod image/slot",
	"image/cmd/boot":      "image/qemu",
	"image/cmd/init":      "image/early",
	"image/cmd/mkimage":   "board image image/fat image/gpt image/kmod image/slot",
	"image/cmd/modprobe":  "image/kmod",
	"image/early":         "image/kmod image/slot",
	"image/fat":           "",
	"image/flash":         "image/fat image/gpt image/slot",
	"image/gpt":           "",
	"image/kmod":          "",
	"image/qemu":          "firmware/lab hal/lcd image image/fat image/slot",
	"image/slot":          "image/fat image/gpt",
	"webui":               "",

	"firmware/cmd/bench":  anything,
	"firmware/cmd/lab":    anything,
	"firmware/cmd/evener": anything,
}

// fakeOf returns the package whose fake lies in dir: <pkg>test beside it, or
// within it where its parent is the top of the tree.
func fakeOf(dir string) (real string, fake bool) {
	if parent := path.Dir(dir); path.Base(dir) == path.Base(parent)+"test" {
		return parent, true
	}
	return strings.CutSuffix(dir, "test")
}

// allowed returns the packages that dir may import. A fake in <pkg>test may
// import what pkg may, and pkg.
func allowed(dir string) (list []string, known bool) {
	row, known := mayImport[dir]
	if real, fake := fakeOf(dir); !known && fake {
		row, known = mayImport[real]
		row += " " + real
	}
	return strings.Fields(row), known
}

func TestOwnImportsFollowTheTable(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range goFiles(t) {
		list, known := allowed(f.dir())
		if !known && !seen[f.dir()] {
			t.Errorf("%s: this package has no row in mayImport (firmware/policy/imports_test.go); "+
				"add one that says what it may import", f.dir())
		}
		seen[f.dir()] = true
		if !known || slices.Contains(list, anything) {
			continue
		}
		for _, p := range f.imports(t) {
			p, own := strings.CutPrefix(p, module)
			if !own || p == f.dir() || slices.Contains(list, p) {
				continue
			}
			if real, fake := fakeOf(p); f.isTest() && fake &&
				(real == f.dir() || slices.Contains(list, real)) {
				continue // a test may use the fakes of what it may use
			}
			t.Errorf("%s: imports %s; %s may import only [%s]: declare a small interface where it is needed "+
				"and let firmware/cmd/evener hand the value in", f.name, p, f.dir(), strings.Join(list, " "))
		}
	}
}

func TestFirmwareHaAndHalAreStrangers(t *testing.T) {
	part := func(p string) string {
		top, _, _ := strings.Cut(p, "/")
		if top == "firmware" || top == "ha" || top == "hal" {
			return top
		}
		return ""
	}
	for _, f := range goFiles(t) {
		if mayImport[f.dir()] == anything || part(f.dir()) == "" {
			continue
		}
		for _, p := range f.imports(t) {
			other := part(strings.TrimPrefix(p, module))
			if strings.HasPrefix(p, module) && other != "" && other != part(f.dir()) {
				t.Errorf("%s: imports %s; firmware, ha and hal never import each other", f.name, p)
			}
		}
	}
}

func TestTableAllowsNoCycle(t *testing.T) {
	var visit func(dir string, above []string)
	visit = func(dir string, above []string) {
		if slices.Contains(above, dir) {
			t.Errorf("mayImport has a cycle: %s", strings.Join(append(above, dir), " → "))
			return
		}
		list, known := allowed(dir)
		if !known && dir != anything {
			t.Errorf("mayImport names %s, which has no row", dir)
		}
		for _, p := range list {
			visit(p, append(above, dir))
		}
	}
	for dir := range mayImport {
		visit(dir, nil)
	}
}
