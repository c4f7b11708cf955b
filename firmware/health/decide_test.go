// SPDX-License-Identifier: Apache-2.0

package health

import "testing"

func TestDecide(t *testing.T) {
	must := func(typ Type, s State) vote { return vote{typ: typ, state: s, required: true} }
	may := func(typ Type, s State) vote { return vote{typ: typ, state: s} }
	mute := func(typ Type) vote { return vote{typ: typ, mute: true} }
	for _, tt := range []struct {
		name   string
		before State
		votes  []vote
		want   State
	}{
		{"no probes", Checking, nil, Checking},
		{"no probes any more", Up, nil, Checking},
		{"one up", Checking, []vote{may(TCP, Up)}, Up},
		{"one down", Up, []vote{may(TCP, Down)}, Down},
		{"all must be up", Up, []vote{may(TCP, Up), may(HTTP, Down)}, Down},
		{"all are up", Down, []vote{may(TCP, Up), may(HTTP, Up), may(TLS, Up), may(ACV, Up)}, Up},
		{"one has no verdict yet", Checking, []vote{may(TCP, Up), may(HTTP, Checking)}, Checking},
		{"new probe leaves up alone", Up, []vote{may(TCP, Up), may(HTTP, Checking)}, Up},
		{"replaced probe leaves up alone", Up, []vote{may(HTTP, Checking)}, Up},
		{"replaced probe leaves down alone", Down, []vote{may(HTTP, Checking)}, Down},
		{"new probe leaves down alone", Down, []vote{may(TCP, Up), may(HTTP, Checking)}, Down},
		{"replaced probe that cannot ask leaves down alone", Down, []vote{mute(ICMP)}, Down},
		{"probe that said down is gone", Down, []vote{may(TCP, Up)}, Up},
		{"no probes any more, down", Down, nil, Checking},

		{"icmp alone decides", Checking, []vote{may(ICMP, Up)}, Up},
		{"icmp alone takes down", Up, []vote{may(ICMP, Down)}, Down},
		{"icmp is silent beside tcp", Up, []vote{may(ICMP, Down), may(TCP, Up)}, Up},
		{"icmp is silent beside a pending probe", Checking, []vote{may(ICMP, Up), may(HTTP, Checking)}, Checking},
		{"icmp is silent beside acv", Up, []vote{may(ACV, Up), may(ICMP, Down)}, Up},
		{"icmp is silent beside tls", Up, []vote{may(TLS, Up), may(ICMP, Down)}, Up},
		{"icmp decides where tcp cannot ask", Checking, []vote{may(ICMP, Up), mute(TCP)}, Up},
		{"icmp decides beside an agent", Up, []vote{may(ICMP, Down), may(Agent, Up)}, Down},

		{"mute probe alone", Checking, []vote{mute(ICMP)}, Checking},
		{"mute probe beside others", Checking, []vote{mute(ICMP), may(TCP, Up)}, Up},
		{"mute probe takes nothing down", Up, []vote{mute(TCP)}, Up},

		{"silent agent alone", Checking, []vote{may(Agent, Checking)}, Checking},
		{"silent agent beside tcp", Checking, []vote{may(Agent, Checking), may(TCP, Up)}, Up},
		{"answer of an agent", Checking, []vote{may(Agent, Up)}, Up},
		{"answer of an agent is not enough", Checking, []vote{may(Simple, Up), may(TCP, Checking)}, Checking},
		{"agent takes out", Up, []vote{may(Agent, Down), may(TCP, Up)}, Down},
		{"agent that asked out falls silent", Down, []vote{may(Agent, Checking)}, Checking},
		{"agent that said up falls silent", Up, []vote{may(Agent, Checking)}, Up},
		{"agent that must answer", Up, []vote{must(Agent, Down), may(TCP, Up)}, Down},
		{"agent that must answer has not", Checking, []vote{must(Simple, Checking), may(TCP, Up)}, Checking},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := decide(tt.before, tt.votes); got != tt.want {
				t.Errorf("decide(%v, %+v) = %v, want %v", tt.before, tt.votes, got, tt.want)
			}
		})
	}
}
