// SPDX-License-Identifier: Apache-2.0

package rewrite

import (
	"bytes"
	"errors"
	"strconv"
	"time"

	"evener/firmware/message"
)

// Own is the place that an answer comes from as its client sees it, when that is
// reached over TLS and the server does not know: the server then names itself
// with http in what it sends.
type Own struct {
	Authority []byte // host[:port] of the request, as the client sent it
	Port      uint16 // at which the client's connection was accepted
}

// AppendSecure appends the URL of an answer to dst with https in the place of
// http if it names this very place: the host is that of the request, and the
// port is that of http, that of the request, or the one listened at. It gets the
// authority of the request then. Another host or port may not speak TLS; changed
// is false for it and for all other URLs, and nothing is appended.
func (o Own) AppendSecure(dst, url []byte) (out []byte, changed bool) {
	const scheme = "http://"
	if len(url) < len(scheme) || !message.EqualFold(url[:len(scheme)], scheme) {
		return dst, false
	}
	authority, rest := url[len(scheme):], []byte(nil)
	if end := bytes.IndexAny(authority, "/?#"); end >= 0 {
		authority, rest = authority[:end], authority[end:]
	}
	if _, fault := message.CheckHost(authority); fault != message.HostSound {
		return dst, false
	}
	host, port := cutPort(authority)
	own, ownPort := cutPort(o.Authority)
	if !bytes.EqualFold(host, own) || !o.isPort(port, ownPort) {
		return dst, false
	}
	dst = append(dst, "https://"...)
	dst = append(dst, own...)
	if len(ownPort) > 0 && string(ownPort) != "443" {
		dst = append(append(dst, ':'), ownPort...)
	}
	return append(dst, rest...), true
}

// isPort reports whether a URL with port leads here.
func (o Own) isPort(port, own []byte) bool {
	if len(port) == 0 || string(port) == "80" || bytes.Equal(port, own) {
		return true
	}
	n, err := strconv.ParseUint(string(port), 10, 16)
	return err == nil && n == uint64(o.Port)
}

// AppendSecureRefresh is AppendSecure for the value of Refresh: a number of
// seconds, and a URL behind "url=", in quotes or not.
func (o Own) AppendSecureRefresh(dst, value []byte) (out []byte, changed bool) {
	from := bytes.IndexAny(value, ";,")
	if from < 0 {
		return dst, false
	}
	url := bytes.TrimLeft(value[from+1:], " \t")
	if len(url) < 3 || !message.EqualFold(url[:3], "url") {
		return dst, false
	}
	url = bytes.TrimLeft(url[3:], " \t")
	if len(url) == 0 || url[0] != '=' {
		return dst, false
	}
	url = bytes.TrimLeft(url[1:], " \t")
	end := len(url)
	if len(url) > 0 && (url[0] == '"' || url[0] == '\'') {
		if i := bytes.IndexByte(url[1:], url[0]); i >= 0 {
			end = i + 1
		}
		url, end = url[1:], end-1
	}
	start := len(dst)
	dst = append(dst, value[:len(value)-len(url)]...)
	if dst, changed = o.AppendSecure(dst, url[:end]); !changed {
		return dst[:start], false
	}
	return append(dst, url[end:]...), true
}

// Secure makes the fields Location, Content-Location and Refresh of the answer h
// name https where they name this place with http. With cookies, the cookies
// that the answer sets get the attribute Secure, without which a browser sends
// them in the clear too; that is not for a site that is also reached by http.
// Apply it before the operations on answers: they see what it has made.
func (o Own) Secure(h *message.Head, c *Changes, cookies bool) {
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Hop {
			continue
		}
		value, changed := h.Bytes(f.Value), false
		switch name := h.Bytes(f.Name); {
		case f.ID == message.Location, f.ID == message.OtherField && message.EqualFold(name, "content-location"):
			c.scratch, changed = o.AppendSecure(c.scratch[:0], value)
		case f.ID == message.OtherField && message.EqualFold(name, "refresh"):
			c.scratch, changed = o.AppendSecureRefresh(c.scratch[:0], value)
		}
		if changed {
			c.replace(h, i, c.scratch)
		}
	}
	if cookies {
		c.secureCookies(h)
	}
}

// replace puts a line with value in the place of the one at index.
func (c *Changes) replace(h *message.Head, index int, value []byte) {
	f := h.Fields[index]
	at := len(c.Extra.Buf)
	c.Extra.Buf = append(c.Extra.Buf, h.Bytes(f.Name)...)
	end := len(c.Extra.Buf)
	c.Extra.Buf = append(c.Extra.Buf, value...)
	c.Extra.Fields = append(c.Extra.Fields, message.Field{
		Name:  message.Span{Off: uint32(at), Len: uint32(end - at)},
		Value: message.Span{Off: uint32(end), Len: uint32(len(c.Extra.Buf) - end)},
		ID:    f.ID,
	})
	c.hideAt(h, index)
}

// secureCookies gives all cookies the attribute Secure. From the first that
// lacks it on all are replaced: of two with one name the later counts.
func (c *Changes) secureCookies(h *message.Head) {
	moved := false
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Hop || f.ID != message.SetCookie {
			continue
		}
		c.scratch = append(c.scratch[:0], h.Bytes(f.Value)...)
		if !isSecure(c.scratch) {
			moved = true
			c.scratch = append(c.scratch, "; Secure"...)
		}
		if moved {
			c.replace(h, i, c.scratch)
		}
	}
}

// isSecure reports whether the value of Set-Cookie has the attribute Secure
// (RFC 6265 section 5.2.5).
func isSecure(value []byte) bool {
	_, attributes, more := bytes.Cut(value, []byte(";"))
	for more {
		var a []byte
		a, attributes, more = bytes.Cut(attributes, []byte(";"))
		name, _, _ := bytes.Cut(a, []byte("="))
		if message.EqualFold(bytes.Trim(name, " \t"), "secure") {
			return true
		}
	}
	return false
}

// yearOfHSTS is what the list of browsers asks for.
const yearOfHSTS = 365 * 24 * time.Hour

// HSTS returns the value of Strict-Transport-Security (RFC 6797 section 6.1):
// for maxAge, browsers will speak only TLS to the host, and to those below it
// with subdomains; 0 makes them forget. With preload the site asks to be put on
// the list that browsers are delivered with, which wants subdomains and a year.
// It may be sent over TLS only (section 7.2).
func HSTS(maxAge time.Duration, subdomains, preload bool) (string, error) {
	switch {
	case maxAge < 0 || maxAge%time.Second != 0:
		return "", errors.New("the age is in whole seconds, 0 or more")
	case preload && (maxAge < yearOfHSTS || !subdomains):
		return "", errors.New("to be preloaded, a site must promise a year (8760h) or more, with its subdomains")
	}
	v := "max-age=" + strconv.FormatInt(int64(maxAge/time.Second), 10)
	if subdomains {
		v += "; includeSubDomains"
	}
	if preload {
		v += "; preload"
	}
	return v, nil
}
