// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// DATA behind the content that was announced is refused also when it comes later,
// while the member still works on the request.
func TestDataBehindTheLengthIsRefusedLater(t *testing.T) {
	let, arrived := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 10)
		r.Body.Read(buf)
		close(arrived)
		<-let
	}))
	defer s.Close()
	defer close(let)
	b := muxBox(t, s.Listener.Addr(), true, nil)
	p := dial2(t, b)
	p.mu.Lock()
	p.compose("POST", "/", "", false, "content-length", "3")
	p.send()
	p.mu.Unlock()
	p.Write([]byte("abc"))
	<-arrived
	p.Write([]byte("d"))
	if _, err := p.Read(make([]byte, 1)); err == nil || err.Error() != "reset: PROTOCOL_ERROR" {
		t.Errorf("the stream ended by %v, want reset: PROTOCOL_ERROR", err)
	}
	p.c.Close()
	b.noneLeft()
}
