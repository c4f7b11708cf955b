// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"evener/firmware/proxyproto"
)

// An introduced is what a member sees of a connection: its header, and the number of
// its first request.
type introduced struct {
	header proxyproto.Header
	id     string
}

// introducedServer answers the first request of each connection.
func introducedServer(t *testing.T, got chan introduced) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			for n := 1; ; n++ {
				b, err := r.Peek(n)
				h, used, bad := proxyproto.Parse(bytes.Clone(b))
				if bad == proxyproto.ErrMore && err == nil {
					continue
				}
				if bad != nil {
					t.Errorf("header: %v, %v", bad, err)
					break
				}
				seen := introduced{header: h}
				_, _ = r.Discard(used)
				if req, err := http.ReadRequest(r); err == nil {
					seen.id = req.Header.Get("X-Request-Id")
				}
				got <- seen
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				break
			}
			c.Close()
		}
	}()
	return ln.Addr().String()
}

// Members are told what proxy_tlvs says, and nothing else.
func TestWhatProxyTLVsTell(t *testing.T) {
	a := newAuthority(t)
	got := make(chan introduced, 1)
	origin := introducedServer(t, got)
	const ssl = "ssl TLSv1.3 TLS_AES_128_GCM_SHA256 7 0"
	for _, test := range []struct{ list, want string }{
		{`["authority", "ssl"]`, "one.example " + ssl},
		{`[]`, ""},
		{`["ssl", "cert_cn"]`, ssl + " client"},
		{`["alpn", "crc32c"]`, "h2 crc"},
		{`["unique_id"]`, "id"},
		{`["authority", "ssl", "cert_cn", "alpn", "unique_id", "crc32c"]`, "one.example " + ssl + " client h2 id crc"},
	} {
		b, v := newSecure(t)
		_ = v.Save("certificate/one", a.pair(t, "one.example", x509.ExtKeyUsageServerAuth))
		_ = v.Save("trust/ca", a.pem)
		addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		text := secureText(origin, addr, "certificates = [\"one\"]\nclient_auth = \"require\"\nclient_ca = [\"ca\"]\nsession_tickets = false",
			"certificate \"one\" {}\ntrust \"ca\" {}\n")
		text = strings.Replace(text, "  member \"s\" {}\n", "  proxy_protocol = \"v2\"\n  proxy_tlvs = "+test.list+"\n  member \"s\" {}\n", 1)
		mustServe(t, b, 1, text)
		tr := &http.Transport{Protocols: versions("h2"), TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "one.example",
			Certificates: []tls.Certificate{keyPair(t, a.pair(t, "client", x509.ExtKeyUsageClientAuth))}}}
		resp, err := tr.RoundTrip(must(http.NewRequest("GET", "https://"+addr+"/", nil)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		seen := <-got
		if told := seen.words(); told != test.want {
			t.Errorf("proxy_tlvs = %s: the member was told %q, want %q", test.list, told, test.want)
		}
		tr.CloseIdleConnections()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *introduced) words() string {
	h := &s.header
	words := []string{string(h.Authority)}
	if h.TLS.Present {
		words = append(words, fmt.Sprintf("ssl %s %s %d %d %s", h.TLS.Version, h.TLS.Cipher, h.TLS.Client, h.TLS.Verify, h.TLS.CN))
	}
	words = append(words, string(h.ALPN))
	switch {
	case len(h.UniqueID) == 0:
	case string(h.UniqueID) == s.id:
		words = append(words, "id")
	default:
		words = append(words, fmt.Sprintf("id %q, but the request's is %q", h.UniqueID, s.id))
	}
	if h.Checksum {
		words = append(words, "crc")
	}
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
