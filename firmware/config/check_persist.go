// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"time"
)

// persist checks the methods of a cluster or rule. The pool is nil if there is none.
func (c *checker) persist(cl *Cluster, methods []*Persist, pool *Pool, path string) {
	for _, p := range methods {
		at := fmt.Sprintf("%s persist %q", path, p.Method)
		switch p.Method {
		case PersistNone:
			if len(methods) > 1 {
				c.diags.Add(p.Range, path, `persist "none" stands alone: it switches the other methods off`)
			}
		case PersistCookie:
			if cl.Protocol == TCP || cl.Protocol == UDP {
				c.diags.Add(p.Range, path, `persist "cookie" needs protocol "http" or "https"; here it is %q; use persist "source"`, cl.Protocol)
			}
			c.cookie(p, at)
		case PersistSource:
			if pool != nil && pool.Policy == SourceHash {
				c.diags.Warn(p.Range, path, `policy "source_hash" of pool %q keeps clients by their address already`, pool.Name)
			}
		}
	}
}

// cookie checks what the keywords of a cookie say about each other.
func (c *checker) cookie(p *Persist, path string) {
	if p.Age%Duration(time.Second) != 0 {
		c.diags.Add(c.where(p, "age", p.Range), path, "age must be whole seconds, not %q", p.Age)
	}
	if c.given(p, "name") && p.Scheme != "token" && p.Scheme != "" {
		c.diags.Add(c.where(p, "name", p.Range), path, `name needs scheme "token"; scheme %q has a name of its own`, p.Scheme)
	}
}
