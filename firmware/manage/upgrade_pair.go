// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"evener/firmware/api"
	"evener/firmware/event"
	"evener/firmware/phrase"
)

const (
	pairSoak  = 2 * time.Minute  // unless told otherwise
	pairLock  = 5 * time.Minute  // for which a box believes in an upgrade that another one leads, without a word
	pairEvery = time.Second      // between two looks at the boxes
	pairBoot  = 20 * time.Minute // in which a box must be back and good
)

// A pairState is the upgrade of a pair as the box that leads it keeps it. It is on the
// disk before each step begins: that box reboots in the middle.
type pairState struct {
	UpgradePair
	Lead   string            `json:"lead"`
	Slot   string            `json:"slot"` // of the box that leads: where the image comes from
	SHA256 string            `json:"sha256"`
	Soak   api.Duration      `json:"soak"`
	Stay   bool              `json:"stay"`
	Moved  []string          `json:"moved"` // groups that were active on Second
	Boots  map[string]string `json:"boots"` // of a box, when it was told to start the image
}

func (p *pairState) over() bool { return p.Step == PairDone || p.Step == PairStopped }

// A pairLead is the upgrade that this box leads.
type pairLead struct {
	state *pairState // nil: none was ever begun
	wake  chan struct{}
	stop  string // who has stopped it; "": nobody
}

var pairSteps = []string{PairCheck, PairSend, PairPeer, PairSoak, PairSwitch, PairSelf, PairBack}

func (b *Box) addUpgradePair(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "upgrade.pair.begin", Purpose: "Upgrades this box and its peer to the version in a slot of this box, the one on standby first; upgrade.pair.show tells how far it is.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "upgrade both boxes to the version in slot {slot}"}, b.pairUpgrade)
	api.Add(reg, api.Method{Name: "upgrade.pair.show", Purpose: "Shows how far the upgrade of both boxes is.", Role: api.Viewer, Effect: api.Read},
		func(context.Context, api.Call, struct{}) (PairUpgrade, error) {
			s := b.showUpgrade()
			return PairUpgrade{Pair: s.Pair, Why: s.PairWhy, Said: phrase.Fields("why", s.PairWhy)}, nil
		})
	api.Add(reg, api.Method{Name: "upgrade.pair.stop", Purpose: "Stops the upgrade of both boxes after what is under way; nothing is taken back.",
		Role: api.Admin, Sudo: true, Effect: api.System, Audit: "stop the upgrade of both boxes", Idempotent: true}, b.pairUpgradeStop)
}

func (b *Box) pairFile() string { return filepath.Join(b.cfg.UpgradeDir, "pair.json") }

// pairNow returns the upgrade of the pair that goes on, as far as this box knows; nil:
// none.
func (b *Box) pairNow() *UpgradePair {
	u := &b.upgrades
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lead.state != nil && !u.lead.state.over() {
		p := u.lead.state.UpgradePair
		return &p
	}
	if p := u.pair; p != nil && p.Step != PairDone && p.Step != PairStopped && time.Since(u.told) < pairLock {
		return p
	}
	return nil
}

// pairWhy says why both boxes cannot be upgraded now; "": they can.
func (b *Box) pairWhy(s *UpgradeShow) string {
	if !s.Available {
		return s.Why
	}
	if p := b.pairNow(); p != nil {
		return "both boxes are being upgraded to version " + p.Version
	}
	if s.Trial != nil {
		return "version " + s.Running.Version + " is on trial on this box"
	}
	if _, why := b.otherBox(); why != "" {
		return why
	}
	if _, err := pickImage(s, ""); err != nil {
		return err.Error()
	}
	return ""
}

// otherBox returns the one peer that there is.
func (b *Box) otherBox() (name, why string) {
	if b.cfg.Mirror == nil {
		return "", "this box has no mirror"
	}
	var paired []string
	st := b.cfg.Mirror.Status().Peers
	for n, p := range st {
		if p.Paired {
			paired = append(paired, n)
		}
	}
	slices.Sort(paired)
	switch {
	case len(paired) == 0:
		return "", "this box has no peer: pair it first (evener ha pair)"
	case len(paired) > 1:
		return "", "this box has several peers, " + words(paired) + ": upgrade such boxes one by one"
	case !st[paired[0]].Connected:
		return "", fmt.Sprintf("%s is not reached by the mirror: %s", paired[0], st[paired[0]].Problem)
	}
	return paired[0], ""
}

// pickImage returns the slot whose version both boxes are to run: the one that is
// named, or the newer of both.
func pickImage(s *UpgradeShow, name string) (UpgradeSlot, error) {
	var best UpgradeSlot
	for _, x := range s.Slots {
		if x.State == SlotEmpty || x.State == SlotBad && x.Slot != name || name != "" && x.Slot != name {
			continue
		}
		if best.Slot == "" || x.Created.After(best.Created) || x.Created.Equal(best.Created) && s.later(x) > s.later(best) {
			best = x
		}
	}
	if best.Slot == "" && name != "" {
		return best, fmt.Errorf("slot %s of this box holds no version", name)
	}
	if best.Slot == "" {
		return best, fmt.Errorf("no slot of this box holds a version that could be sent: bring one first")
	}
	return best, nil
}

// later orders versions that were made in the same second: what was brought and never ran
// comes after what runs, and that after what ran before.
func (s *UpgradeShow) later(x UpgradeSlot) int {
	switch {
	case x.State == SlotSpare:
		return 2
	case x.Slot == s.Running.Slot:
		return 1
	}
	return 0
}

func (b *Box) pairUpgrade(ctx context.Context, c api.Call, p upgradePairParams) (PairUpgrade, error) {
	up, err := b.upgrader(c)
	if err != nil {
		return PairUpgrade{}, err
	}
	s := up.Show()
	if why := b.pairWhy(&s); why != "" {
		return PairUpgrade{}, api.Errorf(api.CodeConflict, "upgrade.pair", "both boxes cannot be upgraded now: %s", why)
	}
	soak := time.Duration(p.Soak)
	if soak == 0 {
		soak = pairSoak
	}
	if soak < time.Second || soak > 24*time.Hour {
		return PairUpgrade{}, api.Errorf(api.CodeParams, "params.soak", "soak must be 1s to 24h, not %v", soak)
	}
	image, err := pickImage(&s, p.Slot)
	if err != nil {
		return PairUpgrade{}, api.Errorf(api.CodeParams, "params.slot", "%v", err)
	}
	peer, _ := b.otherBox()
	st, err := b.planPair(ctx, image, peer, c.Author)
	if err != nil {
		return PairUpgrade{}, err
	}
	st.Soak, st.Stay = api.Duration(soak), p.Stay
	if err := saveJSON(b.pairFile(), st); err != nil {
		return PairUpgrade{}, apiError(err)
	}
	api.ChangeOf(ctx).After = "version " + st.Version
	b.happened(event.PairBegun, "upgrade", map[string]any{"first": st.First, "second": st.Second, "version": st.Version, "by": c.Author})
	b.usePair(st)
	out := b.showUpgrade()
	return PairUpgrade{Pair: out.Pair, Why: out.PairWhy, Said: phrase.Fields("why", out.PairWhy)}, nil
}

// planPair decides which box is first: the one without clients, or the one with fewer
// groups.
func (b *Box) planPair(ctx context.Context, image UpgradeSlot, peer, by string) (*pairState, error) {
	mine := b.upgradeBox()
	var theirs upgradeBox
	if err := b.askUpgrade(ctx, peer, upgradeAsk{Op: "status"}, &theirs); err != nil {
		return nil, err
	}
	if mine.runs() == image.SHA256 && theirs.runs() == image.SHA256 {
		return nil, api.Errorf(api.CodeConflict, "upgrade.pair", "both boxes run version %s already", image.Version)
	}
	first, second := &theirs, &mine
	if mine.active() < theirs.active() {
		first, second = second, first
	}
	var id [8]byte
	rand.Read(id[:])
	now := time.Now().UTC()
	st := &pairState{Lead: mine.Node, Slot: image.Slot, SHA256: image.SHA256, Boots: map[string]string{}, Moved: []string{}}
	st.UpgradePair = UpgradePair{ID: hex.EncodeToString(id[:]), Step: PairCheck, At: PairCheck, Version: image.Version, First: first.Node, Second: second.Node,
		By: by, Began: now, Since: now}
	for _, name := range pairSteps {
		st.Steps = append(st.Steps, PairStep{Step: name, State: "waits"})
	}
	for _, g := range second.Groups {
		if g.State == HAActive && first.group(g.Name).Home {
			st.Moved = append(st.Moved, g.Name)
		}
	}
	return st, nil
}

// active counts the groups for which clients come to the box.
func (x *upgradeBox) active() (n int) {
	for _, g := range x.Groups {
		if g.State == HAActive {
			n++
		}
	}
	return n
}

// usePair shows st, and has RunUpgrade go on with it.
func (b *Box) usePair(st *pairState) {
	u := &b.upgrades
	u.mu.Lock()
	u.lead.state, u.lead.stop = st, ""
	p := st.UpgradePair
	p.Steps = slices.Clone(p.Steps)
	u.pair = &p
	if u.lead.wake != nil {
		select {
		case u.lead.wake <- struct{}{}:
		default:
		}
	}
	u.mu.Unlock()
	b.upgradeChanged()
}

func (b *Box) pairUpgradeStop(ctx context.Context, c api.Call, _ struct{}) (PairUpgrade, error) {
	if err := unscoped(c, "the firmware"); err != nil {
		return PairUpgrade{}, err
	}
	b.upgrades.mu.Lock()
	leads := b.upgrades.lead.state != nil && !b.upgrades.lead.state.over()
	b.upgrades.mu.Unlock()
	if leads {
		if err := b.stopPair(c.Author); err != nil {
			return PairUpgrade{}, err
		}
	} else if b.pairNow() == nil {
		return PairUpgrade{}, api.Errorf(api.CodeConflict, "upgrade.pair", "no upgrade of both boxes is under way")
	} else {
		peer, why := b.otherBox()
		if why != "" {
			return PairUpgrade{}, api.Errorf(api.CodeFailed, "upgrade.pair", "the other box leads the upgrade, and cannot be told: %s", why)
		}
		if err := b.askUpgrade(ctx, peer, upgradeAsk{Op: "stop", By: c.Author}, &struct{}{}); err != nil {
			return PairUpgrade{}, err
		}
	}
	s := b.showUpgrade()
	return PairUpgrade{Pair: s.Pair, Why: s.PairWhy, Said: phrase.Fields("why", s.PairWhy)}, nil
}

// stopPair has the upgrade that this box leads end.
func (b *Box) stopPair(by string) error {
	u := &b.upgrades
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lead.state == nil || u.lead.state.over() {
		return api.Errorf(api.CodeConflict, "upgrade.pair", "no upgrade of both boxes is under way")
	}
	u.lead.stop = by
	return nil
}

// RunUpgrade leads upgrades of the pair until ctx ends, and goes on with one that a
// reboot of this box has interrupted.
func (b *Box) RunUpgrade(ctx context.Context) error {
	if b.cfg.Upgrades == nil || b.cfg.UpgradeDir == "" {
		return nil
	}
	wake := make(chan struct{}, 1)
	b.upgrades.mu.Lock()
	b.upgrades.lead.wake = wake
	b.upgrades.mu.Unlock()
	var st *pairState
	if err := loadJSON(b.pairFile(), &st); err != nil {
		b.log.Error("upgrade of the pair not read", "err", err)
	} else if st != nil {
		b.usePair(st)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
		b.upgrades.mu.Lock()
		st := b.upgrades.lead.state
		b.upgrades.mu.Unlock()
		if st != nil && !st.over() {
			(&pairRun{b: b, ctx: ctx, st: st}).run()
		}
	}
}

// readPiece fills p from r as far as left bytes go.
func readPiece(r io.Reader, p []byte, left int64) (int, error) {
	p = p[:min(int64(len(p)), left)]
	return io.ReadFull(r, p)
}
