// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"net"
	"net/http"
	"strings"
	"testing"
)

// A call of gRPC that no member gets fails as gRPC's clients understand it, and
// no other request does.
func TestFailedCallOfGRPC(t *testing.T) {
	b := muxBox(t, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, true, func(s *Service) { s.Limits.Body = 10 })
	tr, url := muxClient(t, b)
	for _, test := range []struct {
		contentType, body string
		status            int
		grpc              string
	}{
		{"application/grpc", "", 200, "14"},
		{"application/grpc+proto", "", 200, "14"},
		{"application/grpc", "0123456789a", 200, "8"},
		{"application/grpc-web", "", 502, ""},
		{"text/plain", "", 502, ""},
	} {
		req, _ := http.NewRequest("POST", url+"/pkg.Service/Method", strings.NewReader(test.body))
		req.Header.Set("Content-Type", test.contentType)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Grpc-Status"); resp.StatusCode != test.status || got != test.grpc {
			t.Errorf("%s, %d bytes: status %d, grpc-status %q, want %d, %q", test.contentType, len(test.body), resp.StatusCode, got, test.status, test.grpc)
		}
	}
	tr.CloseIdleConnections()
	b.noneLeft()
}
