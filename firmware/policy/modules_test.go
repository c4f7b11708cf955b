// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A foreign is code of others that we may import: every package whose path is
// or begins with prefix.
type foreign struct {
	prefix string
	reason string
	test   bool // in tests only
}

// foreigners are all that we use of others. A new one needs a reason here.
var foreigners = []foreign{
	{prefix: "github.com/hashicorp/hcl/v2", reason: "the configuration: exact positions, a writer that keeps comments"},
	{prefix: "github.com/zclconf/go-cty", reason: "the values of hcl"},
	{prefix: "github.com/spf13/cobra", reason: "command line: help and completion"},
	{prefix: "github.com/spf13/pflag", reason: "the flags of cobra"},
	{prefix: "golang.org/x/sys/unix", reason: "system calls; epoll's structures differ by architecture"},
	{prefix: "golang.org/x/crypto", reason: "argon2 for passwords"},
	{prefix: "golang.org/x/net/http2/hpack", reason: "HPACK (RFC 7541)"},
	{prefix: "golang.org/x/net/http2", reason: "an oracle for our HTTP/2", test: true},
	{prefix: "github.com/cilium/ebpf", reason: "loading eBPF without cgo"},
	{prefix: "github.com/vishvananda/netlink", reason: "links, addresses, routes"},
	{prefix: "github.com/vishvananda/netns", reason: "network namespaces of the lab and of tests"},
	{prefix: "github.com/insomniacslk/dhcp", reason: "DHCP client of the management port"},
	{prefix: "github.com/beevik/ntp", reason: "asking time servers (RFC 5905)"},
	{prefix: "golang.org/x/net/bpf", reason: "filters of packet captures"},
	{prefix: "golang.org/x/net/icmp", reason: "ping"},
	{prefix: "golang.org/x/net/ipv4", reason: "ping and trace"},
	{prefix: "golang.org/x/net/ipv6", reason: "ping and trace"},
	{prefix: "golang.org/x/text/unicode/norm", reason: "the one form of names that hcl has (NFC)"},
	{prefix: "golang.org/x/term", reason: "raw mode of terminals"},
	{prefix: "github.com/safchain/ethtool", reason: "ethtool by ioctl, which every driver has"},
	{prefix: "github.com/mdlayher/packet", reason: "raw frames: ARP, NA"},
	{prefix: "github.com/gopacket/gopacket", reason: "decoding packets and capture files"},
	{prefix: "github.com/google/nftables", reason: "filters and NAT over netlink"},
	{prefix: "go.bug.st/serial", reason: "serial lines"},
	{prefix: "github.com/gorilla/websocket", reason: "WebSocket of the management"},
	{prefix: "golang.org/x/net/idna", reason: "the ASCII form of host names (RFC 5891)"},
	{prefix: "software.sslmate.com/src/go-pkcs12", reason: "importing PKCS#12 files"},
	{prefix: "github.com/mholt/acmez/v3", reason: "ACME"},
	{prefix: "github.com/letsencrypt/pebble/v2", reason: "an ACME server to test against", test: true},
	{prefix: "github.com/summerwind/h2spec", reason: "a conformance suite for HTTP/2 that others wrote", test: true},
	{prefix: "google.golang.org/grpc", reason: "clients and servers of gRPC to test with", test: true},
	{prefix: "github.com/klauspost/compress", reason: "compression of answers"},
	{prefix: "github.com/andybalholm/brotli", reason: "compression of answers"},
	{prefix: "github.com/miekg/dns", reason: "DNS"},
	{prefix: "github.com/landlock-lsm/go-landlock", reason: "the console's sandbox"},
	{prefix: "github.com/creack/pty", reason: "terminals"},
	{prefix: "filippo.io/age", reason: "backups encrypted with a passphrase"},
	{prefix: "github.com/pquerna/otp", reason: "one-time passwords (RFC 6238)"},
	{prefix: "github.com/boombuler/barcode", reason: "QR codes of one-time passwords"},
	{prefix: "github.com/wneessen/go-mail", reason: "mail to operators"},
}

func (f foreign) covers(path string) bool {
	return path == f.prefix || strings.HasPrefix(path, f.prefix+"/")
}

// find returns the first foreigner that covers path, for a test or not.
func find(path string, test bool) (foreign, bool) {
	for _, f := range foreigners {
		if f.covers(path) && (test || !f.test) {
			return f, true
		}
	}
	return foreign{}, false
}

func TestForeignImportsHaveAReason(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, p := range f.imports(t) {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") {
				if p == "C" {
					t.Errorf("%s: uses cgo; the program must stay static and build for every board without a C compiler", f.name)
				}
				continue // the standard library, or ours
			}
			if _, ok := find(p, f.isTest() || strings.HasSuffix(f.dir(), "test")); !ok {
				t.Errorf("%s: imports %s, which is not in foreigners (firmware/policy/modules_test.go); "+
					"do without, or add it there with the reason", f.name, p)
			}
		}
	}
}

func TestRequiredModulesAreKnown(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "replace") {
			t.Errorf("go.mod: %q: a build must not depend on this machine; require a released version", line)
		}
		if len(fields) < 2 || !strings.HasPrefix(fields[1], "v") || strings.HasSuffix(line, "// indirect") {
			continue
		}
		checked++
		known := false
		for _, f := range foreigners {
			known = known || f.covers(fields[0]) || strings.HasPrefix(f.prefix, fields[0]+"/")
		}
		if !known {
			t.Errorf("go.mod requires %s, which is not in foreigners (firmware/policy/modules_test.go); "+
				"remove it, or add it there with the reason", fields[0])
		}
	}
	if checked == 0 {
		t.Error("no required module was found in go.mod")
	}
}
