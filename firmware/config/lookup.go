// SPDX-License-Identifier: Apache-2.0

package config

// Server returns the server of that name, or nil.
func (c *Config) Server(name string) *Server {
	for _, s := range c.Servers {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Pool returns the pool of that name, or nil.
func (c *Config) Pool(name string) *Pool {
	for _, p := range c.Pools {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Cluster returns the cluster of that name, or nil.
func (c *Config) Cluster(name string) *Cluster {
	for _, cl := range c.Clusters {
		if cl.Name == name {
			return cl
		}
	}
	return nil
}

// BoxCertificate names the certificate of https clusters that name none. Where
// no block defines it, it is self-signed.
const BoxCertificate = "box"

// Certificate returns the certificate of that name, or nil. That of the box
// is always there.
func (c *Config) Certificate(name string) *Certificate {
	for _, x := range c.Certificates {
		if x.Name == name {
			return x
		}
	}
	if name == BoxCertificate {
		return &Certificate{Name: name, Source: SelfSigned, Names: []string{}}
	}
	return nil
}

// CA returns the acme block of that name, or nil.
func (c *Config) CA(name string) *ACME {
	for _, a := range c.ACME {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// CertificateNames returns the names of the certificates that clients of the
// cluster may be shown, the default first.
func (c *Cluster) CertificateNames() []string {
	if c.Protocol != HTTPS {
		return nil
	}
	if len(c.TLS.Certificates) == 0 {
		return []string{BoxCertificate}
	}
	return c.TLS.Certificates
}

// Responder returns the responder of that name, or nil.
func (c *Config) Responder(name string) *Responder {
	for _, r := range c.Responders {
		if r.Name == name {
			return r
		}
	}
	return nil
}
