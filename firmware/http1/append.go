// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"strconv"

	"evener/firmware/message"
)

// LastChunk ends a chunked body that has no trailers.
const LastChunk = "0\r\n\r\n"

const crlf = "\r\n"

// The Append functions write what they are given: a name, value or target that
// did not come out of this package's parsers must hold no CR and no LF.

// AppendRequestLine appends a request line of HTTP/1.1.
func AppendRequestLine(dst []byte, method, target []byte) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	return append(dst, " HTTP/1.1\r\n"...)
}

// AppendTarget appends the target of h in the form that an origin server gets
// (RFC 9112 section 3.2.1 and 3.2.4): path and query byte for byte, without
// scheme and authority.
func AppendTarget(dst []byte, h *message.Head) []byte {
	switch {
	case h.Form != message.Absolute:
		return append(dst, h.Bytes(h.Target)...)
	case h.Path.Empty() && !h.HasQuery && h.MethodID == message.OPTIONS:
		return append(dst, '*')
	case h.Path.Empty():
		dst = append(dst, '/')
	default:
		dst = append(dst, h.Bytes(h.Path)...)
	}
	if h.HasQuery {
		dst = append(dst, '?')
		dst = append(dst, h.Bytes(h.Query)...)
	}
	return dst
}

// AppendStatusLine appends a status line of HTTP/1.minor. An empty reason is
// replaced by that of the registry.
func AppendStatusLine(dst []byte, minor uint8, status int, reason []byte) []byte {
	dst = append(dst, "HTTP/1."...)
	dst = append(dst, '0'+minor, ' ')
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	if len(reason) == 0 {
		dst = append(dst, StatusText(status)...)
	} else {
		dst = append(dst, reason...)
	}
	return append(dst, crlf...)
}

// AppendField appends one field line.
func AppendField(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, crlf...)
}

// AppendFields appends every field of h that is not Hop, in order.
func AppendFields(dst []byte, h *message.Head) []byte {
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.Hop {
			continue
		}
		dst = append(dst, h.Bytes(f.Name)...)
		dst = append(dst, ": "...)
		dst = append(dst, h.Bytes(f.Value)...)
		dst = append(dst, crlf...)
	}
	return dst
}

// AppendCookies appends the Cookie fields of h joined to one, if there are
// several (RFC 6265 section 5.4): [ParseRequest] marks those as Hop. A single
// one is not Hop, is written by [AppendFields], and nothing is appended here.
func AppendCookies(dst []byte, h *message.Head) []byte {
	first := -1
	for i := range h.Fields {
		if h.Fields[i].ID == message.Cookie {
			if first < 0 {
				first = i
				continue
			}
			return appendCookies(dst, h, first)
		}
	}
	return dst
}

func appendCookies(dst []byte, h *message.Head, first int) []byte {
	sep := "Cookie: "
	for _, f := range h.Fields[first:] {
		if f.ID == message.Cookie && !f.Value.Empty() {
			dst = append(dst, sep...)
			dst = append(dst, h.Bytes(f.Value)...)
			sep = "; "
		}
	}
	if sep == "; " {
		dst = append(dst, crlf...)
	}
	return dst
}

// AppendLength appends a Content-Length field of n bytes.
func AppendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, crlf...)
}

// AppendChunkHead appends the line before a chunk of n bytes. After the chunk
// comes CRLF. n is never 0: that would end the body.
func AppendChunkHead(dst []byte, n int) []byte {
	dst = strconv.AppendUint(dst, uint64(n), 16)
	return append(dst, crlf...)
}

// AppendTrailers ends a chunked body with the fields of h that are not Hop.
func AppendTrailers(dst []byte, h *message.Head) []byte {
	dst = append(dst, "0\r\n"...)
	dst = AppendFields(dst, h)
	return append(dst, crlf...)
}

// AppendError appends a complete small answer with status. last says that the
// connection is closed after it; an answer to HEAD has the fields of the body
// but not the body; date is the value of Date, left out when empty.
func AppendError(dst []byte, status int, last bool, method message.Method, date []byte) []byte {
	text := StatusText(status)
	dst = AppendStatusLine(dst, 1, status, nil)
	if len(date) != 0 {
		dst = AppendField(dst, "Date", date)
	}
	if status == 405 {
		dst = append(dst, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"...)
	}
	dst = append(dst, "Content-Type: text/plain\r\n"...)
	dst = AppendLength(dst, int64(len("000 \n")+len(text)))
	if last {
		dst = append(dst, "Connection: close\r\n"...)
	}
	dst = append(dst, crlf...)
	if method == message.HEAD {
		return dst
	}
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, text...)
	return append(dst, '\n')
}
