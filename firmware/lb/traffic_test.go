// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
	"testing"

	"evener/firmware/config"
	"evener/firmware/persist"
)

// What only compiling finds is reported with the block that it stands in.
func TestCheckReportsWhatCannotBeChanged(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"sound", `request_headers = ["set X $client_ip"]`, ""},
		{"variable", `request_headers = ["set X $client_pi"]`, `test:11:20: cluster "c": request_headers: "set X $client_pi": `},
		{"second line", "answer_headers = [\n\"set X a\",\n  \"set Content-Length 1\",\n]", `test:13:3: cluster "c": answer_headers: "set Content-Length 1": `},
		{"protected", `answer_headers = ["set Content-Length 1"]`, `cluster "c": answer_headers: "set Content-Length 1": Content-Length may not be changed`},
		{"prefix", "rewrite {\nprefix = \"api\"\nto = \"/\"\n}", `test:11:1: cluster "c": rewrite: a path begins with a slash`},
		{"neither", "rewrite {\nto = \"/\"\n}", `cluster "c": rewrite: a URL is rewritten by a prefix or by a regular expression`},
		{"rule", "rule \"r\" {\nwhen = any()\nrequest_headers = [\"set Host a b\"]\n}", `test:13:20: cluster "c" rule "r": request_headers: "set Host a b": `},
		{"types", "compress {\ntypes = [\"text\"]\n}", `cluster "c" compress: types: "text" is no media type`},
		{"preload", "hsts = \"1d\"\nhsts_preload = true", `cluster "c": hsts: to be preloaded, a site must promise a year`},
	} {
		protocol := "http"
		if strings.HasPrefix(tt.text, "hsts") {
			protocol = "https"
		}
		text := "server \"s\" { address = \"127.0.0.1:1\" }\n\npool \"p\" {\n  member \"s\" {}\n}\n\ncluster \"c\" {\n" +
			"protocol = \"" + protocol + "\"\nlisten = [\"127.0.0.1:80\"]\npool = \"p\"\n" + tt.text + "\n}\n"
		_, found := config.ParseWith("test", []byte(text), Check)
		got := ""
		if found.HasErrors() {
			got = found.Error()
		}
		if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%s: found %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What is rewritten is told with both targets, and why it cannot be sent.
func TestExplainTellsOfRewriting(t *testing.T) {
	b := newRunning(t, Config{Loops: 1, Keys: []persist.Key{{ID: 1}}})
	text := fmt.Sprintf(explainText, freePort(t))
	text = strings.Replace(text, "  pool     = \"kept\"\n", "  pool     = \"kept\"\n  request_headers = [\"set Host $header_to\"]\n"+
		"  rewrite {\n    prefix = \"/api\"\n    to = \"/v2\"\n  }\n", 1)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	a, err := b.Explain(Question{URL: "/api/x?y", Fields: []string{"To: a"}}, nil)
	if err != nil || a.RawPath != "/api/x" || a.Target != "/v2/x?y" || !strings.HasPrefix(a.Forwarded, "GET /v2/x?y HTTP/1.1\r\nHost: a\r\n") {
		t.Errorf("Explain = %q to %q, %q, %v", a.RawPath, a.Target, a.Forwarded, err)
	}
	a, err = b.Explain(Question{URL: "/", Fields: []string{"To: a b"}}, nil)
	if err != nil || a.Status != 500 || a.Words != "the new Host is no host" || a.Label != "internal" {
		t.Errorf("Explain = %d, %q, %q, %v, want 500 and why", a.Status, a.Words, a.Label, err)
	}
}
