// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"evener/firmware/alert"
	"evener/firmware/api"
	"evener/firmware/audit"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

// An AuditRecord is one thing that was done, or tried.
type AuditRecord struct {
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time" doc:"when it ended"`
	User     string    `json:"user,omitempty"`
	Origin   string    `json:"origin,omitempty" doc:"cli, api, console, web (a command line in the console), panel, serial; box: the audit log itself; engine: what the box did by itself"`
	Remote   string    `json:"remote,omitempty" doc:"where the caller was"`
	Session  string    `json:"session,omitempty" doc:"id of the session or API token"`
	Method   string    `json:"method"`
	Object   string    `json:"object,omitempty" doc:"path of what it was about"`
	What     string    `json:"what,omitempty" doc:"in words"`
	Before   string    `json:"before,omitempty"`
	After    string    `json:"after,omitempty"`
	Revision uint64    `json:"revision,omitempty" doc:"that ran when it ended"`
	Outcome  string    `json:"outcome" doc:"ok, or the kind of the error"`
	Message  string    `json:"message,omitempty" doc:"of the error"`
	Note     string    `json:"note,omitempty" doc:"why, in the words of who did it"`
	Prev     string    `json:"prev" doc:"hash of the record before"`
	Hash     string    `json:"hash"`

	Said phrase.Words `json:"said,omitempty" says:"-" doc:"what the texts say, by field: kind and args, for translation"`
}

type auditFilter struct {
	From    time.Time `json:"from,omitzero" doc:"the oldest; all"`
	To      time.Time `json:"to,omitzero" doc:"records before this; all"`
	User    string    `json:"user,omitempty"`
	Method  string    `json:"method,omitempty" doc:"or a pattern such as server.*"`
	Object  string    `json:"object,omitempty" doc:"with what is below it, or a pattern such as pool/*"`
	Outcome string    `json:"outcome,omitempty" doc:"ok, error, or the kind of an error"`
	Text    string    `json:"text,omitempty" doc:"found anywhere"`
}

func (f auditFilter) filter() audit.Filter {
	return audit.Filter{From: f.From, To: f.To, User: f.User, Method: f.Method, Object: f.Object, Outcome: f.Outcome, Text: f.Text}
}

type auditQuery struct {
	auditFilter
	Limit  int    `json:"limit,omitempty" doc:"records at most, up to 1000; 100"`
	Before uint64 `json:"before,omitempty" doc:"only records with a lower number"`
	Since  uint64 `json:"since,omitempty" doc:"only records with a higher number, the oldest first"`
}

// AuditRecords is a part of the audit log.
type AuditRecords struct {
	Records []AuditRecord `json:"records" doc:"the newest first; with since the oldest first"`
	Lost    uint64        `json:"lost,omitempty" doc:"with since: records in between that are too old to be followed"`
	Next    uint64        `json:"next,omitempty" doc:"with since: what to ask for next"`
	Status  AuditStatus   `json:"status"`
}

// An AuditStatus says how the audit log does.
type AuditStatus struct {
	Seq     uint64 `json:"seq" doc:"of the newest record"`
	Waiting int    `json:"waiting" doc:"records that wait for the disk"`
	Lost    uint64 `json:"lost" doc:"records that were not written, since the engine's start"`
	Problem string `json:"problem,omitempty" doc:"why none can be written now"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// An AuditReport is what a verification has found.
type AuditReport struct {
	First   uint64 `json:"first" doc:"the first record that is kept"`
	Last    uint64 `json:"last"`
	Hash    string `json:"hash" doc:"of the last record"`
	Records uint64 `json:"records" doc:"that are good"`
	Files   int    `json:"files"`
	Breaks  int    `json:"breaks" doc:"places at which the chain is broken"`
	File    string `json:"file,omitempty" doc:"of the first of them"`
	Line    int    `json:"line,omitempty"`
	Why     string `json:"why,omitempty"`

	Said phrase.Words `json:"said,omitempty" says:"why" doc:"what the texts say, by field: kind and args, for translation"`
}

// An AuditExport is records as they are in the log.
type AuditExport struct {
	Lines string `json:"lines" doc:"one JSON object a line, the oldest first"`
	Next  uint64 `json:"next,omitempty" doc:"there is more: call again with since"`
}

type auditExportParams struct {
	auditFilter
	Since uint64 `json:"since,omitempty" doc:"only records with a higher number"`
}

func (b *Box) addAudit(reg *api.Registry) {
	if b.cfg.Store != nil {
		b.revisions.last = b.cfg.Store.Running().Number
	}
	api.Add(reg, api.Method{Name: "audit.query", Purpose: "Shows who did what.", Role: api.Admin, Timeout: time.Minute}, b.auditQuery)
	api.Add(reg, api.Method{Name: "audit.verify", Purpose: "Checks that nobody has changed the record of who did what.",
		Role: api.Admin, Timeout: 5 * time.Minute}, b.auditVerify)
	api.Add(reg, api.Method{Name: "audit.export", Purpose: "Gives records of who did what as they are kept, to check them elsewhere.",
		Role: api.Admin, Timeout: 5 * time.Minute, Audit: "export the audit log"}, b.auditExport)
}

var errNoAudit = api.Errorf(api.CodeFailed, "audit.closed", "the audit log is not open; the log of the engine says why")

func (b *Box) auditQuery(ctx context.Context, _ api.Call, p auditQuery) (AuditRecords, error) {
	if b.cfg.Audit == nil {
		return AuditRecords{}, errNoAudit
	}
	if p.Limit <= 0 || p.Limit > 1000 {
		p.Limit = 100
	}
	out := AuditRecords{Records: []AuditRecord{}, Status: auditStatusOf(b.cfg.Audit.Status())}
	if p.Since > 0 {
		batch, _ := b.cfg.Audit.After(p.Since, p.Limit)
		out.Lost, out.Next = batch.Lost, batch.Next
		for _, r := range batch.Records {
			if p.filter().Match(r) {
				out.Records = append(out.Records, auditRecordOf(r))
			}
		}
		return out, nil
	}
	list, err := b.cfg.Audit.Query(ctx, p.filter(), p.Limit, p.Before)
	if err != nil {
		return AuditRecords{}, err
	}
	for _, r := range list {
		out.Records = append(out.Records, auditRecordOf(r))
	}
	return out, nil
}

func auditStatusOf(s audit.Status) AuditStatus {
	return AuditStatus{Seq: s.Seq, Waiting: s.Waiting, Lost: s.Lost, Problem: s.Problem, Said: phrase.Fields("problem", s.Problem)}
}

func auditRecordOf(r audit.Record) AuditRecord {
	return AuditRecord{Seq: r.Seq, Time: r.Time, User: r.User, Origin: r.Origin, Remote: r.Remote, Session: r.Session,
		Method: r.Method, Object: r.Object, What: r.What, Before: r.Before, After: r.After, Revision: r.Revision,
		Outcome: r.Outcome, Message: r.Message, Note: r.Note, Prev: r.Prev, Hash: r.Hash,
		Said: phrase.Fields("message", r.Message).WithDid("what", r.What).WithWas("before", r.Before).WithWas("after", r.After).
			With("note", ownNote(r))}
}

// doneAt stands before the time at which something was done, in the note of a record
// that came later.
const doneAt = "done at "

// ownNote returns the note of a record that nobody has written but the box, "" if
// somebody has: people's words are no sentences of the box.
func ownNote(r audit.Record) string {
	if r.Origin == "box" || r.Origin == "engine" && r.Method == "config.revert" || strings.HasPrefix(r.Note, doneAt) {
		return r.Note
	}
	return ""
}

func (b *Box) auditVerify(ctx context.Context, _ api.Call, _ struct{}) (AuditReport, error) {
	if b.cfg.Audit == nil {
		return AuditReport{}, errNoAudit
	}
	r, err := b.cfg.Audit.Verify(ctx)
	if err != nil {
		return AuditReport{}, err
	}
	out := AuditReport{First: r.First, Last: r.Last, Hash: r.Hash, Records: r.Records, Files: r.Files, Breaks: r.Breaks}
	if r.Broken != nil {
		out.File, out.Line, out.Why = r.Broken.File, r.Broken.Line, r.Broken.Why
		out.Said = phrase.Fields("why", out.Why)
	}
	return out, nil
}

// maxExport bounds one answer with exported lines, in bytes.
const maxExport = 8 << 20

var errFull = errors.New("there is no room for more")

func (b *Box) auditExport(ctx context.Context, _ api.Call, p auditExportParams) (AuditExport, error) {
	if b.cfg.Audit == nil {
		return AuditExport{}, errNoAudit
	}
	var lines bytes.Buffer
	last, more := uint64(0), false
	err := b.cfg.Audit.Each(ctx, p.filter(), p.Since, func(r audit.Record) error {
		line, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		if lines.Len()+len(line)+1 > maxExport {
			more = true
			return errFull
		}
		last = r.Seq
		lines.Write(line)
		return lines.WriteByte('\n')
	})
	if err != nil && err != errFull {
		return AuditExport{}, err
	}
	out := AuditExport{Lines: lines.String()}
	if more {
		out.Next = last
	}
	api.ChangeOf(ctx).After = fmt.Sprintf("%d bytes, up to record %d", lines.Len(), last)
	return out, nil
}

// audit records every call that changes something, when it has ended.
func (b *Box) audit(r api.Record) {
	if !r.Done {
		return
	}
	rec := b.recordOf(r)
	b.keepRecord(rec)
	b.loginEvent(r, rec)
}

// keepRecord writes a record into the log and, where there is one, the audit log.
func (b *Box) keepRecord(rec audit.Record) {
	b.log.Info("audit", "method", rec.Method, "author", rec.User, "origin", rec.Origin, "what", rec.What, "outcome", rec.Outcome,
		"message", rec.Message)
	if b.cfg.Audit != nil {
		// What was not written in time is counted, and recorded when it can be.
		if err := b.cfg.Audit.Append(rec); err != nil {
			b.log.Warn("audit record not durable", "method", rec.Method, "err", err)
		}
	}
}

// recordOf makes a record of a call.
func (b *Box) recordOf(r api.Record) audit.Record {
	rec := audit.Record{Time: r.Time, User: r.Call.Author, Origin: r.Call.Origin, Remote: r.Call.Remote, Session: r.Call.Session,
		Method: r.Method, What: r.Text, Outcome: audit.OK, Object: r.Change.Object, Before: r.Change.Before, After: r.Change.After,
		Revision: r.Change.Revision, Note: r.Change.Note}
	if r.Change.User != "" {
		rec.User = r.Change.User
	}
	if r.Err != nil {
		rec.Outcome, rec.Message = r.Err.Kind, r.Err.Message
		if rec.Outcome == "" {
			rec.Outcome = "failed"
		}
	}
	var p struct {
		Reason, Comment, Name, User, Member, Cluster string
	}
	if err := json.Unmarshal(r.Params, &p); err == nil { // else they are of other types, and say nothing here
		if rec.Note == "" {
			rec.Note = p.Reason + p.Comment
		}
		if rec.User == "" && b.knows(p.User) {
			rec.User = p.User
		}
		if rec.Object == "" {
			rec.Object = objectOf(r.Method, p.Name, p.Member, p.User)
		}
	}
	if b.cfg.Store != nil && rec.Revision == 0 {
		rec.Revision = b.cfg.Store.Running().Number
	}
	if r.Effect == api.Commit {
		b.revisions.note(&rec)
	}
	return rec
}

// knows reports whether there is a user of that name. Other names are not
// recorded: people type passwords into the wrong field.
func (b *Box) knows(name string) bool {
	if b.cfg.Auth == nil || name == "" {
		return false
	}
	_, err := b.cfg.Auth.User(name)
	return err == nil
}

// objectOf guesses what a call was about where its method does not say.
func objectOf(method, name, member, user string) string {
	kind, _, _ := strings.Cut(method, ".")
	pool, m, isMember := strings.Cut(member, "/")
	switch {
	case isMember:
		return event.Object("pool", pool, "member", m)
	case kind == "certificate" || kind == "trust" || kind == "alert":
		if name != "" {
			return event.Object(kind, name)
		}
	case kind == "user" && name+user != "":
		return event.Object(kind, name+user)
	case kind == "config":
		return "config"
	}
	return ""
}

// loginEvent makes an event of a login that has failed.
func (b *Box) loginEvent(r api.Record, rec audit.Record) {
	if r.Err == nil || r.Method != "auth.login" || r.Err.Kind == "auth.totp" {
		return
	}
	user, object := rec.User, ""
	if user != "" {
		object = event.Object("user", user)
	} else {
		user = "an unknown user"
	}
	kind := event.LoginFailed
	if r.Err.Code == api.CodeThrottled {
		kind = event.LoginThrottled
	}
	b.happened(kind, object, map[string]any{"user": user, "remote": r.Call.Remote, "reason": r.Err.Message})
}

// auditMessage words a record for syslog.
func auditMessage(r audit.Record) alert.Message {
	text := r.What
	if text == "" {
		text = r.Method
	}
	who := r.User
	if who == "" {
		who = r.Origin
	}
	text = who + ": " + text
	if r.Before != "" || r.After != "" {
		text += fmt.Sprintf(" (%s -> %s)", r.Before, r.After)
	}
	if r.Outcome != audit.OK {
		text += ": " + r.Outcome + ": " + r.Message
	}
	if r.Note != "" {
		text += "; " + r.Note
	}
	return alert.Message{Time: r.Time, Severity: alert.AuditSeverity(r.Outcome == audit.OK), ID: r.Method, Text: text,
		Params: []alert.Param{{Name: "seq", Value: fmt.Sprint(r.Seq)}, {Name: "user", Value: r.User}, {Name: "origin", Value: r.Origin},
			{Name: "remote", Value: r.Remote}, {Name: "method", Value: r.Method}, {Name: "object", Value: r.Object},
			{Name: "before", Value: r.Before}, {Name: "after", Value: r.After}, {Name: "outcome", Value: r.Outcome}, {Name: "hash", Value: r.Hash}}}
}
