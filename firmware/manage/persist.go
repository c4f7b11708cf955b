// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"time"

	"evener/firmware/api"
	"evener/firmware/persist"
	"evener/firmware/store"
)

// Sources lists records of source persistence.
type Sources struct {
	Records []Source `json:"records"`
	Total   int      `json:"total"`
}

// A Source is a record of source persistence.
type Source struct {
	Client string       `json:"client"`
	Pool   string       `json:"pool,omitempty"`
	Member string       `json:"member,omitempty"`
	Open   int          `json:"open" doc:"connections now"`
	Idle   api.Duration `json:"idle,omitempty" doc:"since the last connection closed"`
	Keep   api.Duration `json:"keep" doc:"how long it is kept after the last connection"`
}

type clearParams struct {
	Client  string `json:"client,omitempty" doc:"address; empty: those of all clients"`
	Cluster string `json:"cluster,omitempty" doc:"empty: those of all clusters"`
}

// Rotated says how many keys of persistence cookies are good now.
type Rotated struct {
	Keys int `json:"keys" doc:"the new one, and those before it whose cookies are still accepted"`
}

// Cleared says how many records were forgotten.
type Cleared struct {
	Records  int      `json:"records"`
	Problems []string `json:"problems,omitempty" doc:"other boxes that have not forgotten them"`
}

func (b *Box) addPersist(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "persist.list", Purpose: "Lists records of source persistence, 1000 at most.", Role: api.Viewer}, b.sources)
	api.Add(reg, api.Method{Name: "persist.clear", Purpose: "Forgets records of source persistence.",
		Role: api.Operator, Effect: api.Runtime, Audit: "clear persistence {client} {cluster}"}, b.clearSources)
	api.Add(reg, api.Method{Name: "persist.rotate", Purpose: "Makes a new key for persistence cookies; the cookies of the two keys before it stay good.",
		Role: api.Admin, Effect: api.Runtime, Audit: "rotate the key of persistence cookies"}, b.rotateKey)
}

func (b *Box) sources(context.Context, api.Call, struct{}) (Sources, error) {
	records, total := b.cfg.Balancer.Sources(1000)
	out := Sources{Records: []Source{}, Total: total.Records}
	now := time.Now()
	for _, r := range records {
		s := Source{Client: r.Key.Addr.String(), Pool: r.Pool, Member: r.Member, Open: r.Open,
			Keep: api.Duration(r.Timeout)}
		if r.Open == 0 && r.Closed != 0 {
			s.Idle = api.Duration(now.Sub(time.Unix(0, r.Closed)).Round(time.Second))
		}
		out.Records = append(out.Records, s)
	}
	return out, nil
}

func (b *Box) clearSources(ctx context.Context, c api.Call, p clearParams) (Cleared, error) {
	if err := b.mayTouch(c, "cluster", p.Cluster); err != nil {
		return Cleared{}, err
	}
	var client netip.Addr
	if p.Client != "" {
		var err error
		if client, err = netip.ParseAddr(p.Client); err != nil {
			return Cleared{}, api.Errorf(api.CodeParams, "params.client", "client must be an address such as 192.0.2.1, not %q", p.Client)
		}
	}
	n, err := b.cfg.Balancer.ClearSources(p.Cluster, client)
	if err != nil {
		return Cleared{}, apiError(err)
	}
	return Cleared{n, b.clearPeers(ctx, p)}, nil
}

// keySecret is how the store calls the keys of persistence cookies.
const keySecret = "cookie"

// CookieKeys returns the keys of persistence cookies, the present one first.
func CookieKeys(st *store.Store) ([]persist.Key, error) {
	secrets, err := st.Secrets(keySecret)
	if err != nil {
		return nil, err
	}
	keys := make([]persist.Key, len(secrets))
	for i, s := range secrets {
		keys[i] = persist.Key{ID: sha256.Sum256(s)[0], Secret: [32]byte(s)}
	}
	return keys, nil
}

func (b *Box) rotateKey(_ context.Context, c api.Call, _ struct{}) (Rotated, error) {
	if err := unscoped(c, "the key of persistence cookies"); err != nil {
		return Rotated{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.cfg.Store.Rotate(keySecret); err != nil {
		return Rotated{}, apiError(err)
	}
	keys, err := CookieKeys(b.cfg.Store)
	if err != nil {
		return Rotated{}, apiError(err)
	}
	if err := b.cfg.Balancer.UseKeys(keys); err != nil {
		return Rotated{}, apiError(fmt.Errorf("the new key is used from the next commit or restart on: %w", err))
	}
	if err := b.keysRotated(keySecret); err != nil {
		return Rotated{}, apiError(fmt.Errorf("the new key is in use, and other boxes are not told: %w", err))
	}
	return Rotated{len(keys)}, nil
}
