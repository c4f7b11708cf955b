// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/certs"
	"evener/firmware/lb"
	"evener/firmware/phrase"
)

// requestItems is the place of pending certificate requests in the vault, before
// their names.
const requestItems = "request/"

// maxRequests is how many requests may be pending.
const maxRequests = 100

// A RequestKey is the type of a key that the box makes.
type RequestKey string

// Words lists the types, the default first.
func (RequestKey) Words() []string { return certs.KeyTypes }

// A RequestForm says what a CA is asked for.
type RequestForm struct {
	Name         string     `json:"name" doc:"of the request; the certificate is usually imported under it"`
	Key          RequestKey `json:"key,omitempty" doc:"that is made; ecdsa-p256"`
	Names        []string   `json:"names" doc:"host names, also with *. in front, and addresses that the certificate is to be for"`
	CommonName   string     `json:"common_name,omitempty" doc:"CN of the subject; the first of names"`
	Organization string     `json:"organization,omitempty" doc:"O"`
	Unit         string     `json:"unit,omitempty" doc:"OU"`
	Locality     string     `json:"locality,omitempty" doc:"L"`
	Province     string     `json:"province,omitempty" doc:"ST, state or province"`
	Country      string     `json:"country,omitempty" doc:"C, two letters"`
}

// A CertificateRequest is a key of this box that waits for its certificate. The
// private half is in no answer.
type CertificateRequest struct {
	Name    string    `json:"name"`
	Key     string    `json:"key,omitempty" doc:"kind of its key, such as ECDSA P-256"`
	Names   []string  `json:"names" doc:"host names and addresses that it asks for"`
	Subject string    `json:"subject,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	By      string    `json:"by,omitempty" doc:"who made it"`
	PEM     string    `json:"pem,omitempty" doc:"PKCS#10, for the CA"`
	Lacks   string    `json:"lacks,omitempty" doc:"why it cannot be used"`

	Said phrase.Words `json:"said,omitempty" says:"lacks" doc:"what the texts say, by field: kind and args, for translation"`
}

// CertificateRequests lists pending requests.
type CertificateRequests struct {
	Requests []CertificateRequest `json:"requests"`
}

type requestParams struct {
	Name string `json:"name" doc:"of the request"`
}

func (b *Box) addCertificateRequests(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "certificate.request", Purpose: "Makes a private key, which stays on the box, and a request that a CA signs.",
		Role: api.Editor, Effect: api.Runtime, Audit: "request certificate {name} for {names}", Timeout: 2 * time.Minute}, b.requestCertificate)
	api.Add(reg, api.Method{Name: "certificate.request_list", Purpose: "Lists the requests whose certificates were not imported yet.",
		Role: api.Viewer}, b.requests)
	api.Add(reg, api.Method{Name: "certificate.request_show", Purpose: "Shows one pending request.", Role: api.Viewer}, b.request)
	api.Add(reg, api.Method{Name: "certificate.request_like", Purpose: "Tells what would ask for the successor of a certificate: its names, subject and type of key.",
		Role: api.Viewer}, b.requestLike)
	api.Add(reg, api.Method{Name: "certificate.request_remove", Purpose: "Forgets a pending request with its key: a certificate that the CA makes of it cannot be used any more.",
		Role: api.Editor, Effect: api.Runtime, Audit: "remove the certificate request {name}"}, b.removeRequest)
}

func (b *Box) requestCertificate(ctx context.Context, c api.Call, p RequestForm) (CertificateRequest, error) {
	if err := unscoped(c, "certificate/"+p.Name); err != nil {
		return CertificateRequest{}, err
	}
	if err := checkItem(p.Name); err != nil {
		return CertificateRequest{}, err
	}
	if err := b.roomForRequest(p.Name); err != nil { // before the time for a key is spent
		return CertificateRequest{}, err
	}
	r, err := certs.NewRequest(certs.RequestConfig{Key: string(p.Key), Names: p.Names, Subject: certs.Subject{
		CommonName: p.CommonName, Organization: p.Organization, OrganizationalUnit: p.Unit, Locality: p.Locality, Province: p.Province, Country: p.Country,
	}}, c.Author, time.Now())
	if err != nil {
		return CertificateRequest{}, api.Errorf(api.CodeParams, "request.invalid", "%v", err)
	}
	data, err := r.Marshal()
	if err != nil {
		return CertificateRequest{}, err
	}
	if err := ctx.Err(); err != nil { // nobody waits for it any more
		return CertificateRequest{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.roomForRequest(p.Name); err != nil {
		return CertificateRequest{}, err
	}
	if err := b.cfg.Store.Vault().Save(requestItems+p.Name, data); err != nil {
		return CertificateRequest{}, apiError(err)
	}
	b.requestsChanged()
	return requestOf(p.Name, r), nil
}

// roomForRequest refuses to overwrite a key that a CA may be signing at the moment.
func (b *Box) roomForRequest(name string) error {
	items := b.cfg.Store.Vault().Items(requestItems)
	if i, ok := items[requestItems+name]; ok {
		return api.Errorf(api.CodeConflict, "request.exists", "the request %s is pending since %s: import its certificate, remove it, or take another name",
			name, i.Time.UTC().Format(time.DateOnly))
	}
	if len(items) >= maxRequests {
		return api.Errorf(api.CodeTooMany, "too_many.requests", "%d requests are pending; no more are kept: remove one", len(items))
	}
	return nil
}

func requestOf(name string, r *certs.Request) CertificateRequest {
	d := r.Describe()
	return CertificateRequest{Name: name, Key: d.Key, Names: d.Names, Subject: d.Subject, Since: d.Made, By: d.By, PEM: r.PEM()}
}

// requestNames returns the names of the pending requests in order.
func (b *Box) requestNames() (names []string) {
	for item := range b.cfg.Store.Vault().Items(requestItems) {
		names = append(names, strings.TrimPrefix(item, requestItems))
	}
	slices.Sort(names)
	return names
}

// storedRequest returns the pending request called name, nil if there is none.
func (b *Box) storedRequest(name string) (*certs.Request, error) {
	data, err := b.cfg.Store.Vault().Load(requestItems + name)
	if err != nil || data == nil {
		return nil, err
	}
	return certs.ParseRequest(data)
}

func (b *Box) requests(context.Context, api.Call, struct{}) (CertificateRequests, error) {
	out := CertificateRequests{Requests: []CertificateRequest{}}
	for _, name := range b.requestNames() {
		switch r, err := b.storedRequest(name); {
		case err != nil:
			out.Requests = append(out.Requests, CertificateRequest{Name: name, Names: []string{}, Lacks: err.Error(),
				Said: phrase.Fields("lacks", err.Error())})
		case r != nil:
			out.Requests = append(out.Requests, requestOf(name, r))
		}
	}
	return out, nil
}

func (b *Box) request(_ context.Context, _ api.Call, p requestParams) (CertificateRequest, error) {
	r, err := b.storedRequest(p.Name)
	switch {
	case err != nil:
		return CertificateRequest{}, apiError(err)
	case r == nil:
		return CertificateRequest{}, b.noRequest(p.Name)
	}
	return requestOf(p.Name, r), nil
}

func (b *Box) noRequest(name string) error {
	return apiError(&lb.NotFoundError{Kind: "certificate request", Name: name, Have: b.requestNames()})
}

func (b *Box) removeRequest(_ context.Context, c api.Call, p requestParams) (struct{}, error) {
	if err := unscoped(c, "certificate/"+p.Name); err != nil {
		return struct{}{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.requestNames(), p.Name) {
		return struct{}{}, b.noRequest(p.Name)
	}
	defer b.requestsChanged()
	return struct{}{}, apiError(b.cfg.Store.Vault().Delete(requestItems + p.Name))
}

func (b *Box) requestLike(ctx context.Context, c api.Call, p certificateParams) (RequestForm, error) {
	pair, err := b.pairOf(ctx, c, p)
	if err != nil {
		return RequestForm{}, err
	}
	l := certs.ConfigLike(pair.Leaf())
	s := l.Subject
	return RequestForm{Name: p.Name, Key: RequestKey(l.Key), Names: append([]string{}, l.Names...), CommonName: s.CommonName, Organization: s.Organization,
		Unit: s.OrganizationalUnit, Locality: s.Locality, Province: s.Province, Country: s.Country}, nil
}

// answer reads PEM text that may lack its private key. The key is then that of a
// pending request, whose name is returned.
func (b *Box) answer(text string) (pair *certs.Pair, request string, err error) {
	var names []string
	var pending []*certs.Request
	var unread error
	for _, name := range b.requestNames() {
		r, err := b.storedRequest(name)
		if err != nil {
			unread = fmt.Errorf("the pending request %s cannot be read: %w", name, err)
			b.log.Error("certificate request not read", "name", name, "err", err)
		}
		if r != nil {
			names, pending = append(names, name), append(pending, r)
		}
	}
	pair, used, err := certs.ParseAnswer([]byte(text), pending, time.Now())
	if err != nil && unread != nil {
		return nil, "", fmt.Errorf("%w; %w", err, unread)
	}
	if used >= 0 && err == nil {
		request = names[used]
	}
	return pair, request, err
}

// answered forgets the request whose certificate was imported: the certificate has
// the key now.
func (b *Box) answered(request string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.cfg.Store.Vault().Delete(requestItems + request); err != nil {
		return apiError(fmt.Errorf("the certificate is kept, and its request %s could not be removed: %w", request, err))
	}
	b.requestsChanged()
	return nil
}
