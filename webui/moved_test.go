// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyTheWorkerMayConnectElsewhere: the page that looks for the console at its
// new address has no more rights than any other; its worker may ask, and gets an
// answer that other pages may see.
func TestOnlyTheWorkerMayConnectElsewhere(t *testing.T) {
	dir := built(t)
	if err := os.WriteFile(filepath.Join(dir, "assets", "reach-1.js"), []byte("ask"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dir, nil)
	for path, want := range map[string]string{"/assets/reach-1.js": reachPolicy, "/assets/app-1.js": policy, "/": policy, "/reach-1.js": policy} {
		if got := r.do("GET", path, "").Header.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: policy %q, want %q", path, got, want)
		}
	}
	if strings.Contains(reachPolicy, "script-src") {
		t.Errorf("the worker may load scripts: %q", reachPolicy)
	}
}

func TestHereAnswersOtherPages(t *testing.T) {
	r := newRig(t, built(t), nil)
	a := r.do("GET", "/api/v1/here", "", "Sec-Fetch-Site", "cross-site")
	if a.StatusCode != 204 || a.body != "" || a.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("GET here: %d %q %v", a.StatusCode, a.body, a.Header)
	}
	if a := r.do("POST", "/api/v1/here", ""); a.StatusCode == 204 || a.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("POST here: %d %v", a.StatusCode, a.Header)
	}
}
