// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"errors"
	"strings"
	"time"

	"evener/firmware/alert"
	"evener/firmware/api"
	"evener/firmware/config"
	"evener/firmware/event"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

// alertItems is the place of passwords in the vault, before their names.
const alertItems = "alert/"

// A Channel is a syslog or mail block, and how it does.
type Channel struct {
	Name        string    `json:"name"`
	Kind        string    `json:"kind" doc:"syslog or mail"`
	Target      string    `json:"target" doc:"where it sends to"`
	Waiting     int       `json:"waiting" doc:"messages"`
	Sent        uint64    `json:"sent" doc:"messages, since it was configured so or the engine's start"`
	Dropped     uint64    `json:"dropped" doc:"messages that found no room"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   string    `json:"last_error,omitempty"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	Failing     bool      `json:"failing" doc:"the last try failed"`
	Lacks       string    `json:"lacks,omitempty" doc:"what it needs and the box does not have"`

	Said phrase.Words `json:"said,omitempty" says:"last_error,lacks" doc:"what the texts say, by field: kind and args, for translation"`
}

// Channels lists who is told of what happens.
type Channels struct {
	Channels []Channel `json:"channels"`
	Kinds    []string  `json:"kinds" doc:"of events that there are"`
}

type alertTestParams struct {
	Name string `json:"name" doc:"of a syslog or mail block"`
}

type alertSecretParams struct {
	Name  string `json:"name" doc:"as password_secret names it"`
	Value string `json:"value" secret:"true" doc:"the password; empty: forget it"`
}

func (b *Box) addAlerts(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "alert.list", Purpose: "Shows who is told of events, and how that does.", Role: api.Viewer}, b.alertList)
	api.Add(reg, api.Method{Name: "alert.test", Purpose: "Sends a test to a syslog server or by e-mail, and says how that went.",
		Role: api.Operator, Effect: api.Runtime, Audit: "send a test to {name}", Timeout: time.Minute}, b.alertTest)
	api.Add(reg, api.Method{Name: "alert.secret", Purpose: "Keeps a password that configurations refer to by name; nothing gives it out again.",
		Role: api.Admin, Effect: api.Runtime, Audit: "set the password {name}", Idempotent: true}, b.alertSecret)
}

var errNoAlerts = api.Errorf(api.CodeFailed, "alert.closed", "nobody is told of anything: the engine has just begun or is about to end")

func (b *Box) alertList(context.Context, api.Call, struct{}) (Channels, error) {
	if b.cfg.Alerts == nil {
		return Channels{}, errNoAlerts
	}
	out := Channels{Channels: []Channel{}, Kinds: []string{}}
	for _, k := range event.Kinds() {
		out.Kinds = append(out.Kinds, string(k.Kind))
	}
	_, lacks := b.alertConfig(b.cfg.Balancer.Config())
	for _, s := range b.cfg.Alerts.Status() {
		out.Channels = append(out.Channels, Channel{Name: s.Name, Kind: s.Kind, Target: s.Target, Waiting: s.Waiting, Sent: s.Sent,
			Dropped: s.Dropped, LastSuccess: s.Success, LastError: s.Error, LastFailure: s.Failed, Failing: s.Failing, Lacks: lacks[s.Name],
			Said: phrase.Fields("last_error", s.Error, "lacks", lacks[s.Name])})
	}
	return out, nil
}

func (b *Box) alertTest(ctx context.Context, c api.Call, p alertTestParams) (struct{}, error) {
	if err := unscoped(c, "alert/"+p.Name); err != nil {
		return struct{}{}, err
	}
	if b.cfg.Alerts == nil {
		return struct{}{}, errNoAlerts
	}
	cfg, lacks := b.alertConfig(b.cfg.Balancer.Config())
	if why := lacks[p.Name]; why != "" {
		return struct{}{}, api.Errorf(api.CodeFailed, "alert.lacks", "%s: %s", p.Name, why)
	}
	b.cfg.Alerts.Use(cfg)
	e := event.New(event.AlertTest, event.Object("alert", p.Name), map[string]any{"by": c.Author})
	e.Time = time.Now().UTC()
	err := b.cfg.Alerts.Test(ctx, p.Name, e)
	var missing *alert.NotFoundError
	if errors.As(err, &missing) {
		return struct{}{}, api.Errorf(api.CodeNotFound, "not_found", "%v", err)
	}
	if err != nil {
		return struct{}{}, api.Errorf(api.CodeFailed, "alert.failed", "the test was not sent: %v", err)
	}
	return struct{}{}, nil
}

func (b *Box) alertSecret(ctx context.Context, _ api.Call, p alertSecretParams) (struct{}, error) {
	if err := checkItem(p.Name); err != nil {
		return struct{}{}, err
	}
	vault := b.cfg.Store.Vault()
	was, err := vault.Load(alertItems + p.Name)
	change := api.ChangeOf(ctx)
	change.Before, change.After = secretWord(was != nil || err != nil), secretWord(p.Value != "")
	if p.Value == "" {
		err = vault.Delete(alertItems + p.Name)
	} else {
		err = vault.Save(alertItems+p.Name, []byte(p.Value))
	}
	if err != nil {
		return struct{}{}, apiError(err)
	}
	b.useAlerts(b.cfg.Balancer.Config())
	return struct{}{}, nil
}

func secretWord(set bool) string {
	if set {
		return "set (***)"
	}
	return "not set"
}

// useAlerts tells whom cfg names from now on.
func (b *Box) useAlerts(cfg *config.Config) {
	if b.cfg.Alerts == nil || cfg == nil {
		return
	}
	next, _ := b.alertConfig(cfg)
	b.cfg.Alerts.Use(next)
}

// alertConfig completes what cfg says with what the vault has. lacks says, by the
// name of a channel, what is not there.
func (b *Box) alertConfig(cfg *config.Config) (out alert.Config, lacks map[string]string) {
	lacks = map[string]string{}
	if cfg == nil {
		return out, lacks
	}
	for _, s := range cfg.Syslogs {
		one := alert.Syslog{Name: s.Name, Address: s.Address, Transport: s.Transport, Facility: s.FacilityNumber()}
		for _, what := range s.Send {
			one.Send = append(one.Send, alert.Source(what))
		}
		one.CA = b.authorities(s.CA, s.Name, lacks)
		out.Syslog = append(out.Syslog, one)
	}
	for _, m := range cfg.Mails {
		one := alert.Mail{Name: m.Name, Server: m.Server, From: m.From, To: m.To, Security: m.Security, User: m.User}
		one.CA = b.authorities(m.CA, m.Name, lacks)
		if m.PasswordSecret != "" {
			password, err := b.cfg.Store.Vault().Load(alertItems + m.PasswordSecret)
			if err != nil || password == nil {
				lacks[m.Name] = "it has no password: evener alert secret " + m.PasswordSecret + " FILE"
			}
			one.Password = string(password)
		}
		out.Mail = append(out.Mail, one)
	}
	for _, a := range cfg.Alerts {
		sev, err := event.ParseSeverity(a.Severity)
		if err != nil {
			b.log.Error("alert without a severity", "alert", a.Name, "err", err)
			continue
		}
		out.Rules = append(out.Rules, alert.Rule{Name: a.Name, Objects: a.Objects, Kinds: a.Kinds, Severity: sev, To: a.To})
	}
	return out, lacks
}

// authorities returns the CAs of trusts, nil for none. Where one is not there the
// result is empty and not nil: nobody is believed.
func (b *Box) authorities(trusts []string, channel string, lacks map[string]string) []byte {
	if len(trusts) == 0 {
		return nil
	}
	out := []byte{}
	for _, name := range trusts {
		data, err := b.cfg.Store.Vault().Load(lb.TrustItems + name)
		if err != nil || data == nil || !strings.Contains(string(data), "BEGIN CERTIFICATE") {
			lacks[channel] = "the trust " + name + " has no certificates of CAs: evener trust import " + name + " FILE..."
			continue
		}
		out = append(out, data...)
	}
	return out
}
