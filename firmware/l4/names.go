// SPDX-License-Identifier: Apache-2.0

package l4

import "bytes"

// Names finds routes by TLS server name. It is immutable.
type Names struct {
	exact  map[string]*Route
	suffix map[string]*Route // by what follows the "*", such as ".example.com"
}

// A Name is a server name in lower case, such as "www.example.com", or "*." and a
// domain for every name below it, and where its clients are sent.
type Name struct {
	Pattern string
	Route   *Route
}

// NewNames returns the table of the names. Of equal patterns the first counts.
func NewNames(names []Name) *Names {
	n := &Names{exact: map[string]*Route{}, suffix: map[string]*Route{}}
	for _, name := range names {
		table, key := n.exact, name.Pattern
		if len(key) > 1 && key[0] == '*' && key[1] == '.' {
			table, key = n.suffix, key[1:]
		}
		if table[key] == nil {
			table[key] = name.Route
		}
	}
	return n
}

// Find returns the route for a name in lower case: that of the same name, else
// that of the longest pattern, else nil.
func (n *Names) Find(name []byte) *Route {
	if r := n.exact[string(name)]; r != nil {
		return r
	}
	for rest := name; ; rest = rest[1:] {
		i := bytes.IndexByte(rest, '.')
		if i < 0 {
			return nil
		}
		rest = rest[i:]
		if len(rest) == len(name) {
			continue // no label stands for the star
		}
		if r := n.suffix[string(rest)]; r != nil {
			return r
		}
	}
}
