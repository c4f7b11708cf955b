// SPDX-License-Identifier: Apache-2.0

package l7

import (
	"strconv"

	"evener/firmware/http1"
	"evener/firmware/message"
	"evener/firmware/rewrite"
	"evener/firmware/stats"
)

// Where a plain cluster sends its clients that should use TLS: to the port that it
// says, whichever the request came by.
var (
	secureHost = secureText("https://$hostname")
	securePath = secureText("$path$query")
)

func secureText(text string) *rewrite.Template {
	t, err := rewrite.NewLocation(text, 0)
	if err != nil {
		panic(err)
	}
	return t
}

// redirectsHTTPS sends the client of a plain cluster to https, if the cluster does
// nothing else, and reports whether it does.
func (x *exchange) redirectsHTTPS() bool {
	status := x.svc.RedirectHTTPS
	if status == 0 || x.c.secure {
		return false
	}
	x.route = x.svc.Default
	if x.req.Authority.Empty() { // HTTP/1.0 may keep it to itself
		x.fail(400, stats.BadRequest)
		return true
	}
	x.ownHead(status, x.appendRedirect, stats.Local)
	return true
}

// appendRedirect appends the redirect to https.
func (x *exchange) appendRedirect(dst []byte) []byte {
	to := secureHost.Append(nil, x)
	if port := x.svc.RedirectPort; port != 0 && port != 443 {
		to = strconv.AppendInt(append(to, ':'), int64(port), 10)
	}
	if x.req.Form == message.Asterisk {
		to = append(to, '/') // it is about the server as a whole
	} else {
		to = securePath.Append(to, x)
	}
	dst = http1.AppendStatusLine(dst, 1, x.svc.RedirectHTTPS, nil)
	dst = http1.AppendField(dst, "Date", x.w.httpDate())
	dst = http1.AppendField(dst, "Location", to)
	dst = http1.AppendLength(dst, 0)
	return append(x.appendPersistence(dst), "\r\n"...)
}
