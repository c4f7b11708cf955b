// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"evener/firmware/durable"
)

// A before is what worked when a slot was chosen: the self-test of the version in it
// asks for no less.
type before struct {
	Time    time.Time `json:"time"`
	Version string    `json:"version"` // that ran
	Up      []string  `json:"up"`      // members, as POOL/MEMBER
	Peers   []string  `json:"peers"`   // that the mirror reached
}

func (b *Box) beforeFile() string { return filepath.Join(b.cfg.UpgradeDir, "before.json") }

// noteBefore keeps what works now.
func (b *Box) noteBefore() error {
	n := before{Time: time.Now().UTC(), Version: b.cfg.Upgrades.Show().Running.Version, Up: b.membersUp(), Peers: []string{}}
	if b.cfg.Mirror != nil {
		for name, p := range b.cfg.Mirror.Status().Peers {
			if p.Connected {
				n.Peers = append(n.Peers, name)
			}
		}
	}
	return saveJSON(b.beforeFile(), n)
}

// saveJSON writes a file that is there whole or not at all.
func saveJSON(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	return durable.Replace(name, text, 0o600)
}

// loadJSON reads what saveJSON wrote; v stays as it is where nothing was.
func loadJSON(name string, v any) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// membersUp lists the members of pools that get clients now because their probes say
// so.
func (b *Box) membersUp() []string {
	out := []string{}
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			if m.State == "up" {
				out = append(out, p.Name+"/"+m.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// SelfTest says what of the box works as a version must that is to be kept.
func (b *Box) SelfTest(ctx context.Context) []UpgradeCheck {
	was, problem := before{}, ""
	if err := loadJSON(b.beforeFile(), &was); err != nil {
		problem = fmt.Sprintf("what worked before is not known (%v); ", err)
	}
	check := func(name string, f func() (bool, string)) UpgradeCheck {
		ok, detail := f()
		return UpgradeCheck{Name: name, OK: ok, Detail: detail}
	}
	return []UpgradeCheck{
		check("config", b.testConfig),
		check("addresses", b.testAddresses),
		check("servers", func() (bool, string) {
			ok, detail := b.testServers(ctx, was)
			return ok, problem + detail
		}),
		check("management", func() (bool, string) { return b.testManagement(ctx) }),
		check("peer", func() (bool, string) { return b.testPeers(was) }),
		check("disk", b.testDisk),
	}
}

func (b *Box) testConfig() (bool, string) {
	if err := b.unserved.get(); err != nil {
		return false, err.Error()
	}
	running := b.cfg.Store.Running().Number
	if g := b.cfg.Balancer.Generations(); len(g) == 0 || g[0].Number != running {
		return false, fmt.Sprintf("revision %d is not served yet", running)
	}
	return true, fmt.Sprintf("revision %d is served whole", running)
}

func (b *Box) testAddresses() (bool, string) {
	var good, bad []string
	for _, g := range b.showHA().Groups {
		switch {
		case g.Base == 0: // other boxes have it
		case g.State == HAActive || g.State == HABackup:
			good = append(good, g.Name+" "+g.State)
		default:
			bad = append(bad, g.Name+": "+g.State+", "+g.Reason)
		}
	}
	if len(bad) > 0 {
		return false, strings.Join(bad, "; ")
	}
	if len(good) == 0 {
		return true, "there is no failover group"
	}
	return true, strings.Join(good, ", ")
}

// testServers asks that all probes have answered, and that no member is gone that was
// up before: unless the peer, which runs another version, does not reach it either, or
// there is no peer to ask and each pool that had a member has one.
func (b *Box) testServers(ctx context.Context, was before) (bool, string) {
	if wait := b.checking(); len(wait) > 0 {
		return false, fmt.Sprintf("probes of %s have no verdict yet", few(wait))
	}
	now := b.membersUp()
	gone := b.missing(was.Up, now)
	if len(gone) == 0 {
		return true, fmt.Sprintf("%d up, %d before", len(now), len(was.Up))
	}
	up, peer, asked := b.peerUp(ctx)
	if !asked {
		return goneAlone(gone, now)
	}
	return goneBeside(gone, up, peer)
}

// goneBeside judges members that are gone by what a peer sees of them.
func goneBeside(gone, up []string, peer string) (bool, string) {
	for _, m := range gone {
		if slices.Contains(up, m) {
			return false, fmt.Sprintf("%s was up before, and is up for %s", m, peer)
		}
	}
	return true, fmt.Sprintf("%s was up before and is down now, for %s too", few(gone), peer)
}

// goneAlone judges them where no peer can be asked: each pool must have another one.
func goneAlone(gone, now []string) (bool, string) {
	for _, m := range gone {
		pool, _, _ := strings.Cut(m, "/")
		if !slices.ContainsFunc(now, func(x string) bool { return strings.HasPrefix(x, pool+"/") }) {
			return false, fmt.Sprintf("pool %s had a member that was up, and has none", pool)
		}
	}
	return true, fmt.Sprintf("%s was up before and is down now; its pool has others, and no peer can say more", few(gone))
}

// missing lists what was up before, is a member still that may get clients, and is
// not up.
func (b *Box) missing(was, now []string) (out []string) {
	for _, p := range b.cfg.Balancer.Pools() {
		for _, m := range p.Members {
			name := p.Name + "/" + m.Name
			if m.State == "down" && slices.Contains(was, name) && !slices.Contains(now, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// few lists some names.
func few(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

func (b *Box) testManagement(ctx context.Context) (bool, string) {
	if b.cfg.Reach == nil {
		return false, "nobody can ask"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	said, err := b.cfg.Reach(ctx)
	if err != nil {
		return false, err.Error()
	}
	return true, said
}

func (b *Box) testPeers(was before) (bool, string) {
	if len(was.Peers) == 0 {
		return true, "there was none before"
	}
	status := map[string]MirrorPeerStatus{}
	if b.cfg.Mirror != nil {
		status = b.cfg.Mirror.Status().Peers
	}
	for _, name := range was.Peers {
		if p := status[name]; !p.Connected {
			return false, fmt.Sprintf("the mirror reached %s before, and does not now: %s", name, p.Problem)
		}
	}
	return true, strings.Join(was.Peers, ", ") + " is reached"
}

func (b *Box) testDisk() (bool, string) {
	if err := b.cfg.Store.Unsaved(); err != nil {
		return false, "the store is not saved: " + err.Error()
	}
	beat := b.beat.show()
	switch {
	case beat == nil:
		return false, "the disk has not been asked yet"
	case !beat.Alive:
		return false, "the disk does not answer"
	case beat.Problem != "":
		return false, beat.Problem
	}
	return true, "the disk takes what is written"
}
