// SPDX-License-Identifier: Apache-2.0

package accesslog

// A field is one value of a line.
type field struct {
	name   string
	append func(e *encoder, r *Record)
}

// fields are all there are, in the order of the standard set of the JSON format.
var fields = []field{
	{"time", func(e *encoder, r *Record) { e.time(r.Time) }},
	{"client", func(e *encoder, r *Record) { e.address(r.Client()) }},
	{"client_port", func(e *encoder, r *Record) { e.number(uint64(r.client.port), r.client.kind == 0) }},
	{"cluster", func(e *encoder, r *Record) { e.name(r.Cluster) }},
	{"rule", func(e *encoder, r *Record) { e.name(r.Rule) }},
	{"pool", func(e *encoder, r *Record) { e.name(r.Pool) }},
	{"member", func(e *encoder, r *Record) { e.name(r.Member) }},
	{"protocol", func(e *encoder, r *Record) { e.word(r.Protocol.String(), r.Protocol == ProtocolNone) }},
	{"method", func(e *encoder, r *Record) { e.text(r.Method.Bytes(), r.Method.cut) }},
	{"host", func(e *encoder, r *Record) { e.text(r.Host.Bytes(), r.Host.cut) }},
	{"path", func(e *encoder, r *Record) { e.text(r.Path.Bytes(), r.Path.cut) }},
	{"status", func(e *encoder, r *Record) { e.number(uint64(r.Status), r.Status == 0) }},
	{"reason", func(e *encoder, r *Record) { e.word(r.Reason.String(), false) }},
	{"bytes_in", func(e *encoder, r *Record) { e.number(uint64(max(r.BytesIn, 0)), r.BytesIn < 0) }},
	{"bytes_out", func(e *encoder, r *Record) { e.number(uint64(max(r.BytesOut, 0)), r.BytesOut < 0) }},
	{"duration_seconds", func(e *encoder, r *Record) { e.seconds(r.Total) }},
	{"queue_seconds", func(e *encoder, r *Record) { e.seconds(r.Queue) }},
	{"connect_seconds", func(e *encoder, r *Record) { e.seconds(r.Connect) }},
	{"first_byte_seconds", func(e *encoder, r *Record) { e.seconds(r.FirstByte) }},
	{"retries", func(e *encoder, r *Record) { e.number(uint64(r.Retries), false) }},
	{"persist", func(e *encoder, r *Record) { e.word(r.Persist.String(), false) }},
	{"generation", func(e *encoder, r *Record) { e.number(r.Generation, false) }},
	{"request_id", func(e *encoder, r *Record) { e.text(r.RequestID.Bytes(), r.RequestID.cut) }},
	{"referer", func(e *encoder, r *Record) { e.text(r.Referer.Bytes(), r.Referer.cut) }},
	{"user_agent", func(e *encoder, r *Record) { e.text(r.UserAgent.Bytes(), r.UserAgent.cut) }},
}

// Fields returns the names that Config.Fields may hold.
func Fields() []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}
