// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

func TestHolderNamesTheProgram(t *testing.T) {
	self := fmt.Sprintf("(process %d)", os.Getpid())
	tcp4, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp4.Close()
	udp4, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp4.Close()
	port := udp4.LocalAddr().(*net.UDPAddr).Port
	for _, tt := range []struct {
		name, network, addr, want string
	}{
		{"the same address", "tcp", tcp4.Addr().String(), self},
		{"the wildcard meets it", "tcp", strings.Replace(tcp4.Addr().String(), "127.0.0.1", "0.0.0.0", 1), self},
		{"it has the wildcard", "udp", fmt.Sprintf("127.0.0.1:%d", port), self},
		{"nobody", "tcp", "127.0.0.2:1", "another program"},
	} {
		if got := holder(spec(tt.network, tt.addr)); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: holder(%s) = %q, want %q", tt.name, tt.addr, got, tt.want)
		}
	}
}

func TestParseSocket(t *testing.T) {
	const rest = " 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0"
	for _, tt := range []struct{ name, line, want string }{
		{"IPv4", "   0: 0100007F:1F90" + rest, "127.0.0.1:8080"},
		{"wildcard", "   1: 00000000:0050" + rest, "0.0.0.0:80"},
		{"IPv6", "   2: B80D0120000000000000000001000000:01BB" + rest, "[2001:db8::1]:443"},
		{"IPv4 in IPv6", "   3: 0000000000000000FFFF00000100007F:1F90" + rest, "127.0.0.1:8080"},
		{"established", "   4: 0100007F:1F90 0100007F:0016 01 0:0 00:0 0 1000 0 4242 1", ""},
		{"heading", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode", ""},
		{"half an address", "   5: 0100:1F90" + rest, ""},
		{"no hex", "   6: zz00007F:1F90" + rest, ""},
		{"no port", "   7: 0100007F" + rest, ""},
		{"short", "   8: 0100007F:1F90", ""},
	} {
		s, inode, ok := parseSocket([]byte(tt.line), "tcp")
		switch {
		case ok != (tt.want != ""):
			t.Errorf("%s: parseSocket = %v, %v", tt.name, s, ok)
		case ok && (s.Addr != netip.MustParseAddrPort(tt.want) || inode != "4242"):
			t.Errorf("%s: parseSocket = %v, inode %s, want %s, inode 4242", tt.name, s.Addr, inode, tt.want)
		}
	}
}
