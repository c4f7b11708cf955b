// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"encoding/json"
	"strings"
	"testing"

	"evener/firmware/api"
)

func TestViewersDoNotReadSecretsOfTheText(t *testing.T) {
	const one = "metrics {\n  listen = \"127.0.0.1:9100\"\n  token  = \"a-secret-of-old\" # of the collector\n}\npanel { pin = \"27491301\" }\n"
	d := newDesk(t, one)
	admin := by("ann")
	two := strings.Replace(one, "a-secret-of-old", "a-secret-of-now", 1)
	two = strings.Replace(two, "27491301", "27491302", 1)
	must[Put](d, admin, "config.put", args{"text": two})
	for _, c := range []struct {
		method string
		params args
		token  bool // an editor sees it
		pin    bool // and this
	}{
		{"config.text", args{}, true, true},
		{"config.text", args{"revision": 1}, true, true},
		{"config.text", args{"defaults": true}, true, true},
		{"config.text", args{"json": true}, false, false},
		{"config.diff", args{"from": 1, "to": 2}, true, true},
		{"config.object", args{"path": "metrics"}, true, false},
		{"config.object", args{"path": "panel"}, false, true},
		{"config.object", args{}, true, true},
		{"config.values", args{}, false, false},
		{"config.source", args{}, true, true},
		{"config.compare", args{"from": 1, "to": 2}, false, false},
		{"config.history", args{}, false, false},
	} {
		for _, role := range []api.Role{api.Viewer, api.Operator, api.Editor} {
			who := api.Call{Author: "vic", Origin: "console", Role: role}
			raw := string(must[json.RawMessage](d, who, c.method, c.params))
			if got, want := strings.Contains(raw, "a-secret-of"), c.token && role == api.Editor; got != want {
				t.Errorf("%s %v shows the token to the role %v: %v, want %v: %s", c.method, c.params, role, got, want, raw)
			}
			if got, want := strings.Contains(raw, "2749130"), c.pin && role == api.Editor; got != want {
				t.Errorf("%s %v shows the PIN to the role %v: %v, want %v: %s", c.method, c.params, role, got, want, raw)
			}
			if c.method == "config.object" && c.token && !strings.Contains(raw, "127.0.0.1:9100") {
				t.Errorf("%s %v lacks the rest: %s", c.method, c.params, raw)
			}
		}
	}
	refused(d, api.Call{Author: "vic", Role: api.Viewer}, "config.diff", args{}, "auth.role")
}
