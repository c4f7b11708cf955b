// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"strings"

	"evener/firmware/l7"
	"evener/firmware/persist"
)

// lostCookie says why the cookie that a request brings keeps the client on no
// member; "" if it does, or if there is none.
func lostCookie(route *l7.Route, fields []string) string {
	for _, p := range route.Persist {
		if p.Cookies == nil {
			continue
		}
		member, verdict := findCookie(p.Cookies, fields)
		switch verdict {
		case persist.None:
			return otherCookie(p.Cookies, fields)
		case persist.Foreign:
			return "the cookie " + p.Cookies.Name() + " is worth nothing: it is forged, was made with a key that is gone or for " +
				"another generation, or its member has left the pool"
		}
		snap := route.View.Set().Snapshot()
		if ok, why := snap.Sticky(member); !ok {
			return "the cookie names " + snap.Members[member].Name + ", which may not be used: " + why
		}
		return ""
	}
	return ""
}

// findCookie returns the member and the worth of the best of a request's cookies.
func findCookie(c *persist.Cookies, fields []string) (member int, best persist.Verdict) {
	member = -1
	for _, f := range cookieFields(fields) {
		if m, v := c.Find([]byte(f)); v.Better(best) {
			member, best = m, v
		}
	}
	return member, best
}

// otherCookie tells of a cookie that looks like one of the box but has another
// name: that of the pool's cookie follows from the pool and the key.
func otherCookie(c *persist.Cookies, fields []string) string {
	for _, f := range cookieFields(fields) {
		for pair := range strings.SplitSeq(f, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.HasPrefix(name, "EVENER_") {
				return "the cookie " + name + " is not read here: this pool's is " + c.Name() +
					", and that one is of another pool, of other settings, or too old: its key is gone"
			}
		}
	}
	return ""
}

// cookieFields returns the values of the Cookie fields among "Name: value".
func cookieFields(fields []string) (values []string) {
	for _, f := range fields {
		if name, value, ok := strings.Cut(f, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "cookie") {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// tellLostCookie puts the reason into the words of the answer.
func (a *Answer) tellLostCookie(fields []string) {
	if a.Route == nil || a.Route.Pool == nil {
		return
	}
	why := lostCookie(a.Route, fields)
	if why == "" {
		return
	}
	rest := a.KeptWhy
	if _, after, ok := strings.Cut(rest, ": "); ok { // what is said of a client that is not kept
		rest = after
	}
	a.KeptWhy = why + "; " + rest
}
