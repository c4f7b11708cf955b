// SPDX-License-Identifier: Apache-2.0

// Package recovery does what can be done for a box with the folder of its state
// alone, while no engine runs or none answers: it tells what there is, restores
// revisions, lets administrators in again, moves the management address, and
// resets the box to how it was delivered.
//
// The functions [Look], [Revisions], [Diff] and [Login] only read and need nobody's
// leave. What changes something needs a [Box], which has the store open and so
// keeps engines away, or, for [FactoryReset], that the caller has seen to it that
// no process of the box uses the state. Who may ask for what is not decided here,
// and nothing is audited here: the caller does both.
package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"evener/firmware/auth"
	"evener/firmware/config"
	"evener/firmware/store"
)

// A Status is what the state says of the box.
type Status struct {
	Revision  uint64    `json:"revision" doc:"that runs, or would; 0: none"`
	Author    string    `json:"author,omitempty"`
	Committed time.Time `json:"committed,omitzero"`
	Comment   string    `json:"comment,omitempty"`
	Pending   bool      `json:"pending,omitempty" doc:"it waits for its confirm; a box that starts goes back to the one before"`
	Previous  uint64    `json:"previous,omitempty" doc:"revision that comes back if the pending one is not confirmed"`

	HostName    string   `json:"host_name,omitempty" doc:"as configured; empty: the machine's own"`
	TimeZone    string   `json:"time_zone,omitempty"`
	NTP         []string `json:"ntp,omitempty" doc:"time servers; absent: those of DHCP, if any"`
	Management  Address  `json:"management" doc:"as configured"`
	Console     []string `json:"console" doc:"URLs, as configured"`
	Fingerprint string   `json:"fingerprint,omitempty" doc:"SHA-256 of the certificate that the box has made for the console; empty: it shows another one, or has made none yet"`

	Administrators []string `json:"administrators" doc:"by name"`
	Setup          bool     `json:"setup" doc:"there is no administrator yet"`

	Problems []string `json:"problems" doc:"what is damaged or cannot be read"`

	// Users and Text say whether those can be read at all.
	Users bool `json:"users" doc:"false: the users cannot be read; nobody can log in"`
	Text  bool `json:"text" doc:"false: the configuration that runs cannot be read or has mistakes; no engine starts with it"`

	Serial Serial `json:"serial"`
}

// A Serial is what the configuration allows at the serial console.
type Serial struct {
	Known         bool `json:"known" doc:"false: the configuration cannot be read; what it may have forbidden is forbidden"`
	PasswordReset bool `json:"password_reset" doc:"without a log-in"`
	Shell         bool `json:"shell" doc:"an administrator may have a shell"`
	IdleSeconds   int  `json:"idle_seconds" doc:"after which who types nothing is logged out"`
}

// defaultIdle holds where nobody has said anything else.
const defaultIdle = 10 * time.Minute

func storeDir(state string) string { return filepath.Join(state, "store") }

// Look tells what lies in the folder state of a box. It fails if there is no
// store or its revisions cannot be read; everything else that is wrong is in the
// answer.
func Look(state string, log *slog.Logger) (Status, error) {
	v, err := store.Look(storeDir(state))
	if err != nil {
		return Status{}, err
	}
	run := v.Running()
	s := Status{Revision: run.Number, Author: run.Author, Committed: run.Time, Comment: run.Comment,
		Problems: []string{}, Administrators: []string{}, Console: []string{}}
	if back := v.Fallback(); back.Number != run.Number {
		s.Pending, s.Previous = true, back.Number
	}
	for _, d := range v.Damage {
		s.Problems = append(s.Problems, d.Error())
	}
	s.lookAtText(v)
	s.lookAtUsers(v, log)
	return s, nil
}

// lookAtText reads the configuration that runs.
func (s *Status) lookAtText(v *store.View) {
	var text []byte
	if s.Revision > 0 {
		var err error
		if text, err = v.Text(s.Revision); err != nil {
			s.Problems = append(s.Problems, fmt.Sprintf("revision %d: %v", s.Revision, err))
			s.Serial = Serial{IdleSeconds: int(defaultIdle.Seconds())}
			return
		}
	}
	cfg, found := config.Parse(fmt.Sprintf("revision-%d", s.Revision), text)
	if found.HasErrors() {
		s.Problems = append(s.Problems, fmt.Sprintf("revision %d cannot be served: %v", s.Revision, found))
		s.Serial = Serial{IdleSeconds: int(defaultIdle.Seconds())}
		return
	}
	s.Text = true
	s.HostName, s.TimeZone, s.NTP = cfg.System.HostName, cfg.System.TimeZone, cfg.System.NTP
	s.Management = addressOf(cfg.Management)
	for _, a := range cfg.Console.Listen {
		s.Console = append(s.Console, "https://"+a.String())
	}
	if cfg.Console.Certificate == "" {
		s.Fingerprint = fingerprint(v)
	}
	s.Serial = Serial{Known: true, PasswordReset: cfg.Serial.PasswordReset == config.ResetAllowed,
		Shell: cfg.Serial.MaintenanceShell, IdleSeconds: int(cfg.Serial.Idle.D().Seconds())}
}

// fingerprint returns that of the certificate that the box has made for the
// console, "" if it has none.
func fingerprint(v *store.View) string {
	text, err := v.Load("console/certificate")
	if err != nil {
		return ""
	}
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return ""
		}
		if b.Type == "CERTIFICATE" {
			sum := sha256.Sum256(b.Bytes)
			return hex.EncodeToString(sum[:])
		}
	}
}

// lookAtUsers reads who may log in.
func (s *Status) lookAtUsers(v *store.View, log *slog.Logger) {
	a, err := auth.Open(glass{v}, auth.Config{}, log)
	if err != nil {
		s.Problems = append(s.Problems, "the users cannot be read and nobody can log in: "+err.Error())
		return
	}
	s.Users, s.Setup = true, a.SetupCode() != ""
	for _, u := range a.Users() {
		if u.Role == auth.Admin {
			s.Administrators = append(s.Administrators, u.Name)
		}
	}
}

// A glass shows package auth what a store has, and lets nothing through. It does not
// show who is throttled: a stranger who guesses over the network must not keep
// somebody away who stands before the box.
type glass struct{ v *store.View }

// Load returns what is kept under name.
func (g glass) Load(name string) ([]byte, error) {
	if name == "auth/throttle" {
		return nil, nil
	}
	return g.v.Load(name)
}

// Save does nothing: what was looked at is not changed.
func (g glass) Save(string, []byte) error { return nil }

// A Revision is one of the history.
type Revision struct {
	Number  uint64    `json:"number"`
	Time    time.Time `json:"time"`
	Author  string    `json:"author"`
	Origin  string    `json:"origin"`
	Comment string    `json:"comment,omitempty"`
	Status  string    `json:"status" doc:"confirmed, pending or reverted"`
	Running bool      `json:"running,omitempty"`
}

// Revisions lists at most most revisions, the newest first.
func Revisions(state string, most int) ([]Revision, error) {
	v, err := store.Look(storeDir(state))
	if err != nil {
		return nil, err
	}
	run, out := v.Running().Number, []Revision{}
	for r := range slices.Values(v.History()) {
		if len(out) == most {
			break
		}
		out = append(out, Revision{Number: r.Number, Time: r.Time, Author: r.Author, Origin: string(r.Origin),
			Comment: r.Comment, Status: string(r.Status), Running: r.Number == run})
	}
	return out, nil
}

// Diff compares two revisions, as a unified diff.
func Diff(state string, from, to uint64) (string, error) {
	v, err := store.Look(storeDir(state))
	if err != nil {
		return "", err
	}
	return v.Diff(from, to)
}

// exists reports whether there is anything at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
