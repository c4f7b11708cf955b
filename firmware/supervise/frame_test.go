// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func spec(network, addr string) ListenSpec {
	return ListenSpec{Network: network, Addr: netip.MustParseAddrPort(addr)}
}

func TestDecodeFrameOfAnotherVersion(t *testing.T) {
	got, err := decodeFrame([]byte(`{"type":"drain","deadline":5,"mood":{"x":[1]},"protocol":9}`))
	want := frame{Type: orderDrain, Deadline: 5, Protocol: 9}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("decodeFrame = %+v, %v, want %+v", got, err, want)
	}
}

func TestDecodeFrameRefuses(t *testing.T) {
	tooMany := `{"type":"keep","specs":[` + strings.Repeat(`{},`, specsPerFrame) + `{}]}`
	for _, in := range []string{"", "null", "{}", "[]", `{"type":1}`, `{"type":"keep"`, tooMany,
		`{"type":"go","version":"` + strings.Repeat("x", maxFrame) + `"}`,
		`{"type":"keep","specs":[{"network":"tcp","addr":"nowhere"}]}`} {
		if f, err := decodeFrame([]byte(in)); err == nil {
			t.Errorf("decodeFrame(%.40q) = %+v, want an error", in, f)
		}
	}
}

func TestSpecFramesKeepEverySpecInOrder(t *testing.T) {
	for _, n := range []int{0, 1, specsPerFrame, specsPerFrame + 1, 3 * specsPerFrame, MaxSpecs} {
		specs := make([]ListenSpec, n)
		for i := range specs {
			specs[i] = ListenSpec{Network: "tcp", Addr: netip.AddrPortFrom(netip.IPv6Loopback(), uint16(i)),
				Count: MaxSockets, Backlog: 4096, V6Only: true, FreeBind: true}
		}
		var got []ListenSpec
		frames := specFrames(askAcquire, 7, specs)
		for i, f := range frames {
			if f.More != (i < len(frames)-1) || f.ID != 7 {
				t.Fatalf("%d specs: frame %d of %d has More %v, ID %d", n, i, len(frames), f.More, f.ID)
			}
			b, err := f.encode()
			if err != nil {
				t.Fatal(err)
			}
			back, err := decodeFrame(b)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, back.Specs...)
		}
		if len(got) != n || n > 0 && !reflect.DeepEqual(got, specs) {
			t.Errorf("%d specs came back as %d others", n, len(got))
		}
	}
}

func FuzzDecodeFrame(f *testing.F) {
	f.Add([]byte(`{"type":"hello","protocol":1,"version":"v1","role":"engine"}`))
	f.Add([]byte(`{"type":"acquire","id":1,"specs":[{"network":"tcp","addr":"[::1%lo]:80","count":2}],"more":true}`))
	f.Add([]byte(`{"type":"answer","id":1,"status":{"pid":1,"roles":[{"name":"a","state":"running"}]}}`))
	f.Add([]byte(`{"type":"dial","id":3,"role":"engine"}`))
	f.Add([]byte(`{"type":"pair","id":3,"role":"console"}`))
	f.Add([]byte(`{"type":"hangup","id":3}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := decodeFrame(in)
		if err != nil {
			return
		}
		for _, s := range got.Specs {
			_ = s.check()
		}
		out, err := got.encode()
		if err != nil {
			return // what we escape may be longer than what came
		}
		again, err := decodeFrame(out)
		if err != nil {
			t.Fatalf("decodeFrame(%q): %v", out, err)
		}
		twice, err := again.encode()
		if err != nil || string(twice) != string(out) {
			t.Fatalf("encode = %q, %v, want %q", twice, err, out)
		}
	})
}
