// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"log/slog"
	"time"

	"evener/firmware/api"
	"evener/firmware/logring"
)

// logEvery is how often a log topic looks for more.
const logEvery = 500 * time.Millisecond

type eventTopicParams struct {
	Severity string   `json:"severity,omitempty" doc:"and worse: info, warning or error; info"`
	Kinds    []string `json:"kinds,omitempty" doc:"patterns such as member.*; all"`
	Objects  []string `json:"objects,omitempty" doc:"paths with what is below them, or patterns such as pool/*; all"`
}

type systemTopicParams struct {
	Level string   `json:"level,omitempty" doc:"and worse: debug, info, warn or error; info"`
	Text  []string `json:"text,omitempty" doc:"words that must all be found, such as crashed or role=web1; with - in front: must not; 20 at most"`
}

func (b *Box) addLogTopics(reg *api.Registry) {
	api.AddLog(reg, api.Topic{Name: "log.events", Purpose: "What happens to the box.", Role: api.Viewer, Every: logEvery}, b.eventTopic)
	api.AddLog(reg, api.Topic{Name: "log.audit", Purpose: "Who does what.", Role: api.Admin, Every: logEvery}, b.auditTopic)
	api.AddLog(reg, api.Topic{Name: "log.system", Purpose: "What the engine logs.", Role: api.Viewer, Every: logEvery}, b.systemTopic)
	api.AddLog(reg, api.Topic{Name: "log.access", Purpose: "Requests and connections as they end, filtered on the box; of what fits, 25 a second at most, the rest as gaps.",
		Role: api.Viewer, Every: logEvery}, b.accessTopic)
}

// first returns the oldest number that is kept, of entries after a number of which
// some were lost.
func first(after, lost uint64) uint64 {
	if lost > 0 {
		return after + lost + 1
	}
	return 1 // nothing was lost
}

func (b *Box) eventTopic(_ context.Context, _ api.Call, p eventTopicParams, after uint64, most int) (api.Batch[Event], error) {
	if b.cfg.Events == nil {
		return api.Batch[Event]{}, errNoEvents
	}
	f, err := eventFilter{Severity: p.Severity, Kinds: p.Kinds, Objects: p.Objects}.filter()
	if err != nil {
		return api.Batch[Event]{}, err
	}
	got, _ := b.cfg.Events.After(after, most)
	out := api.Batch[Event]{First: first(after, got.Lost), Last: got.Next}
	for _, e := range got.Events {
		if f.Match(e) {
			out.Entries = append(out.Entries, api.Entry[Event]{Seq: e.Seq, Data: eventOf(e)})
		}
	}
	return out, nil
}

func (b *Box) auditTopic(_ context.Context, _ api.Call, p auditFilter, after uint64, most int) (api.Batch[AuditRecord], error) {
	if b.cfg.Audit == nil {
		return api.Batch[AuditRecord]{}, errNoAudit
	}
	got, _ := b.cfg.Audit.After(after, most)
	out := api.Batch[AuditRecord]{First: first(after, got.Lost), Last: got.Next}
	for _, r := range got.Records {
		if p.filter().Match(r) {
			out.Entries = append(out.Entries, api.Entry[AuditRecord]{Seq: r.Seq, Data: auditRecordOf(r)})
		}
	}
	return out, nil
}

func (b *Box) systemTopic(_ context.Context, _ api.Call, p systemTopicParams, after uint64, most int) (api.Batch[logring.Record], error) {
	level := slog.LevelInfo
	if p.Level != "" {
		if err := level.UnmarshalText([]byte(p.Level)); err != nil {
			return api.Batch[logring.Record]{}, api.Errorf(api.CodeParams, "params.level", "a level is debug, info, warn or error, not %q", p.Level)
		}
	}
	words, err := logWords(p.Text)
	if err != nil {
		return api.Batch[logring.Record]{}, err
	}
	got := b.cfg.Ring.Records(after, most)
	out := api.Batch[logring.Record]{First: first(after, got.Lost), Last: got.Next}
	for _, r := range got.Records {
		if r.Level >= level && hasWords(words, r) {
			out.Entries = append(out.Entries, api.Entry[logring.Record]{Seq: r.Seq, Data: r})
		}
	}
	return out, nil
}
