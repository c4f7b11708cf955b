// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// The challenges that are offered.
const (
	methodHTTP = acme.ChallengeTypeHTTP01
	methodALPN = acme.ChallengeTypeTLSALPN01
)

const userAgent = "Evener"

// An acmeClient speaks to one CA with one account.
type acmeClient struct {
	cfg        ACMEConfig
	storage    Storage
	challenges *Challenges
	http       *http.Client
}

func newACMEClient(cfg ACMEConfig, storage Storage, challenges *Challenges) (*acmeClient, error) {
	up, err := NewUpstream(UpstreamConfig{CAs: cfg.CAs}, time.Now())
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        up.Config(),
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        time.Minute,
		MaxIdleConns:           2,
	}
	return &acmeClient{cfg: cfg, storage: storage, challenges: challenges,
		http: &http.Client{Transport: limitBody{transport}, Timeout: time.Minute}}, nil
}

// limitBody cuts answers off, since the library reads them to their end.
type limitBody struct{ http.RoundTripper }

const maxACMEAnswer = 1 << 20 // bytes

func (l limitBody) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxACMEAnswer), resp.Body}
	}
	return resp, err
}

// obtain orders a certificate and returns its chain as PEM.
func (c *acmeClient) obtain(ctx context.Context, method string, domains []string, key crypto.Signer) ([]byte, error) {
	client := acmez.Client{
		Client:           &acme.Client{Directory: c.cfg.Directory, HTTPClient: c.http, UserAgent: userAgent},
		ChallengeSolvers: map[string]acmez.Solver{method: solver{c.challenges}},
	}
	defer c.http.CloseIdleConnections() // the next order may be months away
	account, err := c.account(ctx, client.Client)
	var chains []acme.Certificate
	if err == nil {
		chains, err = client.ObtainCertificateForSANs(ctx, account, key, domains)
	}
	if p, ok := errors.AsType[acme.Problem](err); ok && p.Type == acme.ProblemTypeAccountDoesNotExist {
		// The CA has forgotten us: the next attempt registers the same key anew.
		err = errors.Join(err, c.saveAccount(accountRecord{}, account.PrivateKey))
	}
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the CA has sent no certificate")
	}
	return chains[0].ChainPEM, nil
}

// An accountRecord is what is stored of an account.
type accountRecord struct {
	Key     string       `json:"key"`     // PEM
	Contact []string     `json:"contact"` // as registered
	Account acme.Account `json:"account"` // Location is empty until it is registered
}

// accountName is the name in Storage. Each CA has an account of its own.
func (c *acmeClient) accountName() string {
	sum := sha256.Sum256([]byte(c.cfg.Directory))
	return "acme/account/" + hex.EncodeToString(sum[:8])
}

// account returns the account, registering or updating it where needed. Its key
// is stored before the CA hears of it, so that a crash leaves no account behind
// that nobody can use.
func (c *acmeClient) account(ctx context.Context, client *acme.Client) (acme.Account, error) {
	r, key, err := c.loadAccount()
	if err != nil {
		return acme.Account{}, err
	}
	contact := make([]string, len(c.cfg.Contact))
	for i, address := range c.cfg.Contact {
		contact[i] = "mailto:" + address
	}
	account := r.Account
	account.PrivateKey = key
	switch {
	case account.Location == "":
		account = acme.Account{Contact: contact, TermsOfServiceAgreed: c.cfg.TermsAgreed, PrivateKey: key}
		if c.cfg.EAB != nil {
			eab := acme.EAB{KeyID: c.cfg.EAB.KeyID, MACKey: strings.TrimRight(c.cfg.EAB.MACKey, "=")}
			if err := account.SetExternalAccountBinding(ctx, client, eab); err != nil {
				return account, fmt.Errorf("bind ACME account: %w", err)
			}
		}
		if account, err = client.NewAccount(ctx, account); err != nil {
			return account, fmt.Errorf("register ACME account: %w", err)
		}
	case !slices.Equal(r.Contact, contact):
		account.Contact = contact
		if account, err = client.UpdateAccount(ctx, account); err != nil {
			return account, fmt.Errorf("update ACME account: %w", err)
		}
		account.Location = r.Account.Location // the answer to an update has none
	default:
		return account, nil
	}
	account.ExternalAccountBinding = nil
	return account, c.saveAccount(accountRecord{Contact: contact, Account: account}, key)
}

// loadAccount returns what is stored, or an account without anything but a new
// key, stored.
func (c *acmeClient) loadAccount() (r accountRecord, key crypto.Signer, err error) {
	text, err := c.storage.Load(c.accountName())
	if err != nil {
		return r, nil, fmt.Errorf("load ACME account: %w", err)
	}
	if text == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return r, nil, fmt.Errorf("make account key: %w", err)
		}
		return r, key, c.saveAccount(r, key)
	}
	if err = json.Unmarshal(text, &r); err != nil {
		return r, nil, fmt.Errorf("the stored ACME account is damaged: %w", err)
	}
	blocks, err := pemBlocks("the stored ACME account", []byte(r.Key), maxPEM)
	if err != nil {
		return r, nil, err
	}
	key, err = parseKeyBlock(blocks[0])
	return r, key, err
}

func (c *acmeClient) saveAccount(r accountRecord, key crypto.Signer) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("marshal account key: %w", err)
	}
	r.Key = encodeKey(der)
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("marshal ACME account: %w", err)
	}
	if err := c.storage.Save(c.accountName(), text); err != nil {
		return fmt.Errorf("store ACME account: %w", err)
	}
	return nil
}

// A solver puts challenges where listeners find them.
type solver struct{ c *Challenges }

// Present is called before the CA is told to look.
func (s solver) Present(_ context.Context, ch acme.Challenge) error {
	name := strings.ToLower(ch.Identifier.Value)
	if ch.Type == methodHTTP {
		s.c.change(func(t *challengeTables) {
			t.http[ch.Token] = httpChallenge{host: name, body: ch.KeyAuthorization}
		})
		return nil
	}
	cert, err := acmez.TLSALPN01ChallengeCert(ch)
	if err != nil {
		return fmt.Errorf("make certificate of TLS-ALPN-01: %w", err)
	}
	s.c.change(func(t *challengeTables) { t.alpn[name] = cert })
	return nil
}

// CleanUp is called when the CA has looked, or has given up.
func (s solver) CleanUp(_ context.Context, ch acme.Challenge) error {
	s.c.change(func(t *challengeTables) {
		delete(t.http, ch.Token)
		if ch.Type == methodALPN {
			delete(t.alpn, strings.ToLower(ch.Identifier.Value))
		}
	})
	return nil
}
