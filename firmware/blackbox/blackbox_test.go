// SPDX-License-Identifier: Apache-2.0

package blackbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func mustOpen(t testing.TB, name string, slots int) (*Recorder, bool) {
	t.Helper()
	r, crashed, err := Open(name, Config{Slots: slots}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return r, crashed
}

func mustRead(t testing.TB, name string) Recording {
	t.Helper()
	r, err := Read(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordingIsReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "blackbox")
	r, crashed := mustOpen(t, name, 8)
	if crashed {
		t.Error("a new file is one of a crash")
	}
	at := time.Date(2026, 11, 21, 10, 0, 0, 5, time.UTC)
	want := []Frame{
		{Seq: 1, Time: at, Start: &Start{Version: "1.0", PID: 7, Revision: 3}},
		{Seq: 2, Time: at, Second: &Second{Requests: 5, Busy: 0.25, Heap: 1 << 20, Clusters: []Cluster{{Name: "shop", Requests: 5}}}},
		{Seq: 3, Time: at, Event: &Event{Kind: "member.down", Severity: "error", Object: "pool/p", Text: "gone\n\x00<&>"}},
	}
	for _, f := range want {
		r.Add(f)
	}
	if got := mustRead(t, name); !reflect.DeepEqual(got.Frames, want) || !got.Crashed() {
		t.Errorf("while it is written: %+v", got)
	}
	if err := r.Close("told to"); err != nil {
		t.Fatal(err)
	}
	got := mustRead(t, name)
	if n := len(got.Frames); n != 4 || got.Crashed() || got.Damaged != 0 || got.Frames[3].Stop.Why != "told to" {
		t.Errorf("after the end: %+v", got)
	}
	r.Add(want[0]) // does nothing
	if err := r.Close("again"); err != nil || len(mustRead(t, name).Frames) != 4 {
		t.Errorf("a second Close: %v", err)
	}
}

func TestRingKeepsTheNewestAndItsSize(t *testing.T) {
	name := filepath.Join(t.TempDir(), "blackbox")
	r, _ := mustOpen(t, name, 8)
	for i := range 30 {
		r.Add(Frame{Second: &Second{Requests: float64(i)}})
	}
	got := mustRead(t, name)
	if n := len(got.Frames); n != 8 || got.Frames[0].Second.Requests != 22 || got.Frames[7].Second.Requests != 29 {
		t.Errorf("%d frames: %+v", n, got.Frames)
	}
	if st, err := os.Stat(name); err != nil || st.Size() != 8*slotSize || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
}

func TestCrashIsKeptAside(t *testing.T) {
	name := filepath.Join(t.TempDir(), "blackbox")
	for n := range 5 {
		r, crashed := mustOpen(t, name, 8)
		if crashed != (n > 0) {
			t.Errorf("start %d: crashed %t", n, crashed)
		}
		r.Add(Frame{Start: &Start{PID: n}})
		if _, _, err := Open(name, Config{Slots: 8}, quiet); !errors.Is(err, ErrLocked) {
			t.Errorf("a second recorder: %v", err)
		}
		r.f.Close() // as a crash does
		r.lock.Close()
	}
	for n := range crashes {
		if got := mustRead(t, CrashFile(name, n)); got.Frames[0].Start.PID != 3-n {
			t.Errorf("crash %d: %+v", n, got.Frames)
		}
	}
	if _, err := os.Stat(CrashFile(name, crashes)); err == nil {
		t.Error("more crashes are kept than there should be")
	}
	r, _ := mustOpen(t, name, 8)
	if err := r.Close("x"); err != nil {
		t.Fatal(err)
	}
	r, crashed := mustOpen(t, name, 8)
	defer r.Close("")
	r.Add(Frame{Start: &Start{PID: 99}})
	if got := mustRead(t, name); crashed || len(got.Frames) != 2 || got.Frames[1].Seq != got.Frames[0].Seq+1 {
		t.Errorf("after an end in order: crashed %t, %+v", crashed, got.Frames)
	}
}

// A process that is killed loses nothing that it has recorded. The test runs itself.
func TestKilledProcessLosesNothing(t *testing.T) {
	if name := os.Getenv("BLACKBOX_VICTIM"); name != "" {
		r, _ := mustOpen(t, name, 64)
		for i := range 20 {
			r.Add(Frame{Second: &Second{Requests: float64(i)}})
		}
		fmt.Println("recorded")
		select {}
	}
	name := filepath.Join(t.TempDir(), "blackbox")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcessLosesNothing$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), "BLACKBOX_VICTIM="+name)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if got := mustRead(t, name); len(got.Frames) != 20 || !got.Crashed() || got.Damaged != 0 {
		t.Errorf("%d frames, %d damaged", len(got.Frames), got.Damaged)
	}
}

// As after a power cut: any slot may be torn anywhere.
func TestTornFramesAreLeftOut(t *testing.T) {
	name := filepath.Join(t.TempDir(), "blackbox")
	r, _ := mustOpen(t, name, 8)
	for i := range 8 {
		r.Add(Frame{Event: &Event{Text: fmt.Sprint("event ", i)}})
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		torn := bytes.Clone(whole)
		torn[at] ^= 0x40
		got := parse(torn)
		inFrame := at%slotSize < headSize+int(whole[at/slotSize*slotSize+4])
		if want := map[bool]int{true: 7, false: 8}[inFrame]; len(got.Frames) != want || got.Damaged != 8-want {
			t.Fatalf("byte %d: %d frames, %d damaged", at, len(got.Frames), got.Damaged)
		}
	}
	if got := parse(whole[:5*slotSize+100]); len(got.Frames) != 5 {
		t.Errorf("a short file has %d frames", len(got.Frames))
	}
}

func TestLongFramesFit(t *testing.T) {
	long := strings.Repeat("\x01\"é", 3000)
	var second Second
	for i := range 500 {
		second.Clusters = append(second.Clusters, Cluster{Name: fmt.Sprintf("cluster-%d-%s", i, strings.Repeat("x", 30)), Requests: 1.25})
	}
	var slot [slotSize]byte
	for _, f := range []Frame{{Event: &Event{long, long, long, long}}, {Start: &Start{Version: long}}, {Stop: &Stop{long}}, {Second: &second}} {
		if err := encode(slot[:], f); err != nil {
			t.Fatal(err)
		}
		got, ok := decode(slot[:])
		if !ok || got.Second != nil && len(got.Second.Clusters) < 10 || got.Event != nil && len(got.Event.Text) < 40 {
			t.Errorf("%+v, %t", got, ok)
		}
	}
	if err := encode(slot[:], Frame{Second: &Second{Requests: math.NaN()}}); err == nil {
		t.Error("not a number is recorded")
	}
}

func FuzzParse(f *testing.F) {
	var slot [slotSize]byte
	for _, fr := range []Frame{{Seq: 9, Stop: &Stop{"x"}}, {Second: &Second{Requests: 1}}, {Event: &Event{Text: "x"}}} {
		if err := encode(slot[:], fr); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(slot[:]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := parse(b)
		if len(r.Frames)+r.Damaged > len(b)/slotSize {
			t.Error("more frames than slots")
		}
		for _, fr := range r.Frames {
			var again [slotSize]byte
			if err := encode(again[:], fr); err != nil {
				t.Fatal(err)
			}
			got, ok := decode(again[:])
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(fr)
			if !ok || len(a) > len(b) {
				t.Errorf("%s comes back as %s", b, a)
			}
		}
	})
}

// BenchmarkSecond is what recording costs: once in a second.
func BenchmarkSecond(b *testing.B) {
	r, _ := mustOpen(b, filepath.Join(b.TempDir(), "blackbox"), 1024)
	s := Second{Requests: 12345.5, Connections: 100, Busy: 0.5, Heap: 64 << 20, Goroutines: 40}
	for i := range 10 {
		s.Clusters = append(s.Clusters, Cluster{Name: fmt.Sprint("cluster", i), Requests: 1234.5, Connections: 10})
	}
	for b.Loop() {
		r.Add(Frame{Second: &s})
	}
}
