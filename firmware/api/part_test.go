// SPDX-License-Identifier: Apache-2.0

package api

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestPartHasNothingElse(t *testing.T) {
	part := newBox(quiet, nil).Part("server.drain")
	if _, e := part.Call(t.Context(), Call{Author: "ann", Role: Operator}, "server.drain", nil); e == nil || e.Code != CodeParams {
		t.Errorf("server.drain = %v, want its own answer", e)
	}
	if _, e := part.Call(t.Context(), Call{Author: "ann", Role: Admin}, "sys.fail", nil); e == nil || e.Code != CodeMethod {
		t.Errorf("sys.fail = %v, want no such method", e)
	}
	defer func() {
		if recover() == nil {
			t.Error("a method that is not there is no mistake")
		}
	}()
	newBox(quiet, nil).Part("server.drian")
}

// TestPeerUserAdmitsThatUser: nobody but root and the user that is named.
func TestPeerUserAdmitsThatUser(t *testing.T) {
	own := os.Getuid()
	for uid, want := range map[int]bool{own: true, own + 1: own == 0} {
		l, err := Listen(filepath.Join(t.TempDir(), "s"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		in, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		if who, err := PeerUser(uid)(in); (err == nil) != want {
			t.Errorf("PeerUser(%d) = %+v, %v of user %d", uid, who, err, own)
		}
	}
}
