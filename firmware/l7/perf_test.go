package l7

import (
	"net"
	"os"
	"testing"
	"time"

	"evener/firmware/pool"
)

func TestPerfServe(t *testing.T) {
	if os.Getenv("PERF") == "" {
		t.Skip()
	}
	a, _ := net.ResolveTCPAddr("tcp", "127.0.0.1:19001")
	b := newBox(t, []pool.MemberConfig{member("a", a)}, nil)
	os.WriteFile("/tmp/perf.addr", []byte(b.addr), 0o644)
	time.Sleep(40 * time.Second)
}
