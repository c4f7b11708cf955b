// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// faults are packages and files whose errors reach a page inside those of others, such
// as a disk that is full behind what was not saved: all that they make must be in the
// catalogue.
var faults = []string{
	"firmware/audit",
	"firmware/backup",
	"firmware/blackbox",
	"firmware/capture",
	"firmware/certs/acmerun.go", "firmware/certs/acmestate.go", "firmware/certs/bundle.go", "firmware/certs/chain.go",
	"firmware/certs/crl.go", "firmware/certs/hostname.go", "firmware/certs/key.go", "firmware/certs/limits.go",
	"firmware/certs/pair.go", "firmware/certs/pem.go", "firmware/certs/pkcs12.go", "firmware/certs/request.go",
	"firmware/certs/requestcheck.go", "firmware/certs/set.go", "firmware/certs/upstream.go",
	"firmware/diag",
	"firmware/event",
	"firmware/manage/certificate.go", "firmware/manage/request.go",
	"firmware/netconf/lease.go",
	"firmware/stats/query.go",
	"firmware/store/runtime.go", "firmware/store/vault.go", "firmware/store/vaultall.go", "firmware/store/vaultaside.go",
	"firmware/upgrade/fetch.go", "firmware/upgrade/stick.go",
	"hal/bypass",
	"hal/nic/qsfp.go", "hal/nic/sfp.go",
	"image/slot/bundle.go", "image/slot/writer.go",
}

// notTold are errors in those packages that no page shows.
var notTold = map[string]string{
	"at least one certificate is needed":                                       "of a programming error",
	"own CAs and no verification contradict each other; leave one of them out": "as mistake.verify_ca, which comes before it",
	"the writer is closed":                                                     "of a programming error",
	"close audit log: {} records were not written: {}":                         "of the log, at the end of the engine",
}

// fault returns the text of an error that a call makes, of one that a page may show.
func fault(path string, c *ast.CallExpr) (text string, ok bool) {
	f, isSelector := c.Fun.(*ast.SelectorExpr)
	if !isSelector || len(c.Args) == 0 || !slices.Contains(faults, path) && !slices.Contains(faults, filepath.Dir(path)) {
		return "", false
	}
	if x, isName := f.X.(*ast.Ident); !isName || x.Name+"."+f.Sel.Name != "fmt.Errorf" && x.Name+"."+f.Sel.Name != "errors.New" {
		return "", false
	}
	text, ok = formOf(c.Args[0])
	return text, ok && notTold[text] == ""
}

func TestEveryFaultThatIsLeftOutIsMade(t *testing.T) {
	s := sourceOf(t)
	for text := range notTold {
		if !s.forms[text] {
			t.Errorf("nobody says %q any more", text)
		}
	}
	for _, at := range faults {
		if !slices.ContainsFunc(s.files, func(path string) bool { return path == at || strings.HasPrefix(path, at+"/") }) {
			t.Errorf("there is no %s", at)
		}
	}
}
