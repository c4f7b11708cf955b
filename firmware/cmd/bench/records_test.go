// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	labs "evener/firmware/lab"
	"evener/ha/mirror"
)

// A nodeTalk gives orders to a runNode of this process.
type nodeTalk struct {
	in  *io.PipeWriter
	out *bufio.Scanner
}

func (n nodeTalk) ask(t *testing.T, order string) (r recordReport) {
	t.Helper()
	if _, err := fmt.Fprintln(n.in, order); err != nil {
		t.Fatal(err)
	}
	if !n.out.Scan() {
		t.Fatalf("no answer to %q: %v", order, n.out.Err())
	}
	if err := json.Unmarshal(n.out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func runNodes(t *testing.T, records int) (nodes [2]nodeTalk) {
	t.Helper()
	ports, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	var setups [2]nodeSetup
	for i, name := range []string{"left", "right"} {
		id, err := mirror.NewIdentity(name)
		if err != nil {
			t.Fatal(err)
		}
		me, other := &setups[i], &setups[1-i]
		me.Node, me.Listen, me.Identity = name, fmt.Sprintf("127.0.0.1:%d", ports[i]), id.PEM()
		other.Peer = mirror.Peer{Name: name, Address: me.Listen, Fingerprint: id.Fingerprint(), Secret: [32]byte{1}}
	}
	setups[0].Records = records
	for i, s := range setups {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		orders, in := io.Pipe()
		out, reports := io.Pipe()
		done := make(chan error, 1)
		go func() {
			err := runNode(t.Context(), string(text), orders, reports)
			reports.CloseWithError(err)
			done <- err
		}()
		t.Cleanup(func() {
			in.Close()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		nodes[i] = nodeTalk{in, bufio.NewScanner(out)}
	}
	return nodes
}

func TestRecordNodes(t *testing.T) {
	const records = 1000
	nodes := runNodes(t, records)
	active, standby := nodes[0], nodes[1]
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within 30s: %s", what)
			}
		}
	}
	until("the standby has the records", func() bool {
		return active.ask(t, "state").InStep && standby.ask(t, "state").Records == records
	})
	if r := standby.ask(t, "begin"); r.Applied != 0 {
		t.Errorf("the first records count as changes of the round: %+v", r)
	}
	active.ask(t, "begin")
	until("changes are applied", func() bool { return standby.ask(t, "state").Applied > records })
	a := active.ask(t, "end")
	until("all is told", func() bool { return active.ask(t, "state").InStep })
	s := standby.ask(t, "end")
	if a.Changes == 0 || s.Applied == 0 || s.Applied > a.Changes || s.P99 <= 0 || s.Took <= 0 || a.CPU <= 0 || s.Records != records {
		t.Errorf("active %+v, standby %+v: want no more applied than changed, and times", a, s)
	}
	for range 10 { // there would be some each millisecond
		if again := active.ask(t, "state"); again.Changes != a.Changes {
			t.Fatalf("%d changes after the end, %d at it", again.Changes, a.Changes)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestRecordNodeRefusesABadSetup(t *testing.T) {
	for _, setup := range []string{"{", `{"Identity":""}`} {
		if err := runNode(t.Context(), setup, nil, io.Discard); err == nil {
			t.Errorf("runNode(%q) = nil, want an error", setup)
		}
	}
}

// TestRecordTables asks two real HAProxies.
func TestRecordTables(t *testing.T) {
	if err := requirePrograms(haproxy); err != nil {
		t.Skip(err)
	}
	if os.Geteuid() != 0 {
		t.Skip(errNoRoot)
	}
	d, err := labs.New(labs.Config{Dir: t.TempDir(), Prefix: labPrefix()})
	if err != nil {
		t.Fatal(err)
	}
	const records = 5000
	p, err := startRecordTables(d, t.TempDir(), records)
	defer func() {
		if err := errors.Join(p.end(), d.Close()); err != nil {
			t.Error(err)
		}
	}()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := p.round(t.Context(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		a, s := got[0], got[1]
		if a.Changes < 100 || s.Applied == 0 || s.Applied > a.Changes || s.P99 <= 0 || s.Took <= 0 {
			t.Errorf("active %+v, standby %+v: want no more applied than changed, and times", a, s)
		}
	}
	if n, err := p.watch.used(); err != nil || n != records {
		t.Errorf("the standby has %d records (%v), want %d as before", n, err, records)
	}
	if err := p.marker.do("set table none key 10.0.0.1 data.gpt0 1", 1); err == nil {
		t.Error("what HAProxy refuses is no error")
	}
}
