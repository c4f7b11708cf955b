// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"slices"
	"strings"
	"time"
)

// News is what is known of the box. What nobody has told is nil or zero, and is not
// shown.
type news struct {
	status   *status
	at       time.Time // when the status came
	roles    []role    // of the supervisor, while the engine is silent
	network  *network
	ports    []port
	sensors  []sensor
	setup    string // the set-up code; "" where there is an admin
	standby  *standby
	firmware *firmware // nil: the box has no slots
	pairing  pairing
	rate     float64
	rated    bool // rate is known
	stopping bool
}

// A status is the result of panel.status, as far as it is shown.
type status struct {
	Host            string     `json:"host"`
	Version         string     `json:"version"`
	Revision        uint64     `json:"revision"`
	Started         time.Time  `json:"started"`
	Now             time.Time  `json:"now"`
	Serves          bool       `json:"serves"`
	Pending         *pending   `json:"pending"`
	Problems        []problem  `json:"problems"`
	More            int        `json:"more"`
	Console         console    `json:"console"`
	Roles           []role     `json:"roles"`
	Clusters        count      `json:"clusters"`
	Servers         count      `json:"servers"`
	Accepted        uint64     `json:"accepted"`
	Connections     int64      `json:"connections"`
	BytesIn         float64    `json:"bytes_in"`
	BytesOut        float64    `json:"bytes_out"`
	Management      management `json:"management"`
	ManagementGiven bool       `json:"management_given"`
}

type count struct{ Up, Total int }

type pending struct {
	Revision uint64   `json:"revision"`
	Left     duration `json:"left"`
	Author   string   `json:"author"`
}

type problem struct {
	Kind, Severity, Object, Text string
}

// key tells problems apart while they last.
func (p problem) key() string {
	if p.Object == "" {
		return p.Kind + " " + p.Text
	}
	return p.Kind + " " + p.Object
}

func (p problem) isError() bool { return p.Severity == "error" }

type console struct {
	Addresses   []string `json:"addresses"`
	Fingerprint string   `json:"fingerprint"`
}

// digits returns the fingerprint as capital hexadecimal digits alone.
func (c console) digits() string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789ABCDEF", r) {
			return r
		}
		return -1
	}, strings.ToUpper(c.Fingerprint))
}

type role struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// A management is the block management of the running revision.
type management struct {
	Method  string   `json:"method"`
	VLAN    int      `json:"vlan"`
	Address []string `json:"address"`
	Gateway []string `json:"gateway"`
}

// A network is the result of network.show.
type network struct {
	Managed   bool     `json:"managed"`
	Port      string   `json:"port"`
	VLAN      int      `json:"vlan"`
	Method    string   `json:"method"`
	Addresses []string `json:"addresses"`
	Gateway   string   `json:"gateway"`
	Problem   string   `json:"problem"`
}

type port struct {
	Name  string `json:"name"`
	State string `json:"state"` // up, no-carrier, down or missing
	Speed int    `json:"speed"` // Mbit/s
}

type sensor struct {
	Name  string  `json:"name"`
	Kind  string  `json:"kind"` // temperature, fan, voltage or power
	Value float64 `json:"value"`
	State string  `json:"state"` // ok, warning, critical or missing
}

// takeStatus notes what the engine has told at a time.
func (n *news) takeStatus(s *status, at time.Time) {
	n.rated = false
	if was := n.status; was != nil && s.Accepted >= was.Accepted && s.Started.Equal(was.Started) {
		if d := at.Sub(n.at).Seconds(); d >= 0.1 {
			n.rate, n.rated = float64(s.Accepted-was.Accepted)/d, true
		}
	}
	n.status, n.at, n.roles = s, at, nil
}

// roleList returns the roles by whoever has told of them last.
func (n *news) roleList() []role {
	if n.roles != nil {
		return n.roles
	}
	if n.status != nil {
		return n.status.Roles
	}
	return nil
}

// alarms returns the problems, the errors first.
func (n *news) alarms() []problem {
	if n.status == nil {
		return nil
	}
	out := slices.Clone(n.status.Problems)
	slices.SortStableFunc(out, func(a, b problem) int {
		switch {
		case a.isError() == b.isError():
			return 0
		case a.isError():
			return -1
		}
		return 1
	})
	return out
}
