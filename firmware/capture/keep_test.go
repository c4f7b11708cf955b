// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFullDiskEndsCaptureWithWhatThereIs(t *testing.T) {
	s := newSender(t)
	r := s.request(t)
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, "size=34m,mode=0700"); err != nil {
		t.Skipf("no file system to fill: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	f, stop := open(t, Config{Dir: dir})
	if _, err := f.Start(r); !errors.Is(err, ErrLimit) {
		t.Errorf("Start with 32 MiB = %v", err)
	}
	r.MaxBytes = 512 << 10
	st, err := f.Start(r)
	if err != nil {
		t.Fatal(err)
	}
	s.send(t, 20, 1000)
	seen(t, f, st.ID, 20)
	filler, err := os.Create(filepath.Join(dir, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	for err == nil {
		_, err = filler.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if got := done(t, f, st.ID); got.Reason != DiskFull || !strings.Contains(got.Problem, "disk") {
		t.Errorf("status %+v", got)
	}
	stop()
}

// As after a crash: parts, of which the last is torn.
func TestPartsOfACrashAreCompleted(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "20261121-100000-1")
	var k block
	write := func(n int, torn bool) {
		b := bytes.Clone(k.section("x", ""))
		b = append(b, k.face(Interface{Name: "eth7"}, 1000, "tcp")...)
		for range 3 {
			b = append(b, k.packet(0, packet{time.Now(), make([]byte, 50), 60}, "")...)
		}
		if torn {
			b = b[:len(b)-5]
		}
		if err := os.WriteFile(fmt.Sprintf("%s.%06d.part", name, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(3, false)
	write(4, true)
	if err := os.WriteFile(name+".pcapng.tmp", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, stop := open(t, Config{Dir: dir})
	list := f.List()
	if len(list) != 1 || list[0].Packets != 5 || list[0].State != Done || list[0].Interfaces[0] != "eth7" || list[0].Filter != "tcp" || list[0].Problem == "" {
		t.Fatalf("List = %+v", list)
	}
	if sizes, _ := read(t, f, list[0].ID); len(sizes) != 5 {
		t.Errorf("%d packets", len(sizes))
	}
	stop()
	again, _ := open(t, Config{Dir: dir})
	if l := again.List(); len(l) != 1 || l[0].Packets != 5 {
		t.Errorf("after another start: %+v", l)
	}
	again.expire(time.Now().Add(keepFor + time.Hour))
	if l := again.List(); len(l) != 0 {
		t.Errorf("old captures are kept: %+v", l)
	}
}

func TestLimitsAreChecked(t *testing.T) {
	one := []Interface{{Name: "lo", Index: 1}}
	for want, r := range map[string]Request{
		"no interface": {}, "snaplen must be 64": {Interfaces: one, Snaplen: 1}, "max_bytes must be": {Interfaces: one, MaxBytes: 1},
		"max_time must be": {Interfaces: one, MaxTime: 1}, "max_packets must be": {Interfaces: one, MaxPackets: -1},
	} {
		f := &Folder{}
		if _, err := f.Start(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Start(%+v) = %v, want %s", r, err, want)
		}
	}
	if _, err := FindInterface("none7"); err == nil {
		t.Error("an interface that is not there is found")
	}
}

// Who lacks the right is told which. The test runs itself as nobody.
func TestWithoutTheRightItSaysSo(t *testing.T) {
	if os.Getenv("CAPTURE_AS_NOBODY") != "" {
		_, err := openSocket(1, mustCompile(t), 100)
		fmt.Println("error:", err)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can become nobody")
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestWithoutTheRightItSaysSo$", "-test.v")
	cmd.Env, cmd.ExtraFiles, cmd.Dir = append(os.Environ(), "CAPTURE_AS_NOBODY=1"), []*os.File{exe}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "CAP_NET_RAW") {
		t.Errorf("%v: %s", err, out)
	}
}
