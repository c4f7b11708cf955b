// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/pem"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/config"
	"evener/firmware/phrase"
	"evener/firmware/supervise"
)

// ConsoleRole is the name of the role that serves the console.
const ConsoleRole = "console"

// ConsoleSettings are what the process of the console is to do. They hold the
// private key of its certificate, and are for that process alone.
type ConsoleSettings struct {
	Listen         []string     `json:"listen" doc:"addresses; none: no console"`
	Allow          []string     `json:"allow" doc:"networks whose clients may come"`
	AllowedOrigins []string     `json:"allowed_origins" doc:"besides the console's own"`
	TrustedProxies []string     `json:"trusted_proxies" doc:"networks of proxies whose X-Forwarded-For is believed"`
	Idle           api.Duration `json:"idle" doc:"after which a session ends"`
	Certificate    string       `json:"certificate" doc:"PEM, leaf first"`
	Key            string       `json:"key" secret:"true" doc:"PEM, PKCS#8"`
	Fingerprint    string       `json:"fingerprint" doc:"SHA-256 of the certificate, hexadecimal"`
	SelfSigned     bool         `json:"self_signed" doc:"whether nobody vouches for the certificate"`
}

// A ConsoleReport is what the process of the console tells of itself.
type ConsoleReport struct {
	Listening []string `json:"listening" doc:"addresses that it serves"`
	Problem   string   `json:"problem,omitempty" doc:"why it does not serve what the settings want"`
}

// A ConsoleChange tells that the settings of the console have changed.
type ConsoleChange struct {
	Number uint64 `json:"number" doc:"counts the changes"`
}

// ConsoleInfo is what people are shown of the console.
type ConsoleInfo struct {
	Addresses   []string  `json:"addresses" doc:"URLs, as configured; none: it is off"`
	Listening   []string  `json:"listening" doc:"addresses that it serves now"`
	Fingerprint string    `json:"fingerprint,omitempty" doc:"SHA-256 of its certificate, hexadecimal"`
	Certificate string    `json:"certificate,omitempty" doc:"name of the certificate; empty: one that the box has made for the console"`
	Until       time.Time `json:"until,omitzero" doc:"when the certificate ends"`
	Problem     string    `json:"problem,omitempty" doc:"what is not as the configuration has it"`
	Sessions    int       `json:"sessions" doc:"how many are logged in"`
	State       string    `json:"state" doc:"of its process: running, waiting, ..."`
	PID         int       `json:"pid,omitempty" doc:"of its process"`
	Crashes     int       `json:"crashes" doc:"of its process, since the box started"`

	Said phrase.Words `json:"said,omitempty" says:"problem" doc:"what the texts say, by field: kind and args, for translation"`
}

// A console is what the engine knows of the console.
type console struct {
	own *certs.Pair // what the vault has for the console, once it was read; guarded by Box.mu

	mu      sync.Mutex // guards what follows
	cfg     *config.Console
	pair    *certs.Pair
	instead string // why pair is not the named certificate
	failed  string // why there is no pair
	report  ConsoleReport
	changes uint64     // of what the settings say
	topic   *api.Topic // that tells of them
}

func (b *Box) addConsole(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "console.settings", Purpose: "Tells the process of the console what to serve; nobody else may ask.",
		Open: true, Effect: api.Read}, b.consoleSettings)
	api.Add(reg, api.Method{Name: "console.report", Purpose: "Takes what the process of the console has to tell; nobody else may.",
		Open: true, Effect: api.Read, Idempotent: true}, b.consoleReport)
	api.Add(reg, api.Method{Name: "console.show", Purpose: "Shows where the console is and which certificate it has.",
		Role: api.Viewer, Effect: api.Read}, b.consoleShow)
	topic := api.AddState(reg, api.Topic{Name: "state.console", Purpose: "Tells the process of the console when to ask for its settings again; nobody else may ask.",
		Open: true, Rate: 10}, b.consoleChange)
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	b.console.topic = topic
}

// onlyConsole lets the process of the console in. What that passes on for others
// has their address.
func onlyConsole(c api.Call) error {
	if c.Origin != ConsoleRole || c.Role != api.Nobody || c.Author != "" || c.Session != "" || c.Remote != "" {
		return api.Errorf(api.CodeForbidden, "console.only", "only the process of the console may call this; evener show console shows what people may see")
	}
	return nil
}

func (b *Box) consoleSettings(_ context.Context, c api.Call, _ struct{}) (ConsoleSettings, error) {
	if err := onlyConsole(c); err != nil {
		return ConsoleSettings{}, err
	}
	k := &b.console
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair == nil {
		return ConsoleSettings{}, api.Errorf(api.CodeFailed, "console.unknown", "the console cannot be served yet: %s", k.failed)
	}
	s := ConsoleSettings{Listen: spelled(k.cfg.Listen), Allow: spelled(k.cfg.Allow), AllowedOrigins: slices.Clone(k.cfg.AllowedOrigins),
		TrustedProxies: spelled(k.cfg.TrustedProxies), Idle: api.Duration(k.cfg.IdleTimeout.D()),
		Fingerprint: certs.Fingerprint(k.pair.Leaf())}
	d := k.pair.Describe(time.Now())
	s.SelfSigned = d[0].SelfSigned
	text, err := k.pair.MarshalPEM()
	if err != nil {
		return ConsoleSettings{}, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			s.Certificate += string(pem.EncodeToMemory(block))
		} else {
			s.Key += string(pem.EncodeToMemory(block))
		}
	}
	return s, nil
}

func (b *Box) consoleChange(_ context.Context, c api.Call, _ struct{}) (map[string]ConsoleChange, error) {
	if err := onlyConsole(c); err != nil {
		return nil, err
	}
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	return map[string]ConsoleChange{"settings": {b.console.changes}}, nil
}

func spelled[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.String()
	}
	return out
}

func (b *Box) consoleReport(_ context.Context, c api.Call, r ConsoleReport) (struct{}, error) {
	if err := onlyConsole(c); err != nil {
		return struct{}{}, err
	}
	if len(r.Listening) > config.MaxConsole || len(r.Problem) > 4<<10 {
		return struct{}{}, api.Errorf(api.CodeParams, "params.report", "a report has %d addresses and 4 KiB of problem at most", config.MaxConsole)
	}
	for _, a := range r.Listening {
		if _, err := netip.ParseAddrPort(a); err != nil {
			return struct{}{}, api.Errorf(api.CodeParams, "params.listening", "an address is written ADDRESS:PORT, not %q", a)
		}
	}
	k := &b.console
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Problem != "" && r.Problem != k.report.Problem {
		b.log.Error("console not served as configured", "err", r.Problem)
	}
	k.report = r
	return struct{}{}, nil
}

func (b *Box) consoleShow(context.Context, api.Call, struct{}) (ConsoleInfo, error) {
	st, err := b.cfg.Supervisor.Status()
	if err != nil {
		return ConsoleInfo{}, err
	}
	return b.consoleInfo(st.Roles), nil
}

// consoleInfo describes the console, whose role is one of roles.
func (b *Box) consoleInfo(roles []supervise.RoleStatus) ConsoleInfo {
	k := &b.console
	k.mu.Lock()
	defer k.mu.Unlock()
	i := ConsoleInfo{Addresses: []string{}, Listening: append([]string{}, k.report.Listening...), State: string(supervise.Stopped), Problem: k.problem()}
	if k.cfg != nil {
		for _, a := range k.cfg.Listen {
			i.Addresses = append(i.Addresses, "https://"+strings.TrimSuffix(a.String(), ":443"))
		}
	}
	if k.pair != nil && k.cfg != nil && len(k.cfg.Listen) > 0 {
		i.Fingerprint, i.Until = certs.Fingerprint(k.pair.Leaf()), k.pair.Leaf().NotAfter.UTC()
		if k.instead == "" {
			i.Certificate = k.cfg.Certificate
		}
	}
	if b.cfg.Auth != nil {
		i.Sessions = len(b.cfg.Auth.Sessions(""))
	}
	for _, r := range roles {
		if r.Name == ConsoleRole {
			i.State, i.PID, i.Crashes = string(r.State), r.PID, r.Crashes
		}
	}
	if i.State != string(supervise.Serving) {
		i.Listening = []string{} // what it told is of a process that is gone
	}
	i.Said = phrase.Fields("problem", i.Problem)
	return i
}

// problem says what is not as the configuration has it. k.mu is held.
func (k *console) problem() string {
	var list []string
	for _, p := range []string{k.failed, k.report.Problem} {
		if p != "" {
			list = append(list, p)
		}
	}
	if k.instead != "" {
		list = append(list, "the console shows a certificate of the box's own: "+k.instead)
	}
	return strings.Join(list, "; ")
}

// consoleProblems lists what needs attention about the console.
func (b *Box) consoleProblems() []Problem {
	b.console.mu.Lock()
	text := b.console.problem()
	b.console.mu.Unlock()
	if text == "" {
		return nil
	}
	return []Problem{{Kind: "console.unserved", Severity: severityWarning, Object: ConsoleRole,
		Args: map[string]any{"error": text}, Text: "the console: " + text}}
}

// useConsole makes cfg what the console is to do, and tells its process if that is
// something else. b.mu is held.
func (b *Box) useConsole(cfg *config.Console) {
	if b.cfg.Auth != nil {
		b.cfg.Auth.SetIdle(cfg.IdleTimeout.D())
	}
	p, instead, err := b.consolePair(cfg, time.Now())
	k := &b.console
	k.mu.Lock()
	defer k.mu.Unlock()
	same := k.cfg != nil && sameConsole(k.cfg, cfg) && err == nil && k.pair != nil && k.failed == "" &&
		k.pair.Leaf().Equal(p.Leaf())
	k.instead, k.failed = instead, ""
	if err != nil {
		k.failed = err.Error() // with the pair from before, if there was one
	} else {
		k.pair = p
	}
	k.cfg = cfg
	if !same {
		k.changes++
		changed(k.topic)
	}
}

func sameConsole(a, b *config.Console) bool {
	return slices.Equal(a.Listen, b.Listen) && slices.Equal(a.Allow, b.Allow) && slices.Equal(a.AllowedOrigins, b.AllowedOrigins) &&
		slices.Equal(a.TrustedProxies, b.TrustedProxies) && a.Certificate == b.Certificate && a.IdleTimeout == b.IdleTimeout
}

// refreshConsole looks whether the certificate of the console is another by now.
// b.mu is held.
func (b *Box) refreshConsole() {
	b.console.mu.Lock()
	cfg := b.console.cfg
	b.console.mu.Unlock()
	if cfg != nil {
		b.useConsole(cfg)
	}
}
