// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"net"
	"time"

	"evener/firmware/api"
	"evener/firmware/diag"
	"evener/firmware/phrase"
)

type pingParams struct {
	Host      string       `json:"host" doc:"address or name"`
	Count     int          `json:"count,omitempty" doc:"1 to 100; 4"`
	Size      int          `json:"size,omitempty" doc:"bytes of contents, 16 to 65000; 56"`
	Interface string       `json:"interface,omitempty" doc:"by which to send; any"`
	Interval  api.Duration `json:"interval,omitempty" doc:"200ms to 10s; 1s"`
}

// A Ping is what a host answered.
type Ping struct {
	Host     string       `json:"host"`
	Address  string       `json:"address"`
	Sent     int          `json:"sent"`
	Received int          `json:"received"`
	Min      api.Duration `json:"min,omitempty"`
	Mean     api.Duration `json:"mean,omitempty"`
	Max      api.Duration `json:"max,omitempty"`
	Replies  []PingReply  `json:"replies" doc:"in the order of the requests"`
}

// A PingReply is what became of a request.
type PingReply struct {
	Seq   int          `json:"seq" doc:"from 1"`
	Time  api.Duration `json:"time,omitempty"`
	Error string       `json:"error,omitempty" doc:"why there is no time"`

	Said phrase.Words `json:"said,omitempty" says:"error" doc:"what the texts say, by field: kind and args, for translation"`
}

type traceParams struct {
	Host string       `json:"host" doc:"address or name"`
	Hops int          `json:"hops,omitempty" doc:"routers at most, 1 to 64; 30"`
	Wait api.Duration `json:"wait,omitempty" doc:"for each, 100ms to 5s; 1s"`
}

// A Trace is the way to a host.
type Trace struct {
	Host    string     `json:"host"`
	Address string     `json:"address"`
	Reached bool       `json:"reached" doc:"the last hop is the host"`
	Hops    []TraceHop `json:"hops"`
}

// A TraceHop is a router, or the host.
type TraceHop struct {
	TTL   int        `json:"ttl" doc:"from 1"`
	Tries []TraceTry `json:"tries"`
}

// A TraceTry is what became of one datagram.
type TraceTry struct {
	From  string       `json:"from,omitempty" doc:"who answered; empty: nobody"`
	Time  api.Duration `json:"time,omitempty"`
	Error string       `json:"error,omitempty" doc:"what was said in place of an answer"`

	Said phrase.Words `json:"said,omitempty" says:"error" doc:"what the texts say, by field: kind and args, for translation"`
}

type dnsParams struct {
	Name   string `json:"name" doc:"or an address, whose name is asked for"`
	Type   string `json:"type,omitempty" doc:"A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT or CAA; A, and PTR for an address"`
	Server string `json:"server,omitempty" doc:"address, with a port if it is not 53; the first of the system's that answers"`
}

// A DNSAnswer is what a name server said.
type DNSAnswer struct {
	Server    string       `json:"server"`
	Question  string       `json:"question"`
	Code      string       `json:"code" doc:"such as NOERROR or NXDOMAIN"`
	Records   []DNSRecord  `json:"records"`
	Authority []DNSRecord  `json:"authority"`
	TCP       bool         `json:"tcp,omitempty" doc:"the answer was too long for a datagram"`
	Time      api.Duration `json:"time"`
}

// A DNSRecord is a line of an answer.
type DNSRecord struct {
	Name  string       `json:"name"`
	Type  string       `json:"type"`
	TTL   api.Duration `json:"ttl"`
	Value string       `json:"value"`
}

// maxDiag is how many looks at the network run at the same time.
const maxDiag = 4

// diagTime bounds one: 100 echoes at 10 s each are more than anybody waits for.
const diagTime = 5 * time.Minute

func (b *Box) addDiag(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "diag.ping", Purpose: "Asks a host for echoes, and tells how long they take.",
		Role: api.Operator, Audit: "ping {host}", Timeout: diagTime}, b.ping)
	api.Add(reg, api.Method{Name: "diag.trace", Purpose: "Finds the routers on the way to a host.",
		Role: api.Operator, Audit: "trace {host}", Timeout: diagTime}, b.trace)
	api.Add(reg, api.Method{Name: "diag.dns", Purpose: "Asks a name server.",
		Role: api.Operator, Audit: "look up {name} {type} at {server}", Timeout: time.Minute}, b.lookUp)
}

// diagnose gives a look at the network its place, and words its error.
func (b *Box) diagnose(c api.Call, f func() error) error {
	if err := unscoped(c, "the network of the box"); err != nil {
		return err
	}
	select {
	case b.diags <- struct{}{}:
		defer func() { <-b.diags }()
	default:
		return api.Errorf(api.CodeTooMany, "too_many.diagnostics", "%d looks at the network run already: wait for one", maxDiag)
	}
	err := f()
	var lost *net.DNSError
	switch bad := diag.ArgumentError(""); {
	case errors.As(err, &bad):
		return api.Errorf(api.CodeParams, "params", "%v", bad)
	case errors.Is(err, diag.ErrUnavailable):
		return api.Errorf(api.CodeFailed, "diag.unavailable", "%v", err)
	case errors.As(err, &lost):
		return api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	}
	return err
}

func (b *Box) ping(ctx context.Context, c api.Call, p pingParams) (out Ping, err error) {
	out = Ping{Host: p.Host, Replies: []PingReply{}}
	err = b.diagnose(c, func() error {
		heard := int64(0)
		r, err := diag.Ping{Host: p.Host, Count: p.Count, Size: p.Size, Interface: p.Interface, Interval: time.Duration(p.Interval)}.Do(ctx,
			func(diag.Reply) {
				heard++
				api.Progress(ctx, heard, int64(p.Count), "diag.reply")
			})
		if err != nil {
			return err
		}
		out.Address, out.Sent = r.Address.String(), len(r.Replies)
		out.summarise(r.Replies)
		return nil
	})
	return out, err
}

func (p *Ping) summarise(list []diag.Reply) {
	var sum time.Duration
	for _, r := range list {
		p.Replies = append(p.Replies, PingReply{Seq: r.Seq, Time: api.Duration(r.RTT.Round(time.Microsecond)), Error: r.Error,
			Said: phrase.Fields("error", r.Error)})
		if r.Error != "" {
			continue
		}
		d := api.Duration(r.RTT.Round(time.Microsecond))
		if p.Received == 0 || d < p.Min {
			p.Min = d
		}
		p.Max = max(p.Max, d)
		p.Received++
		sum += r.RTT
	}
	if p.Received > 0 {
		p.Mean = api.Duration((sum / time.Duration(p.Received)).Round(time.Microsecond))
	}
}

func (b *Box) trace(ctx context.Context, c api.Call, p traceParams) (out Trace, err error) {
	out = Trace{Host: p.Host, Hops: []TraceHop{}}
	err = b.diagnose(c, func() error {
		r, err := diag.Trace{Host: p.Host, Hops: p.Hops, Wait: time.Duration(p.Wait)}.Do(ctx,
			func(h diag.Hop) { api.Progress(ctx, int64(h.TTL), int64(p.Hops), "diag.hop") })
		if err != nil {
			return err
		}
		out.Address, out.Reached = r.Address.String(), r.Reached
		for _, h := range r.Hops {
			hop := TraceHop{TTL: h.TTL}
			for _, t := range h.Tries {
				try := TraceTry{Time: api.Duration(t.RTT.Round(time.Microsecond)), Error: t.Error, Said: phrase.Fields("error", t.Error)}
				if t.From.IsValid() {
					try.From = t.From.String()
				}
				hop.Tries = append(hop.Tries, try)
			}
			out.Hops = append(out.Hops, hop)
		}
		return nil
	})
	return out, err
}

func (b *Box) lookUp(ctx context.Context, c api.Call, p dnsParams) (out DNSAnswer, err error) {
	err = b.diagnose(c, func() error {
		asked := int64(0)
		a, err := diag.Lookup{Name: p.Name, Type: p.Type, Server: p.Server}.Do(ctx, func(string, error) {
			asked++
			api.Progress(ctx, asked, 0, "diag.server_silent")
		})
		out = DNSAnswer{Server: a.Server, Question: a.Question, Code: a.Code, Records: recordsOf(a.Records),
			Authority: recordsOf(a.Authority), TCP: a.TCP, Time: api.Duration(a.Took.Round(time.Microsecond))}
		return err
	})
	return out, err
}

func recordsOf(list []diag.Record) []DNSRecord {
	out := []DNSRecord{}
	for _, r := range list {
		out = append(out, DNSRecord{r.Name, r.Type, api.Duration(r.TTL), r.Value})
	}
	return out
}
