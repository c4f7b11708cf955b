// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"evener/firmware/event"
)

// RunStandby tells peers what they are to know, and of what changes by itself, until
// ctx ends. It needs a Box with a Balancer, a Store and Events.
func (b *Box) RunStandby(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	b.tellRuntime()
	defer b.cfg.Balancer.MirrorStates("", nil)
	wg.Go(func() { b.feedSources(ctx) })
	wg.Go(func() { b.follow("timeline", b.tellEvents(ctx)) })
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-b.stage:
				b.perform(ctx, r)
			}
		}
	})
	items := b.tellItems(nil)
	node, minute := b.nodeName(), time.Now().Truncate(time.Minute)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		b.tellVerdicts()
		b.watchPeers()
		if n%4 == 0 {
			if now := time.Now().Truncate(time.Minute); !now.Equal(minute) {
				minute = now
				b.tellHistory(now)
			}
			items = b.tellItems(items)
			if now := b.nodeName(); now != node {
				node = now
				b.tellRuntime()
			}
		}
	}
}

// watchPeers makes events of peers that come and go, and of configurations that are
// refused.
func (b *Box) watchPeers() {
	if b.cfg.Mirror == nil {
		return
	}
	s := &b.standby
	st := b.cfg.Mirror.Status()
	s.mu.Lock()
	defer s.mu.Unlock()
	poke := false
	for name, p := range st.Peers {
		now := ""
		switch {
		case p.Connected:
			now = "connected"
		case p.Paired:
			now = "lost"
		}
		was, known := s.peers[name]
		s.peers[name] = now
		if was != now {
			poke = true
		}
		args := map[string]any{"peer": name, "reason": p.Problem}
		switch {
		case now == was:
		case now == "connected":
			b.happened(event.PeerConnected, event.Object("peer", name), args)
		case now == "lost" && known && was == "connected":
			b.happened(event.PeerLost, event.Object("peer", name), args)
		}
		b.tellRefusal(name, p)
	}
	for name := range s.peers {
		if _, ok := st.Peers[name]; !ok {
			delete(s.peers, name)
			delete(s.refusals, name)
		}
	}
	if poke {
		s.poke()
	}
}

// tellRefusal makes an event of a configuration that is not taken. s.mu is held.
func (b *Box) tellRefusal(peer string, p MirrorPeerStatus) {
	s := &b.standby
	args := map[string]any{"node": s.node, "peer": peer, "error": p.RefusedHere}
	if p.RefusedHere == "" && p.RefusedThere != "" {
		args = map[string]any{"node": peer, "peer": s.node, "error": p.RefusedThere}
	}
	why := fmt.Sprint(args["error"])
	if was := s.refusals[peer]; was == why || why == "" {
		s.refusals[peer] = why
		return
	}
	s.refusals[peer] = why
	b.happened(event.ConfigRefused, "config", args)
}

type clearOrder struct {
	Client  string `json:"client"`
	Cluster string `json:"cluster"`
}

// clearPeers has peers forget records of source persistence too.
func (b *Box) clearPeers(ctx context.Context, p clearParams) (problems []string) {
	if b.cfg.Mirror == nil {
		return nil
	}
	for name, st := range b.cfg.Mirror.Status().Peers {
		if !st.Paired {
			continue
		}
		var done Cleared
		if err := b.callPeer(ctx, name, peerClear, clearOrder(p), &done); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

func (b *Box) serveClear(body []byte) (any, error) {
	var o clearOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	var client netip.Addr
	if o.Client != "" {
		var err error
		if client, err = netip.ParseAddr(o.Client); err != nil {
			return nil, err
		}
	}
	n, err := b.cfg.Balancer.ClearSources(o.Cluster, client)
	return Cleared{Records: n}, err
}
