// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// askHTTP connects to an http cluster, asks and leaves the connection open.
func askHTTP(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	return c, bufio.NewReader(c)
}

// answered reads the first line of an answer; false if none comes within d.
func answered(t *testing.T, c net.Conn, r *bufio.Reader, d time.Duration) bool {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(d))
	line, err := r.ReadString('\n')
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err == nil && !strings.HasPrefix(line, "HTTP/1.1 200") {
		t.Errorf("the answer begins with %q", line)
	}
	return err == nil
}

// TestMaxConnectionsIsForAllClusters: what one kind of cluster has counts for the
// other.
func TestMaxConnectionsIsForAllClusters(t *testing.T) {
	const soon, never = 10 * time.Second, 200 * time.Millisecond
	b := newRunning(t, Config{Loops: 1, MaxConnections: 2})
	tcp, http := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	text := fmt.Sprintf(`
server "t" { address = %q }
pool "t" {
  member "t" {}
}
cluster "t" {
  protocol = "tcp"
  listen   = [%q]
  pool     = "t"
}
responder "r" { status = 200 }
cluster "h" {
  protocol  = "http"
  listen    = [%q]
  responder = "r"
}
`, namedTCP(t, "127.0.0.1:0", "t1"), tcp, http)
	if err := serveText(t, b, 1, text); err != nil {
		t.Fatal(err)
	}
	_, stream := greeting(t, "tcp", tcp)
	first, r := askHTTP(t, http)
	if !answered(t, first, r, soon) {
		t.Fatal("no answer below the limit")
	}
	second, r2 := askHTTP(t, http)
	if answered(t, second, r2, never) {
		t.Error("an http client was accepted beside an http and a tcp connection; the limit is 2")
	}
	stream.Close()
	if !answered(t, second, r2, soon) {
		t.Error("no answer after the tcp connection has ended")
	}
	waiting, err := net.Dial("tcp", tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	waiting.SetReadDeadline(time.Now().Add(never))
	if n, err := waiting.Read(make([]byte, 10)); err == nil {
		t.Errorf("a tcp client was served beside two http connections: %d bytes", n)
	}
	first.Close()
	waiting.SetReadDeadline(time.Now().Add(soon))
	if _, err := waiting.Read(make([]byte, 10)); err != nil {
		t.Errorf("the tcp client gets %v after an http connection has ended", err)
	}
}
