// SPDX-License-Identifier: Apache-2.0

package input

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var quiet = slog.New(slog.DiscardHandler)

// encode writes events as the kernel does.
func encode(at time.Time, typ, code uint16, value int32) []byte {
	b := binary.NativeEndian.AppendUint64(nil, uint64(at.Unix()))
	b = binary.NativeEndian.AppendUint64(b, uint64(at.Nanosecond()/1000))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, code)
	return binary.NativeEndian.AppendUint32(b, uint32(value))
}

func TestEventsAreDecoded(t *testing.T) {
	at := time.Unix(1_800_000_000, 250_000_000)
	b := append(encode(at, evKey, codes["KEY_POWER"], pressed), encode(at, 0, 0, 0)...)
	events, rest := decode(append(b, 1, 2, 3))
	if len(events) != 2 || !events[0].at.Equal(at) || events[0].code != 116 || events[0].value != 1 || len(rest) != 3 {
		t.Errorf("decode = %+v, %d bytes left", events, len(rest))
	}
}

// keyboard makes a tree with one input device, whose file is a pipe.
func keyboard(t *testing.T, root, event, name string) string {
	t.Helper()
	dir := filepath.Join(root, "sys/class/input", event, "device")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "dev/input"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "name"), []byte(name+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "dev/input", event)
	if err := unix.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs keys until the test ends.
func start(t *testing.T, k *Keys) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run goes on though its context has ended")
		}
	})
}

func wait(t *testing.T, k *Keys) Press {
	t.Helper()
	select {
	case p := <-k.Presses():
		return p
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was heard")
		return Press{}
	}
}

func TestKeysOfTheBoardAreHeardAndNoOthers(t *testing.T) {
	root := t.TempDir()
	file := keyboard(t, root, "event0", "Power Button")
	other := keyboard(t, root, "event1", "AT Translated Set 2 keyboard")
	w, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	o, err := os.OpenFile(other, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	k := New(root, []Key{{"Power Button", "KEY_POWER", "power"}, {"apu2-keys", "KEY_RESTART", "reset"}}, quiet)
	start(t, k)
	at := time.Unix(1_800_000_000, 0)
	var b []byte
	b = append(b, encode(at, evKey, 116, released)...) // it was down before we came
	b = append(b, encode(at, evKey, 30, pressed)...)   // not ours
	b = append(b, encode(at, evKey, 116, pressed)...)
	for range 1000 { // held for a long time
		b = append(b, encode(at, evKey, 116, 2)...)
	}
	b = append(b, encode(at.Add(3500*time.Millisecond), evKey, 116, released)...)
	if _, err := o.Write(encode(at, evKey, 116, pressed)); err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 { // in pieces that end within an event
		n := min(len(b), 1001)
		if _, err := w.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
	if p := wait(t, k); p != (Press{Use: "power", Down: true}) {
		t.Errorf("first %+v", p)
	}
	if p := wait(t, k); p != (Press{Use: "power", Held: 3500 * time.Millisecond}) {
		t.Errorf("then %+v", p)
	}
	s := k.State()
	if !s[0].Found || s[0].Presses != 1 || s[0].Problem == "" || s[1].Found {
		t.Errorf("State = %+v; a pipe cannot be grabbed, and there is no reset key", s)
	}
}

func TestADeviceThatGoesIsTold(t *testing.T) {
	root := t.TempDir()
	file := keyboard(t, root, "event7", "gpio-keys")
	w, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	k := New(root, []Key{{"gpio-keys", "KEY_RESTART", "reset"}}, quiet)
	start(t, k)
	if _, err := w.Write(encode(time.Unix(1, 0), evKey, codes["KEY_RESTART"], pressed)); err != nil {
		t.Fatal(err)
	}
	if p := wait(t, k); p.Use != "reset" || !p.Down {
		t.Errorf("heard %+v", p)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	w.Close()
	deadline := time.Now().Add(30 * time.Second)
	for k.State()[0].Found {
		if time.Now().After(deadline) {
			t.Fatalf("State = %+v, want that it is gone", k.State())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if k.State()[0].Problem == "" {
		t.Error("nothing says why")
	}
}

func TestNobodyListeningBlocksNothing(t *testing.T) {
	k := New(t.TempDir(), []Key{{"sim", "KEY_POWER", "power"}}, quiet)
	for range 100 {
		k.Press("power", true)
		k.Press("power", false)
	}
	if s := k.State(); s[0].Presses != 100 {
		t.Errorf("State = %+v", s)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(time.Unix(1, 2000), 1, 116, 1))
	f.Add([]byte("half"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, rest := decode(b)
		if len(events)*eventSize+len(rest) != len(b) || len(rest) >= eventSize || !bytes.Equal(rest, b[len(b)-len(rest):]) {
			t.Fatalf("%d events and %d bytes of %d", len(events), len(rest), len(b))
		}
	})
}
