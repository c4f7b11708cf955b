// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evener/image"
)

// netconfModules are what VLANs, bonds, and the tests' cables and tables of NAT need,
// each behind what it needs itself.
var netconfModules = []string{
	"crypto/crc32c_generic", "lib/libcrc32c", "net/llc/llc", "net/802/stp", "net/802/garp", "net/802/mrp", "net/8021q/8021q", "drivers/net/veth", "net/tls/tls", "drivers/net/bonding/bonding",
	"net/netfilter/nfnetlink", "net/ipv6/netfilter/nf_defrag_ipv6", "net/ipv4/netfilter/nf_defrag_ipv4", "net/netfilter/nf_conntrack",
	"net/netfilter/nf_nat", "net/netfilter/nf_tables", "net/netfilter/nft_chain_nat", "net/netfilter/nft_masq", "net/netfilter/nft_nat",
}

// TestNetworkOnAKernelWithVLANsAndBonds runs the tests of package netconf as the only
// process of a guest, on Debian's kernel: this machine's own may have neither.
func TestNetworkOnAKernelWithVLANsAndBonds(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("qemu-system-x86_64 is missing (Debian's package qemu-system-x86)")
	}
	list, err := image.Fetch(t.Context(), "amd64", []string{"linux-image-amd64"}, filepath.Join("..", "..", "build", "packages", "amd64"))
	if err != nil {
		t.Skip("Debian's kernel cannot be fetched:", err)
	}
	kernels, err := filepath.Glob(filepath.Join(list[0].Root, "boot", "vmlinuz-*"))
	if err != nil || len(kernels) != 1 {
		t.Fatalf("the package has the kernels %q, %v", kernels, err)
	}
	initrd := netconfInitrd(t, list[0].Root)
	place, err := Take(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer place.Free()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
		"-serial", "stdio", "-no-reboot", "-kernel", kernels[0], "-initrd", initrd,
		"-append", "console=ttyS0 loglevel=3 panic=-1 EVENER_NETCONF_GUEST=1")
	cmd.ExtraFiles = place.files // locked as long as the guest is there
	begun := time.Now()
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), "\r", "")
	if err != nil || !strings.Contains(text, "guest: tests ended with 0\n") {
		t.Fatalf("the tests in the guest failed (%v):\n%s", err, text)
	}
	for _, name := range []string{"TestBondsAndVLANsThereAndBack", "TestManagementMovesIntoABondAndBack", "TestBondsTellHowTheirPortsDo", "TestPortsAndWaysThereAndBack"} {
		if !strings.Contains(text, "--- PASS: "+name+" ") {
			t.Errorf("%s was not run:\n%s", name, text)
		}
	}
	t.Logf("the guest took %.1f s", time.Since(begun).Seconds())
}

// netconfInitrd writes an initrd whose init is the tests of package netconf.
func netconfInitrd(t *testing.T, kernel string) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "test", "-c", "-o", filepath.Join(dir, "init"), "evener/firmware/netconf")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var b bytes.Buffer
	add := func(name string, mode int, data []byte) {
		writeNewc(&b, name, mode, data)
	}
	for _, d := range []string{"modules", "proc", "sys", "dev", "tmp", "etc"} {
		add(d, 0o40755, nil)
	}
	program, err := os.ReadFile(filepath.Join(dir, "init"))
	if err != nil {
		t.Fatal(err)
	}
	add("init", 0o100755, program)
	for i, m := range netconfModules {
		found, err := filepath.Glob(filepath.Join(kernel, "lib", "modules", "*", "kernel", m+".ko"))
		if err != nil || len(found) != 1 {
			t.Fatalf("the kernel's module %s is in %q, %v", m, found, err)
		}
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		add(fmt.Sprintf("modules/%02d-%s.ko", i, filepath.Base(m)), 0o100644, data)
	}
	add("TRAILER!!!", 0, nil)
	path := filepath.Join(dir, "initrd")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeNewc writes one file as an initrd has it (the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst): 13 numbers of 8 hex
// digits behind a magic, the name, the data, each filled up to 4 bytes.
func writeNewc(b *bytes.Buffer, name string, mode int, data []byte) {
	fill := func() {
		for b.Len()%4 != 0 {
			b.WriteByte(0)
		}
	}
	ino, links := b.Len()+1, 1
	fmt.Fprintf(b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ino, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
	b.WriteString(name + "\x00")
	fill()
	b.Write(data)
	fill()
}
