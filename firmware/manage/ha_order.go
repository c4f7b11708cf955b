// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"evener/firmware/api"
	"evener/firmware/phrase"
)

type switchParams struct {
	Group string `json:"group"`
	Node  string `json:"node,omitempty" doc:"box that is to be active; the one with the highest priority besides the one that is"`
}

// A Switched tells what became of an order.
type Switched struct {
	Text []string `json:"text" doc:"what was done, a line for each box"`

	Said phrase.Words `json:"said,omitempty" says:"text" doc:"what the texts say, by field: kind and args, for translation"`
}

// switchGroup has the box that is active hand a group over. Where none is, the box
// that is wanted takes it.
func (b *Box) switchGroup(ctx context.Context, c api.Call, p switchParams) (Switched, error) {
	if err := unscoped(c, "failover groups"); err != nil {
		return Switched{}, err
	}
	g, err := b.findGroup(p.Group)
	if err != nil {
		return Switched{}, err
	}
	active := b.groupNow(g).Active
	switch {
	case p.Node != "" && !slices.Contains(g.Homes, p.Node):
		return Switched{}, api.Errorf(api.CodeParams, "params.node", "%s is no home of %s; its homes are %s", p.Node, g.Name, strings.Join(g.Homes, ", "))
	case p.Node != "" && p.Node == active:
		return Switched{}, api.Errorf(api.CodeConflict, "ha.there", "%s is active on %s already", g.Name, p.Node)
	}
	at, o := active, HAOrder{Kind: HAOrderSwitch, Group: g.Name, Node: p.Node, By: c.Author}
	if active == "" {
		if at = p.Node; at == "" {
			at = b.nodeName()
		}
		o.Kind = HAOrderStay
	}
	text, err := b.orderAt(ctx, at, o)
	if err != nil {
		return Switched{}, err
	}
	return Switched{Text: []string{text}, Said: phrase.Fields("text.0", text)}, nil
}

func (b *Box) rebalance(ctx context.Context, c api.Call, _ struct{}) (Switched, error) {
	if err := unscoped(c, "failover groups"); err != nil {
		return Switched{}, err
	}
	cfg := b.standbyConfig()
	if cfg == nil || len(cfg.Groups) == 0 {
		return Switched{}, api.Errorf(api.CodeNotFound, "not_found", "there is no failover group to rebalance (block group)")
	}
	o := HAOrder{Kind: HAOrderRebalance, By: c.Author}
	out := Switched{Text: []string{}}
	text, err := b.order(ctx, o)
	if err != nil {
		return out, err
	}
	out.Text = append(out.Text, b.nodeName()+": "+text)
	for _, p := range cfg.Node.Peers {
		if text, err := b.orderAt(ctx, p.Name, o); err != nil {
			out.Text = append(out.Text, p.Name+": "+err.Error())
		} else {
			out.Text = append(out.Text, p.Name+": "+text)
		}
	}
	return out, nil
}

// orderAt has the box called node carry out an order.
func (b *Box) orderAt(ctx context.Context, node string, o HAOrder) (string, error) {
	if node == b.nodeName() {
		return b.order(ctx, o)
	}
	var text string
	err := b.callPeer(ctx, node, peerOrder, o, &text)
	return text, err
}

// serveOrder carries out an order that came from a peer.
func (b *Box) serveOrder(ctx context.Context, peer string, body []byte) (any, error) {
	var o HAOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, err
	}
	o.By = cutText(o.By+" on "+peer, 256)
	return b.order(ctx, o)
}
