// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

// newCertificateRequest makes a key on the box and prints what a CA signs.
func newCertificateRequest() *cobra.Command {
	var p manage.RequestForm
	var key, like string
	cmd := &cobra.Command{Use: "request NAME [HOST...]", Short: "make a private key on the box, and the request for a CA to sign", Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			form, err := requestForm(cmd, args, p, like)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("key") || form.Key == "" {
				form.Key = manage.RequestKey(key)
			}
			r, err := call[manage.CertificateRequest](cmd, "certificate.request", form)
			if err != nil {
				return err
			}
			return show(cmd, r, func(w io.Writer) { fmt.Fprint(w, r.PEM) })
		}}
	f := cmd.Flags()
	f.StringVar(&key, "key", "ecdsa-p256", "type of the key: "+strings.Join(manage.RequestKey("").Words(), ", "))
	f.StringVar(&like, "like", "", "a certificate of this box, whose names, subject and type of key are asked for where none are given")
	f.StringVar(&p.CommonName, "cn", "", "common name; the first host")
	f.StringVar(&p.Organization, "o", "", "organization")
	f.StringVar(&p.Unit, "ou", "", "organizational unit")
	f.StringVar(&p.Locality, "l", "", "locality")
	f.StringVar(&p.Province, "st", "", "state or province")
	f.StringVar(&p.Country, "c", "", "country, two letters")
	completeFlag(cmd, "like", certificateNames)
	completeFlag(cmd, "key", func(*cobra.Command) []string { return manage.RequestKey("").Words() })
	return cmd
}

// requestForm puts together what is asked for: what is given, and else what the
// certificate called like has.
func requestForm(cmd *cobra.Command, args []string, given manage.RequestForm, like string) (manage.RequestForm, error) {
	form := manage.RequestForm{}
	if like != "" {
		var err error
		if form, err = call[manage.RequestForm](cmd, "certificate.request_like", map[string]any{"name": like}); err != nil {
			return form, err
		}
	}
	form.Name = args[0]
	if len(args) > 1 {
		form.Names = args[1:]
		form.CommonName = "" // the other names have another first
	}
	if form.Names == nil {
		form.Names = []string{}
	}
	for flag, field := range map[string]struct{ to, from *string }{
		"cn": {&form.CommonName, &given.CommonName}, "o": {&form.Organization, &given.Organization}, "ou": {&form.Unit, &given.Unit},
		"l": {&form.Locality, &given.Locality}, "st": {&form.Province, &given.Province}, "c": {&form.Country, &given.Country},
	} {
		if cmd.Flags().Changed(flag) {
			*field.to = *field.from
		}
	}
	return form, nil
}

// newCertificateRequests administers the requests that are pending.
func newCertificateRequests() *cobra.Command {
	named := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"name": args[0]}, nil }
	return group("requests", "requests whose certificates were not imported yet",
		simple("list", "list pending requests", cobra.NoArgs, "certificate.request_list", noParams, printRequests),
		completeFirst(simple("show NAME", "write a pending request as PEM, for the CA", cobra.ExactArgs(1), "certificate.request_show", named,
			func(w io.Writer, r manage.CertificateRequest) { fmt.Fprint(w, r.PEM) }), requestNames),
		completeFirst(done("remove NAME", "forget a pending request with its key", cobra.ExactArgs(1), "certificate.request_remove", named, "removed"), requestNames))
}

func printRequests(w io.Writer, l manage.CertificateRequests) {
	table(w, "REQUEST KEY NAMES SUBJECT SINCE BY NOTE", func(add func(...any)) {
		for _, r := range l.Requests {
			since := ""
			if !r.Since.IsZero() {
				since = r.Since.Local().Format(time.DateTime)
			}
			add(r.Name, r.Key, listed(r.Names, min(len(r.Names), 3)), r.Subject, since, r.By, r.Lacks)
		}
	})
}

var requestNames = namesOf("certificate.request_list", struct{}{}, func(all manage.CertificateRequests) []string {
	return each(all.Requests, func(e manage.CertificateRequest) string { return e.Name })
})
