// SPDX-License-Identifier: Apache-2.0

package health

import "context"

// A tcpProber is content with a connection.
type tcpProber struct{ question }

func (p tcpProber) probe(ctx context.Context, t *transcript) Result {
	conn, err := p.dial(ctx, t)
	if err != nil {
		return p.unconnected(ctx, err)
	}
	conn.Close()
	if p.Secure {
		return good("connected to %v, TLS handshake", p.to)
	}
	return good("connected to %v", p.to)
}
