// SPDX-License-Identifier: Apache-2.0

// Package board describes the models of hardware that the firmware runs on, as
// plain data. It knows no driver and opens nothing.
package board

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Board is one model.
type Board struct {
	Name        string
	Description string
	Origins     []Origin // demo servers, of the simulated board only
}

// An Origin is a demo server that the simulated board brings along.
type Origin struct {
	Name string
	Addr netip.AddrPort
}

// Sim is the simulated board: loopback addresses and three demo servers.
var Sim = Board{
	Name:        "sim",
	Description: "simulated board: loopback addresses and three demo origin servers",
	Origins: []Origin{
		{"web1", netip.MustParseAddrPort("127.0.0.1:18081")},
		{"web2", netip.MustParseAddrPort("127.0.0.1:18082")},
		{"web3", netip.MustParseAddrPort("127.0.0.1:18083")},
	},
}

// Host is any Linux machine whose network somebody else configures.
var Host = Board{
	Name:        "host",
	Description: "any Linux machine; its network is configured by somebody else",
}

// All returns every board.
func All() []Board { return []Board{Sim, Host} }

// ByName returns the board of that name; the error lists the names there are.
func ByName(name string) (Board, error) {
	var names []string
	for _, b := range All() {
		if b.Name == name {
			return b, nil
		}
		names = append(names, b.Name)
	}
	return Board{}, fmt.Errorf("there is no board %q: there are %s", name, strings.Join(names, ", "))
}
