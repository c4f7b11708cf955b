// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A request is answered whichever read of a turn brings it, also the last one that
// a turn makes: each record of TLS is a read, and no event comes for what was read.
func TestRequestInTheLastReadOfATurn(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path)
	}))
	defer s.Close()
	b := muxBox(t, s.Listener.Addr(), true, nil)
	for n := turnReads - 1; n <= turnReads+1; n++ {
		p := dial2(t, b)
		if got, err := p.get("/first"); got != "/first" || err != nil {
			t.Fatalf("first request: %q, %v", got, err)
		}
		p.inOneTurn(t, b, n, "/last")
		if got, err := io.ReadAll(p); string(got) != "/last" || err != nil {
			t.Errorf("request in record %d of a turn: %q, %v, want /last", n, got, err)
		}
		p.c.Close()
		b.noneLeft()
	}
}

// inOneTurn sends a request in n records of TLS, which the box finds all at once.
// The records before the last are PINGs.
func (p *muxPeer) inOneTurn(t *testing.T, b *box, n int, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.compose("GET", path, "", true)
	b.do(func() {
		fd := b.w.clients.next.fd
		was, _ := unix.IoctlGetInt(fd, unix.TIOCINQ)
		sent := 0
		for range n - 1 {
			k, _ := p.c.Write([]byte("\x00\x00\x08\x06\x00\x00\x00\x00\x00eightpin"))
			sent += k + recordCost
		}
		sent += len(p.h.Out()) + recordCost
		p.send()
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if got, _ := unix.IoctlGetInt(fd, unix.TIOCINQ); got == was+sent {
				return
			}
		}
		t.Error("not all has come")
	})
	if v := p.c.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("TLS version %#x: the length of its records is another", v)
	}
}

// recordCost is how much longer than its content a record of TLS 1.3 is (RFC 8446
// section 5.2): its head, the type, and the tag of the cipher.
const recordCost = 5 + 1 + 16
