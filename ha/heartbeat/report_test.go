// SPDX-License-Identifier: Apache-2.0

package heartbeat

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLongReasonsAreCutToOneDatagram(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	var r Report
	const n = 16
	for i := range n {
		r.Groups = append(r.Groups, Group{Name: fmt.Sprint("group", i), State: "active",
			Reason: strings.Repeat("€", 300)})
	}
	b, err := left.Seal(r)
	if err != nil || len(b) > MaxSize {
		t.Fatalf("Seal = %d bytes, %v, want at most %d", len(b), err, MaxSize)
	}
	if err := right.Open(0, b); err != nil {
		t.Fatal(err)
	}
	s, _ := right.Seen(0)
	if len(s.Report.Groups) != n || s.Report.Groups[n-1].Name != "group15" {
		t.Fatalf("groups %+v", s.Report.Groups)
	}
	reason := s.Report.Groups[0].Reason
	if reason == "" || strings.Trim(reason, "€") != "" {
		t.Errorf("reason %q, want whole characters", reason)
	}
}

func TestSealRefusesWhatDoesNotFit(t *testing.T) {
	left, _ := pair(t)
	long := strings.Repeat("x", 65)
	many := make([]Group, maxGroups+1)
	wide := make([]Group, maxGroups)
	for i := range wide {
		wide[i].Name = long[:64]
	}
	for _, c := range []struct {
		groups []Group
		want   string
	}{
		{many, "at most 32 groups, not 33"},
		{wide, "shorten their names"},
		{[]Group{{Name: long}}, "longer than 64 bytes"},
		{[]Group{{State: long}}, "longer than 64 bytes"},
		{[]Group{{Heir: long}}, "longer than 64 bytes"},
	} {
		if _, err := left.Seal(Report{Groups: c.groups}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Seal = %v, want an error with %q", err, c.want)
		}
	}
}

// A later version may append fields to a group and to the report.
func TestUnknownFieldsAreSkipped(t *testing.T) {
	want := Report{Node: "left", Interval: time.Second, Groups: []Group{{Name: "a", State: "active", Priority: 9}}}
	b, err := appendReport(nil, want, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := len(b) - 2 - 1 - 4 - 1 - len("left")
	b[len(b)-size-1] += 2 // the group's size
	got, err := parseReport(append(b, 1, 2, 3, 4, 5))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("parseReport = %+v, %v, want %+v", got, err, want)
	}
}

func TestMalformedReports(t *testing.T) {
	good, err := appendReport(nil, Report{Node: "left", Groups: []Group{{Name: "front", State: "active"}}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if r, err := parseReport(good[:n]); err == nil {
			t.Errorf("parseReport of %d of %d bytes = %+v, want an error", n, len(good), r)
		}
	}
	if _, err := parseReport(append([]byte{65}, make([]byte, 200)...)); err == nil {
		t.Error("parseReport of a name of 65 bytes = nil")
	}
	many := []byte{0, 0, 0, 0, 0, maxGroups + 1}
	for range maxGroups + 1 {
		many = append(many, 0, 7, 0, 0, 0, 0, 0, 0, 0)
	}
	if _, err := parseReport(many); err == nil {
		t.Error("parseReport of 33 groups = nil")
	}
	many[5]--
	if _, err := parseReport(many); err != nil {
		t.Errorf("parseReport of 32 groups = %v", err)
	}
	if _, err := parseReport([]byte{0, 0, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0}); err == nil {
		t.Error("parseReport of a group that ends early = nil")
	}
}

// A peer with the right key that says nonsense is refused too.
func TestSealedNonsenseIsRefused(t *testing.T) {
	left, right := pair(t)
	meet(t, left, right)
	for _, plain := range [][]byte{{}, {3, 1, 2}, {0}, {0, 4, 'e', 'a', 's', 't', 0, 0, 0, 0, 0}} {
		b := seal(t, left, "active")[:headerSize]
		refused(t, right, left.send.aead.Seal(b, nonce(b), plain, b), Garbled)
	}
}

func FuzzReport(f *testing.F) {
	for _, r := range []Report{{}, {Node: "left", Interval: time.Second, Groups: []Group{
		{"front", "active", 200, true, "start", "right"}, {"back", "fault", 0, false, "", ""}}}} {
		b, err := appendReport(nil, r, 100)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReport(b)
		if err != nil {
			return
		}
		out, err := appendReport(nil, r, len(b))
		if err != nil {
			t.Fatalf("appendReport(%+v) = %v after parseReport", r, err)
		}
		if again, err := parseReport(out); err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("parseReport(appendReport(x)) = %+v, %v, want %+v", again, err, r)
		}
	})
}

// FuzzOpen hands a peer datagrams that were changed on the way, and sealed
// ones with any content: none may panic, none may be believed but the sealed
// ones that echo.
func FuzzOpen(f *testing.F) {
	left, _ := pair(f)
	f.Add(seal(f, left, "active"), false)
	f.Add([]byte{version}, false)
	f.Add([]byte{0, 4, 'l', 'e', 'f', 't', 0, 0, 0, 0, 0}, true)
	f.Fuzz(func(t *testing.T, b []byte, sealed bool) {
		left, right := pair(t)
		if sealed {
			head := seal(t, left, "active")[:headerSize]
			b = left.send.aead.Seal(head, nonce(head), b, head)
		}
		if err := right.Open(0, b); err == nil {
			t.Fatalf("Open(%x) = nil, but left never heard right", b)
		}
		meet(t, left, right)
	})
}
