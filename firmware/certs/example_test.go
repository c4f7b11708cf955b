// SPDX-License-Identifier: Apache-2.0

package certs_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/netip"
	"time"

	"evener/firmware/certs"
)

// A listener's configuration from its parts, as a generation builds it.
func ExampleNewServer() {
	now := time.Now()
	pair, err := certs.SelfSigned([]string{"shop.example"}, []netip.Addr{netip.MustParseAddr("192.0.2.1")}, now)
	if err != nil {
		log.Fatal(err)
	}
	profile, err := certs.ParseProfile(certs.ProfileConfig{Name: "intermediate"})
	if err != nil {
		log.Fatal(err)
	}
	set, err := certs.NewSet(certs.SetConfig{Pairs: []*certs.Pair{pair}, Strict: true, Challenges: new(certs.Challenges)})
	if err != nil {
		log.Fatal(err)
	}
	tickets, err := certs.NewTicketKeys(make([]byte, certs.TicketSecretLen), certs.TicketConfig{Scope: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	config, err := certs.NewServer(certs.ServerConfig{
		Set: set, Profile: profile, Tickets: tickets, ALPN: []string{"h2", "http/1.1"},
	}, now)
	if err != nil {
		log.Fatal(err)
	}
	// Each time that tickets.Next names: tickets.Apply(config, time.Now()).
	fmt.Println(pair.Names(), pair.Describe(now)[0].Key)
	fmt.Println(set.Has("shop.example"), set.Has("other.example"), tls.VersionName(config.MinVersion))
	// Output:
	// [shop.example] ECDSA P-256
	// true false TLS 1.2
}
