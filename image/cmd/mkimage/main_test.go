// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evener/image/kmod/kmodtest"
	"evener/image/slot"
)

// images lays a folder output/images of Buildroot, with a small program of ours
// in the place of all three.
func images(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "init"), "evener/image/cmd/modprobe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(filepath.Join(dir, "init"))
	if err != nil {
		t.Fatal(err)
	}
	const modules = "lib/modules/6.18.33/"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range map[string][]byte{
		"sbin/evener": program, "sbin/modprobe": program, modules + "modules.builtin": nil,
		modules + "kernel/squashfs.ko": kmodtest.Module("name=squashfs", "vermagic=6.18.33 SMP"),
	} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data)), Typeflag: tar.TypeReg}))
		if _, werr := w.Write(data); werr != nil {
			t.Fatal(werr)
		}
	}
	kernel := make([]byte, 4096)
	copy(kernel[0x202:], "HdrS")
	err = errors.Join(err, w.Close(), os.WriteFile(filepath.Join(dir, "rootfs.tar"), b.Bytes(), 0o644), os.WriteFile(filepath.Join(dir, "bzImage"), kernel, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBundleIsSignedAndTold builds the bundle only: the disk is tested where it is made.
func TestBundleIsSignedAndTold(t *testing.T) {
	out, work := t.TempDir(), t.TempDir()
	args := []string{"-version", "1.2.3", "-out", out, "-work", work, "-formats", "", "-source", "buildroot=" + images(t),
		"-created", "1700000000", "-min-version", "1.0", "-rollback-index", "7"}
	var said strings.Builder
	if err := run(t.Context(), args, &said, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "development key "+filepath.Join(out, "keys/dev.key")) {
		t.Errorf("the development key is not told:\n%s", &said)
	}
	f, err := os.Open(filepath.Join(out, "evener-1.2.3-amd64.evb"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := slot.ParseBundle(f)
	if err != nil {
		t.Fatal(err)
	}
	m := b.Header.Manifest
	keys, err := slot.ParseKeys([]byte(strings.Join(m.Keys, "\n")))
	if err != nil || len(keys.List) != 1 {
		t.Fatalf("keys of the manifest = %q, %v", m.Keys, err)
	}
	if _, err := b.Header.Verify(keys); err != nil {
		t.Error(err)
	}
	if m.Version != "1.2.3" || m.MinVersion != "1.0" || m.RollbackIndex != 7 || m.Arch != "amd64" ||
		!slices.Contains(m.Boards, "generic-x86_64") || slices.Contains(m.Boards, "generic-arm64") || slices.Contains(m.Boards, "sim") {
		t.Errorf("manifest = %+v", m)
	}
	if n, err := io.Copy(io.Discard, b); err != nil || n != m.Size {
		t.Errorf("payload has %d bytes, %v, want %d", n, err, m.Size)
	}
	var r report
	text, err := os.ReadFile(filepath.Join(out, "evener-1.2.3-qemu-x86_64.json"))
	if err := errors.Join(err, json.Unmarshal(text, &r)); err != nil || r.PayloadSize != m.Size || len(r.Files) != 1 || r.Key != keys.List[0].ID {
		t.Errorf("report = %+v, %v", r, err)
	}
	// The key is kept: the next image is trusted by boxes with this one.
	if err := run(t.Context(), args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(out, "evener-1.2.3-qemu-x86_64.json"))
	var again report
	if err := errors.Join(err, json.Unmarshal(text, &again)); err != nil || again.Key != r.Key || again.Files[0].SHA256 != r.Files[0].SHA256 {
		t.Errorf("the second build differs: %+v, %v", again, err)
	}
}

func TestBuildsInOneFolderTakeTurns(t *testing.T) {
	o := options{work: t.TempDir()}
	first, err := o.lock(t.Context(), &printer{w: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := o.lock(ctx, &printer{w: writerFunc(func(b []byte) (int, error) {
		if !strings.Contains(string(b), "another build works in "+o.work) {
			t.Errorf("who waits says %q", b)
		}
		cancel()
		return len(b), nil
	})}); !errors.Is(err, context.Canceled) {
		t.Errorf("the second lock: %v", err)
	}
	first.Close()
	second, err := o.lock(t.Context(), &printer{w: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestKeysOfAnImage(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "release.pem")
	key, err := makeKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("a private key has mode %v, %v", st.Mode(), err)
	}
	var p = &printer{w: io.Discard}
	got, set, err := options{keyFile: file}.keys(p)
	if err != nil || !got.Equal(key) || set.List[0].Comment != "release" {
		t.Fatalf("keys = %v, %v, %v", got, set, err)
	}
	other, err := makeKey(filepath.Join(dir, "next.pem"))
	if err != nil {
		t.Fatal(err)
	}
	_, next, err := options{keyFile: filepath.Join(dir, "next.pem")}.keys(p)
	if err != nil {
		t.Fatal(err)
	}
	trust := filepath.Join(dir, "trust")
	write := func(text string) {
		if err := os.WriteFile(trust, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(next.String() + "revoked 0123456789abcdef\n")
	_, set, err = options{keyFile: file, moreKeys: trust}.keys(p)
	if err != nil || len(set.List) != 2 || !set.List[1].Public.Equal(other.Public()) || len(set.Revoked) != 1 {
		t.Errorf("keys with more = %v, %v", set, err)
	}
	write("revoked " + set.List[0].ID + "\n")
	if _, _, err = (options{keyFile: file, moreKeys: trust}).keys(p); err == nil || !strings.Contains(err.Error(), "no box would take it") {
		t.Errorf("a set that revokes the key that signs: %v", err)
	}
	write("nonsense\n")
	for name, o := range map[string]options{"line 1": {keyFile: file, moreKeys: trust}, "no PEM block": {keyFile: trust}, "no such file": {keyFile: "/nonesuch"}} {
		if _, _, err := o.keys(p); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("keys(%+v) = %v, want %q", o, err, name)
		}
	}
}

func TestFlagsAreChecked(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "")
	for args, want := range map[string]string{
		"":                                 "-version: say which version",
		"-version 1":                       `SOURCE_DATE_EPOCH: "" is no number`,
		"-version 1 -created x":            `-created: "x" is no number`,
		"-board toaster":                   `-board: there is no board "toaster"`,
		"-board sim":                       "-board: sim is no hardware",
		"-boards qemu-x86_64,qemu-aarch64": `-boards: "qemu-aarch64" is no board with the architecture amd64`,
		"-source tape":                     `-source: "tape" must be debian or buildroot=DIR`,
		"-source buildroot=":               "-source:",
		"-formats img,iso":                 `-formats: "iso" is none of img, qcow2, vhdx, vmdk`,
		"-min-version new":                 "-version: say",
		"-version 1 -min-version new":      "-min-version:",
		"build":                            `"build" is no flag`,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mkimage %s: %v, want %q", args, err, want)
		}
	}
	o, err := parse(strings.Fields("-version 1 -created 5 -board generic-arm64 -formats img,vmdk"), io.Discard)
	if err != nil || o.board.Arch != "arm64" || o.evener != "build/evener-linux-arm64" || o.init != "build/init-linux-arm64" || o.created.Unix() != 5 || len(o.formats) != 2 {
		t.Errorf("parse = %+v, %v", o, err)
	}
}
