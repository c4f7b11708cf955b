// SPDX-License-Identifier: Apache-2.0

package health

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// http2Server starts a server that speaks HTTP/2 and nothing else.
func http2Server(t *testing.T, secure bool, cert tls.Certificate, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP2(secure)
	s.Config.Protocols.SetUnencryptedHTTP2(!secure)
	if secure {
		s.EnableHTTP2, s.TLS = true, &tls.Config{Certificates: []tls.Certificate{cert}}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String())
}

// A server of HTTP/2 is asked by HTTP/2, over TLS and in the clear.
func TestHTTP2(t *testing.T) {
	cert, roots := certificate(t, "shop.example", time.Now().Add(100*time.Hour))
	trusting := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/sick", http.StatusFound)
		case "/sick":
			http.Error(w, "sick", http.StatusServiceUnavailable)
		case "/silent":
			<-r.Context().Done()
		case "/broken":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "x")
		default:
			fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Method, r.Host, r.URL)
		}
	}
	for _, secure := range []bool{false, true} {
		addr := http2Server(t, secure, cert, answer)
		for _, tt := range []struct {
			name string
			p    ProbeConfig
			want Outcome
			why  Reason
			text string
		}{
			{"good", ProbeConfig{Path: "/x?y", Host: "a.example", Expect: "HTTP/2.0 GET a.example /x?y"}, Good, OK, "status 200 OK, found"},
			{"HEAD", ProbeConfig{Method: "HEAD"}, Good, OK, "status 200"},
			{"POST", ProbeConfig{Method: "POST", Expect: "POST"}, Good, OK, "status 200"},
			{"redirect is good and not followed", ProbeConfig{Path: "/moved"}, Good, OK, "302"},
			{"sick", ProbeConfig{Path: "/sick"}, Bad, Status, "status 503"},
			{"not expected", ProbeConfig{Expect: "all is well"}, Bad, Mismatch, "is not in"},
			{"silent", ProbeConfig{Path: "/silent", DataTimeout: ample}, Bad, DataTimeout, "no whole answer"},
			{"broken off", ProbeConfig{Path: "/broken", Expect: "zzz"}, Bad, Closed, "after 1 bytes"},
		} {
			tt.p.Type, tt.p.HTTP2, tt.p.Secure, tt.p.TLS = HTTP, true, secure, trusting
			if secure {
				tt.p.ServerName = "shop.example"
			}
			r, x := put(t, tt.p, addr)
			if r.Outcome != tt.want || r.Reason != tt.why || !strings.Contains(r.Detail, tt.text) {
				t.Errorf("secure %v, %s: %v, %s: %s; want %v, %s with %q", secure, tt.name, r.Outcome, r.Reason, r.Detail, tt.want, tt.why, tt.text)
			}
			if !strings.Contains(strings.Join(x.Notes, "\n"), "HTTP/2: ") {
				t.Errorf("secure %v, %s: the notes are %q", secure, tt.name, x.Notes)
			}
		}
	}
}

// A server that does not speak HTTP/2 is not well where it is to.
func TestHTTP2WithAServerOfHTTP1(t *testing.T) {
	cert, _ := certificate(t, "shop.example", time.Now().Add(100*time.Hour))
	r, _ := put(t, ProbeConfig{Type: HTTP, HTTP2: true, DataTimeout: brief}, serve(t, body(200, "")))
	if r.Outcome != Bad {
		t.Errorf("in the clear: %+v", r)
	}
	r, _ = put(t, ProbeConfig{Type: HTTP, HTTP2: true, Secure: true, SkipVerify: true}, secureServer(t, cert))
	if r.Outcome != Bad || r.Reason != Handshake || !strings.Contains(r.Detail, "h2 was not negotiated") {
		t.Errorf("over TLS: %+v", r)
	}
}

// grpcAnswer is an answer of gRPC with a message and a status.
func grpcAnswer(w http.ResponseWriter, message, status string) {
	w.Header().Set("Content-Type", "application/grpc+proto")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	w.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))))
	io.WriteString(w, message)
	w.Header().Set("Grpc-Status", status)
	w.Header().Set("Grpc-Message", "as asked")
}

// The protocol of grpc.health.v1, with each of its answers.
func TestGRPC(t *testing.T) {
	cert, _ := certificate(t, "shop.example", time.Now().Add(100*time.Hour))
	answer := func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/grpc.health.v1.Health/Check" || r.Header.Get("TE") != "trailers" ||
			r.Header.Get("Content-Type") != "application/grpc" || len(asked) < 5 || int(asked[4]) != len(asked)-5 {
			t.Errorf("request %s %s %v with %q", r.Method, r.URL, r.Header, asked)
		}
		service := ""
		if len(asked) > 5 {
			service = string(asked[7:])
		}
		switch service {
		case "":
			grpcAnswer(w, "\x08\x01", "0")
		case "with.more":
			grpcAnswer(w, "\x12\x02ab\x19aaaaaaaa\x25bbbb\x08\x01\x18\x05", "0")
		case "sick":
			grpcAnswer(w, "\x08\x02", "0")
		case "default":
			grpcAnswer(w, "", "0")
		case "torn":
			grpcAnswer(w, "\x08", "0")
		case "html":
			io.WriteString(w, "hello")
		case "unknown":
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "5")
		default:
			t.Errorf("service %q", service)
		}
	}
	for _, secure := range []bool{false, true} {
		addr := http2Server(t, secure, cert, answer)
		for _, tt := range []struct {
			service string
			want    Outcome
			why     Reason
			text    string
		}{
			{"", Good, OK, "SERVING"},
			{"with.more", Good, OK, "SERVING"},
			{"sick", Bad, Mismatch, "NOT_SERVING"},
			{"default", Bad, Mismatch, "UNKNOWN"},
			{"torn", Bad, Syntax, "no HealthCheckResponse"},
			{"html", Bad, Status, "that is no gRPC"},
			{"unknown", Bad, Status, `grpc-status "5"`},
		} {
			r, _ := put(t, ProbeConfig{Type: GRPC, Service: tt.service, Secure: secure, SkipVerify: true}, addr)
			if r.Outcome != tt.want || r.Reason != tt.why || !strings.Contains(r.Detail, tt.text) {
				t.Errorf("secure %v, service %q: %v, %s: %s; want %v, %s with %q", secure, tt.service, r.Outcome, r.Reason, r.Detail, tt.want, tt.why, tt.text)
			}
		}
	}
}

func FuzzGRPCAnswer(f *testing.F) {
	for _, s := range []string{"", "\x00\x00\x00\x00\x02\x08\x01", "\x00\x00\x00\x00\x03\x12\xff\x01", "\x00\x00\x00\x00\x01\x0b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := serving(b)
		if r.Outcome == Good && (len(b) < grpcHead+2 || b[0] != 0) {
			t.Errorf("serving(%q) = good", b)
		}
	})
}
