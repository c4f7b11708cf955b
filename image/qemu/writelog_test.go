// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteLogHasWhatAGuestWritesInOrder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "writes")
	ctx, g := start(t, Config{Disk: echoDisk(t), WriteLog: name})
	for _, c := range []string{
		"write -P 0x11 8k 4k", "write -f -P 0x22 512 512", "write -z 64k 8k", "discard 128k 4k", "flush",
	} {
		if err := g.mon.do(ctx, "human-monitor-command", map[string]any{"command-line": `qemu-io disk "` + c + `"`}, new(string)); err != nil {
			t.Fatal(err)
		}
	}
	l, err := OpenWriteLog(name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := []DiskWrite{
		{Off: 8 << 10, Len: 4 << 10},
		{Off: 512, Len: 512},
		{Flush: true},
		{Off: 64 << 10, Len: 8 << 10},
		{Off: 128 << 10, Len: 4 << 10, Discard: true},
		{Flush: true},
	}
	if len(l.Writes) != len(want) {
		t.Fatalf("%d writes are logged: %+v", len(l.Writes), l.Writes)
	}
	for i, w := range l.Writes {
		w.at = 0
		if w != want[i] {
			t.Errorf("write %d is %+v, want %+v", i, w, want[i])
		}
	}
	for i, b := range map[int]byte{0: 0x11, 1: 0x22, 3: 0} {
		got, err := l.Data(i, want[i].Len)
		if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{b}, int(want[i].Len))) {
			t.Errorf("write %d has brought %.20x..., %v", i, got, err)
		}
	}
	if _, err := l.Data(4, 1); err == nil {
		t.Error("what was discarded has data")
	}
}

func TestWhatIsNoWriteLogIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "writes")
	for _, text := range []string{"", "a file of another kind that is longer than the head of a log of writes"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenWriteLog(name); !errors.Is(err, errWriteLog) {
			t.Errorf("%q is read, %v", text, err)
		}
	}
}
