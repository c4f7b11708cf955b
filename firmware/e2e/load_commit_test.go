// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"

	"evener/firmware/manage"
)

// variant returns a configuration that differs from its neighbours in what a
// commit may change while it serves: rules, policy, members, ports, persistence.
func variant(s site, i, port int) string {
	s.pool = []string{"", "  policy = \"adaptive\"\n", "  policy = \"least_connections\"\n"}[i%3]
	if i%2 == 0 {
		s.origins = s.origins[:2]
	}
	if i%4 == 1 {
		s.cluster += "  persist \"cookie\" {}\n"
	}
	for n := range i % 5 {
		s.cluster += fmt.Sprintf("  rule \"r%d\" {\n    when = path_prefix(\"/r%d/\")\n    pool = \"shop\"\n  }\n", n, n)
	}
	if i%3 == 0 {
		s.rest += fmt.Sprintf("cluster \"other\" {\n  protocol = \"http\"\n  listen = [\"127.0.0.1:%d\"]\n  pool = \"shop\"\n}\n", port)
	}
	return s.text()
}

func TestCommitsUnderLoadFailNoRequest(t *testing.T) {
	const commits = 50
	total := scale(200_000)
	s := newSite(t, newOrigins(t, "web1", "web2", "web3")...)
	port := freePort(t)
	b := start(t, setup{config: s.text(), exe: program(t, plain)})
	b.usable("shop")
	l := startLoad(t, s.listen, "/", 16)
	for i := range commits {
		l.reach((i + 1) * total / (commits + 1))
		text := variant(s, i, port)
		if i%5 != 0 {
			b.commit(text)
			continue
		}
		file := filepath.Join(t.TempDir(), "next.hcl")
		b.write(file, text)
		b.must("config", "set", file)
		b.must("config", "commit", "-m", fmt.Sprint("commit ", i))
	}
	l.reach(total)
	l.stop()
	l.clean()
	if l.stale.Load() != 0 {
		t.Errorf("%s; a commit must close no connection", l)
	}
	if got := l.connects.Load(); got != 16 {
		t.Errorf("16 clients made %d connections", got)
	}
	i := b.info()
	if i.Revision != commits+1 {
		t.Errorf("revision %d runs, want %d", i.Revision, commits+1)
	}
	if len(i.Generations) != 1 || i.Generations[0].Number != commits+1 {
		t.Errorf("generations %v, want only %d", i.Generations, commits+1)
	}
	b.countsAgree(l)
}

// countsAgree compares what the box counted with what the load sent. The last of it
// is counted after the client has its answer.
func (b *box) countsAgree(l *load) {
	b.t.Helper()
	want := uint64(l.good.Load())
	b.await(fmt.Sprintf("cluster shop counts %d requests, as many answers 2xx and %d connections", want, l.connects.Load()), func() bool {
		for _, c := range ask[manage.Clusters](b, "cluster.list", nil).Clusters {
			if c.Name == "shop" {
				return c.Requests == want && c.Classes["2xx"] == want && c.Accepted == uint64(l.connects.Load())
			}
		}
		return false
	})
}
