// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
)

// peerUpgrade is what boxes ask each other when both are upgraded.
const peerUpgrade = "upgrade"

// peerChunk is how many bytes of a bundle go in one message.
const peerChunk = 1 << 20

// An upgradeAsk is one question or order to a box of the pair.
type upgradeAsk struct {
	Op     string       `json:"op"` // status, begin, chunk, end, cancel, activate, pair, stop
	By     string       `json:"by,omitempty"`
	Size   int64        `json:"size,omitempty"`
	ID     string       `json:"id,omitempty"`
	Offset int64        `json:"offset,omitempty"`
	Data   []byte       `json:"data,omitempty"`
	SHA256 string       `json:"sha256,omitempty"`
	Pair   *UpgradePair `json:"pair,omitempty"`
}

// An upgradeBox is what a box of the pair tells of itself.
type upgradeBox struct {
	Node      string         `json:"node"`
	Available bool           `json:"available"`
	Why       string         `json:"why,omitempty"`
	Running   UpgradeRunning `json:"running"`
	Slots     []UpgradeSlot  `json:"slots"`
	Trial     *UpgradeTest   `json:"trial,omitempty"`
	Busy      bool           `json:"busy,omitempty"`
	Pending   bool           `json:"pending,omitempty"` // a commit waits for its confirm
	Last      UpgradeEntry   `json:"last"`              // of the journal
	Groups    []pairGroup    `json:"groups"`
	Up        []string       `json:"up"`    // members
	Peers     []string       `json:"peers"` // that it reaches
	Synced    bool           `json:"synced"`
	Lead      string         `json:"lead,omitempty"` // box that leads an upgrade of the pair
}

// A pairGroup is a failover group as one box sees it.
type pairGroup struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Home    bool   `json:"home"` // the box is one of its homes
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason"`

	Preferred string `json:"preferred"` // box that is its first choice
}

// runs returns the image of the slot that runs, and slot finds the one with an image.
func (x *upgradeBox) runs() string {
	for _, s := range x.Slots {
		if s.Slot == x.Running.Slot {
			return s.SHA256
		}
	}
	return ""
}

func (x *upgradeBox) slot(sha string) *UpgradeSlot {
	for i, s := range x.Slots {
		if s.SHA256 == sha && s.State != SlotEmpty {
			return &x.Slots[i]
		}
	}
	return nil
}

func (x *upgradeBox) group(name string) pairGroup {
	for _, g := range x.Groups {
		if g.Name == name {
			return g
		}
	}
	return pairGroup{Name: name}
}

// upgradeBox tells of this box.
func (b *Box) upgradeBox() upgradeBox {
	out := upgradeBox{Node: b.nodeName(), Groups: []pairGroup{}, Up: b.membersUp(), Why: "its engine does not know its slots"}
	if b.cfg.Upgrades != nil {
		s := b.cfg.Upgrades.Show()
		out.Available, out.Why, out.Running, out.Slots, out.Trial = s.Available, s.Why, s.Running, s.Slots, s.Trial
		if len(s.Journal) > 0 {
			out.Last = s.Journal[0]
		}
	}
	_, out.Pending = b.cfg.Store.Pending()
	b.upgrades.mu.Lock()
	out.Busy = b.upgrades.progress != nil
	b.upgrades.mu.Unlock()
	h := b.showHA()
	for _, g := range h.Groups {
		out.Groups = append(out.Groups, pairGroup{g.Name, g.State, g.Base > 0, g.Healthy, g.Reason, g.Preferred})
	}
	out.Synced = true
	for _, p := range h.Peers {
		if p.Mirror.Connected {
			out.Peers = append(out.Peers, p.Name)
			out.Synced = out.Synced && p.Differences.State == HAInSync
		}
	}
	return out
}

// askUpgrade asks the box called node, which may be this one.
func (b *Box) askUpgrade(ctx context.Context, node string, q upgradeAsk, result any) error {
	return b.callBox(ctx, node, peerUpgrade, q, result, func() (any, error) { return b.answerUpgrade(ctx, node, q) })
}

func (b *Box) serveUpgrade(ctx context.Context, peer string, body []byte) (any, error) {
	var q upgradeAsk
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	if q.By != "" {
		q.By = cutText(q.By+" on "+peer, 256)
	}
	return b.answerUpgrade(ctx, peer, q)
}

// answerUpgrade answers a box of the pair. What changes this box is in its audit log.
func (b *Box) answerUpgrade(ctx context.Context, peer string, q upgradeAsk) (any, error) {
	if q.Op == "status" {
		return b.upgradeBox(), nil
	}
	if q.Op == "pair" && q.Pair != nil {
		b.toldPair(*q.Pair)
		return struct{}{}, nil
	}
	if q.Op == "stop" {
		return struct{}{}, b.stopPair(q.By)
	}
	up, err := b.upgrader(api.Call{})
	if err != nil {
		return nil, err
	}
	switch q.Op {
	case "begin":
		u, err := b.openUpload(UpgradeOrder{By: q.By, Source: peer}, q.Size)
		if err != nil {
			return nil, err
		}
		b.auditPeer(q, fmt.Sprintf("send a bundle of %d bytes", q.Size), nil)
		return UpgradeUpload{ID: u.id, Chunk: peerChunk}, nil
	case "chunk", "end":
		u, err := b.findUpload(q.ID)
		if err != nil {
			return nil, err
		}
		if q.Op == "chunk" {
			return struct{}{}, u.piece(ctx, q.Offset, q.Data)
		}
		return u.finish(ctx)
	case "activate":
		err := b.activateImage(ctx, up, q)
		b.auditPeer(q, "start the image "+q.SHA256[:min(12, len(q.SHA256))]+" now", err)
		return struct{}{}, err
	}
	return nil, fmt.Errorf("version %s of the box knows no step %q of an upgrade", b.cfg.Version, q.Op)
}

// auditPeer records what another box has ordered.
func (b *Box) auditPeer(q upgradeAsk, what string, err error) {
	b.audit(api.Record{Time: time.Now(), Method: "upgrade.pair", Effect: api.System, Call: api.Call{Author: q.By, Origin: "engine", Role: api.Admin},
		Done: true, Err: api.AsError(err), Text: what})
}

// activateImage starts the slot with an image, and reboots.
func (b *Box) activateImage(ctx context.Context, up Upgrader, q upgradeAsk) error {
	x := b.upgradeBox()
	s := x.slot(q.SHA256)
	if s == nil {
		return fmt.Errorf("%s has that image in neither slot", x.Node)
	}
	if s.Slot != x.Running.Slot && !s.Next {
		if err := b.activateSlot(ctx, s.Slot, q.By, false); err != nil {
			return err
		}
	}
	return b.rebootFor(ctx)
}

// peerUp asks a peer which members are up; asked is false if none answers.
func (b *Box) peerUp(ctx context.Context) (up []string, peer string, asked bool) {
	if b.cfg.Mirror == nil {
		return nil, "", false
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	st := b.cfg.Mirror.Status().Peers
	for _, name := range slices.Sorted(maps.Keys(st)) {
		var x upgradeBox
		if st[name].Connected && b.callPeer(ctx, name, peerUpgrade, upgradeAsk{Op: "status"}, &x) == nil {
			return x.Up, name, true
		}
	}
	return nil, "", false
}

// sendImage sends the image of a slot of this box to a peer as a bundle.
func (b *Box) sendImage(ctx context.Context, node, slot, by string, told func(done, total int64)) error {
	r, size, err := b.cfg.Upgrades.Bundle(slot)
	if err != nil {
		return err
	}
	defer r.Close()
	var u UpgradeUpload
	if err := b.askUpgrade(ctx, node, upgradeAsk{Op: "begin", By: by, Size: size}, &u); err != nil {
		return err
	}
	piece := make([]byte, peerChunk)
	for at := int64(0); at < size; {
		n, err := readPiece(r, piece, size-at)
		if err != nil {
			return fmt.Errorf("read slot %s: %w", slot, err)
		}
		if err := b.askUpgrade(ctx, node, upgradeAsk{Op: "chunk", ID: u.ID, Offset: at, Data: piece[:n]}, &struct{}{}); err != nil {
			return err
		}
		at += int64(n)
		told(at, size)
	}
	var out UpgradeWritten
	return b.askUpgrade(ctx, node, upgradeAsk{Op: "end", ID: u.ID}, &out)
}

// toldPair keeps what the box that leads tells, to be shown here too.
func (b *Box) toldPair(p UpgradePair) {
	u := &b.upgrades
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.lead.state != nil && !u.lead.state.over() {
		return // this box leads another one
	}
	u.pair, u.told = &p, time.Now()
	changed(u.topic)
}

// words joins names for people.
func words(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
