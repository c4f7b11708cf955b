// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A guest is a machine in QEMU that boots a disk, and writes to it. Its serial line
// is read by next. Package qemu has grown-up ones; it builds on this package.
type guest struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	seen  []string
	ctx   context.Context
}

// guestTime is the most that a guest may take: a machine that does other things is
// slow.
const guestTime = 4 * time.Minute

// boot starts a guest with "bios", "uefi" or "arm64" (UEFI too).
func boot(t *testing.T, machine, disk string) *guest {
	t.Helper()
	dir := t.TempDir()
	program, args := "qemu-system-x86_64", []string{"-M", "q35", "-drive", "format=raw,if=virtio,file=" + disk}
	var code, vars string
	switch machine {
	case "uefi":
		code, vars = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
	case "arm64":
		program, args = "qemu-system-aarch64", []string{"-M", "virt", "-cpu", "cortex-a72", "-drive", "format=raw,if=virtio,file=" + disk}
		code, vars = "/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(program, "is missing (Debian's packages qemu-system-x86 and qemu-system-arm)")
	}
	if code != "" {
		b, err := os.ReadFile(vars)
		if err != nil {
			t.Skip("UEFI firmware is missing (Debian's packages ovmf and qemu-efi-aarch64):", err)
		}
		vars = filepath.Join(dir, "vars")
		if err := os.WriteFile(vars, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-drive", "if=pflash,unit=0,format=raw,readonly=on,file="+code,
			"-drive", "if=pflash,unit=1,format=raw,file="+vars)
	}
	args = append(args, "-accel", "tcg", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio")
	ctx, cancel := context.WithTimeout(t.Context(), guestTime+guestTime) // waiting for a place, too
	t.Cleanup(cancel)
	place := takePlace(t, ctx)
	g := &guest{t: t, cmd: exec.CommandContext(ctx, program, args...), lines: make(chan string, 4096), ctx: ctx}
	g.cmd.ExtraFiles = []*os.File{place} // locked as long as the guest is there
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	g.cmd.Stderr = g.cmd.Stdout
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(g.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			g.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { g.stop(); place.Close() })
	return g
}

// takePlace waits for one of the machine's two places for guests.
func takePlace(t *testing.T, ctx context.Context) *os.File {
	t.Helper()
	for {
		for n := 1; n <= 2; n++ {
			f, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("evener-qemu-%d.lock", n)), os.O_RDONLY|os.O_CREATE, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
				return f
			}
			f.Close()
		}
		select {
		case <-ctx.Done():
			t.Fatal("no place for a guest:", ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// next returns the next line that holds text, without what stands before it. Lines
// may come twice, where a firmware's console is the serial line too.
func (g *guest) next(text string) string {
	g.t.Helper()
	for {
		select {
		case line, ok := <-g.lines:
			if !ok {
				g.t.Fatalf("the guest ended before it wrote %q; it wrote:\n%s", text, strings.Join(g.seen, "\n"))
			}
			g.seen = append(g.seen, line)
			if i := strings.Index(line, text); i >= 0 {
				return strings.TrimRight(line[i:], "\r ")
			}
		case <-g.ctx.Done():
			g.t.Fatalf("the guest did not write %q; it wrote:\n%s", text, strings.Join(g.seen, "\n"))
		}
	}
}

// stop ends the guest like a loss of power.
func (g *guest) stop() {
	g.cmd.Process.Kill()
	for range g.lines {
	}
	g.cmd.Wait()
}
