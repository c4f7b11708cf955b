// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// A site writes the configuration of one cluster "shop" and one pool "shop".
// Zero fields are left out.
type site struct {
	listen  string
	origins []*origin

	pool    string // more of the pool
	cluster string // more of the cluster
	rest    string // more blocks
}

func newSite(t *testing.T, origins ...*origin) site {
	t.Helper()
	return site{listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), origins: origins}
}

// withoutConsole turns the console off where text does not say where it is: boxes
// run side by side, and all would want the same port.
func withoutConsole(text string) string {
	if strings.Contains(text, "console {") {
		return text
	}
	return text + "console { listen = [] }\n"
}

// text returns the configuration. Probes are quick, so that tests are.
func (s site) text() string {
	var b strings.Builder
	for _, o := range s.origins {
		fmt.Fprintf(&b, "server %q { address = %q }\n", o.name, o.addr)
	}
	b.WriteString("pool \"shop\" {\n")
	if !strings.Contains(s.pool, "policy") {
		b.WriteString("  policy = \"round_robin\"\n")
	}
	for _, o := range s.origins {
		fmt.Fprintf(&b, "  member %q {}\n", o.name)
	}
	fmt.Fprintf(&b, "  probe \"http\" {\n    path = \"/health\"\n    interval = \"1s\"\n  }\n%s}\n", s.pool)
	fmt.Fprintf(&b, "cluster \"shop\" {\n  protocol = \"http\"\n  listen = [%q]\n  pool = \"shop\"\n%s}\n%s",
		s.listen, s.cluster, s.rest)
	return withoutConsole(b.String())
}
