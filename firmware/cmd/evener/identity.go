// SPDX-License-Identifier: Apache-2.0

package main

import (
	"evener/firmware/auth"
)

// openAuth reads who may administer the box. If that fails the traffic goes on, and
// so does the command line; nobody can log in, and the box says why.
func (e *engine) openAuth(host string) {
	cfg := auth.Config{}
	if host != "" {
		cfg.Issuer = "Evener " + host
	}
	a, err := auth.Open(e.store.Vault(), cfg, e.log)
	if err != nil {
		e.log.Error("users not read", "err", err)
		e.problems = append(e.problems, "the users cannot be read and nobody can log in (evener user reset keeps the damaged file and begins anew): "+err.Error())
		return
	}
	e.auth = a
}

// closeAuth writes what is not written yet of sessions and failed logins, before the
// store is handed over.
func (e *engine) closeAuth() error {
	if e.auth == nil {
		return nil
	}
	return e.auth.Close()
}
