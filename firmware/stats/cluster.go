// SPDX-License-Identifier: Apache-2.0

package stats

import "sync/atomic"

// A Cluster counts what one cluster does. It outlives generations: find it by
// name in a [Registry].
type Cluster struct {
	name     string
	protocol atomic.Uint32 // a Protocol; read when the cluster is shown
	slots    []ClusterSlot
}

// A Protocol is what the clients of a cluster speak. It says which counters mean
// anything.
type Protocol uint32

// The protocols.
const (
	HTTP  Protocol = iota
	TCP            // its connections carry no requests that we see
	UDP            // and its flows neither
	HTTPS          // as HTTP, behind a TLS handshake
)

// A ClusterSlot is what one loop counts for a cluster. Only that loop writes it.
type ClusterSlot struct {
	Accepted    Counter // client connections
	Refused     Counter // client connections closed at once: over a limit, or disabled
	Connections Gauge   // client connections that are open

	Requests Counter             // exchanges begun
	Active   Gauge               // exchanges running
	Class    [numClasses]Counter // exchanges ended, by ClassOf(status); 0: without an answer
	BytesIn  Counter             // read from clients
	BytesOut Counter             // written to clients
	Duration Histogram           // of a whole exchange
	Aborts   [NumReasons]Counter // exchanges and connections ended, by Reason
	Rejected [NumRejects]Counter // requests refused by the codec, by its reason

	Retries         Counter // further members tried
	Reused          Counter // exchanges on a member's connection that was open already
	ConnectFailures Counter // connections to members that failed

	Queued        Counter // exchanges that had to wait for a member
	QueueTimeouts Counter // of those, exchanges that waited in vain
	Waiting       Gauge   // exchanges waiting now

	PersistValid   Counter // record named a member that was taken
	PersistForeign Counter // record was not ours, out of date or its member is gone
	PersistRenewed Counter // record was written again
	PersistNew     Counter // client got its first record

	Compressed      Counter // answers compressed
	CompressIn      Counter // bytes of their content as members sent it
	CompressOut     Counter // and as clients got it
	CompressRefused Counter // answers not compressed because encoders had no memory left

	Tunnels     Counter // exchanges that became tunnels
	TunnelsOpen Gauge   // tunnels open

	DatagramsIn  Counter // from clients, passed on to members
	DatagramsOut Counter // from members, passed on to clients

	Handshakes      Counter                    // TLS handshakes of clients that succeeded
	Resumed         Counter                    // of those, the ones by a session ticket
	HandshakeFailed [NumHandshakeFails]Counter // by the reason of the TLS layer

	ProxyRefused [NumProxyFaults]Counter // connections, by what is wrong with their PROXY header

	_ linePad
}

// A ProxyFault says why a connection that must begin with a header of the PROXY
// protocol was refused.
type ProxyFault uint8

// The faults.
const (
	ProxyUntrusted ProxyFault = iota // its source may not tell of others
	ProxyMissing                     // it begins with something else
	ProxyMalformed
	NumProxyFaults = int(ProxyMalformed) + 1
)

// String returns the name that metrics show.
func (f ProxyFault) String() string {
	return [NumProxyFaults]string{"untrusted", "missing", "malformed"}[f]
}

// NumHandshakeFails is the size of ClusterSlot.HandshakeFailed.
const NumHandshakeFails = 32

// ClusterTotals is a ClusterSlot added up over the loops.
type ClusterTotals struct {
	Accepted, Refused                                        uint64
	Connections                                              int64
	Requests                                                 uint64
	Active                                                   int64
	Class                                                    [numClasses]uint64
	BytesIn, BytesOut                                        uint64
	Duration                                                 HistogramTotals
	Aborts                                                   [NumReasons]uint64
	Rejected                                                 [NumRejects]uint64
	Retries, Reused, ConnectFailures                         uint64
	Queued, QueueTimeouts                                    uint64
	Waiting                                                  int64
	PersistValid, PersistForeign, PersistRenewed, PersistNew uint64
	Compressed, CompressIn, CompressOut, CompressRefused     uint64
	Tunnels                                                  uint64
	TunnelsOpen                                              int64
	DatagramsIn, DatagramsOut                                uint64
	Handshakes, Resumed                                      uint64
	HandshakeFailed                                          [NumHandshakeFails]uint64
	ProxyRefused                                             [NumProxyFaults]uint64
}

// NewCluster returns the counters of a cluster for that many loops.
func NewCluster(name string, loops int) *Cluster {
	return &Cluster{name: name, slots: make([]ClusterSlot, loops)}
}

// Name returns the cluster's name.
func (c *Cluster) Name() string { return c.name }

// Serve says what the cluster's clients speak; at first that is HTTP. Any goroutine
// may call it.
func (c *Cluster) Serve(p Protocol) { c.protocol.Store(uint32(p)) }

// Slot returns what the loop of that index writes.
func (c *Cluster) Slot(loop int) *ClusterSlot { return &c.slots[loop] }

// Sum adds the slots up. Counters that are written meanwhile may be in or not.
func (c *Cluster) Sum() ClusterTotals {
	var t ClusterTotals
	for i := range c.slots {
		t.add(&c.slots[i])
	}
	return t
}

func (t *ClusterTotals) add(s *ClusterSlot) {
	t.Accepted += s.Accepted.Value()
	t.Refused += s.Refused.Value()
	t.Connections += s.Connections.Value()
	t.Requests += s.Requests.Value()
	t.Active += s.Active.Value()
	addAll(t.Class[:], s.Class[:])
	t.BytesIn += s.BytesIn.Value()
	t.BytesOut += s.BytesOut.Value()
	t.Duration.AddFrom(&s.Duration)
	addAll(t.Aborts[:], s.Aborts[:])
	addAll(t.Rejected[:], s.Rejected[:])
	t.Retries += s.Retries.Value()
	t.Reused += s.Reused.Value()
	t.ConnectFailures += s.ConnectFailures.Value()
	t.Queued += s.Queued.Value()
	t.QueueTimeouts += s.QueueTimeouts.Value()
	t.Waiting += s.Waiting.Value()
	t.PersistValid += s.PersistValid.Value()
	t.PersistForeign += s.PersistForeign.Value()
	t.PersistRenewed += s.PersistRenewed.Value()
	t.PersistNew += s.PersistNew.Value()
	t.Compressed += s.Compressed.Value()
	t.CompressIn += s.CompressIn.Value()
	t.CompressOut += s.CompressOut.Value()
	t.CompressRefused += s.CompressRefused.Value()
	t.Tunnels += s.Tunnels.Value()
	t.TunnelsOpen += s.TunnelsOpen.Value()
	t.DatagramsIn += s.DatagramsIn.Value()
	t.DatagramsOut += s.DatagramsOut.Value()
	t.Handshakes += s.Handshakes.Value()
	t.Resumed += s.Resumed.Value()
	addAll(t.HandshakeFailed[:], s.HandshakeFailed[:])
	addAll(t.ProxyRefused[:], s.ProxyRefused[:])
}

// addAll adds each counter to the total of the same index.
func addAll(totals []uint64, counters []Counter) {
	for i := range counters {
		totals[i] += counters[i].Value()
	}
}
