// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"strings"
)

// Drawing shows what there is, for people.
func (l *Lab) Drawing() string {
	var t strings.Builder
	t.WriteString(`
   client              neighbour
     │ 203.0.113.2         │ 192.0.2.100
     │                     │
     │   router .1         │
     └────────┴────────────┴───┬── front  192.0.2.0/24  2001:db8:1::/64
                               │          clusters: http://192.0.2.10  http://[2001:db8:1::10]  tcp 192.0.2.10:81
`)
	for i, b := range l.Boxes {
		fmt.Fprintf(&t, "                               ├── %-7s front 192.0.2.%d   back 198.51.100.%d   link 10.255.0.%d\n", b.Name, 2+i, 2+i, 1+i)
	}
	t.WriteString("                               │\n")
	t.WriteString("                               └── back   198.51.100.0/24")
	for i, o := range l.Origins {
		fmt.Fprintf(&t, "   %s .%d", o.Name, 11+i)
	}
	t.WriteString("\n")
	return t.String()
}
