// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newCertificate() *cobra.Command {
	named := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"name": args[0]}, nil }
	return group("certificate", "request, import, show and renew certificates",
		newCertificateRequest(), newCertificateRequests(), newCertificateImport(),
		simple("list", "list certificates: who uses them, and how long they last", cobra.NoArgs, "certificate.list", noParams, printCertificates),
		completeFirst(simple("show NAME", "show one certificate", cobra.ExactArgs(1), "certificate.show", named, printCertificate), certificateNames),
		completeFirst(simple("export-chain NAME", "write a certificate and its chain as PEM, without the key", cobra.ExactArgs(1), "certificate.chain", named,
			func(w io.Writer, c manage.Chain) { fmt.Fprint(w, c.PEM) }), certificateNames),
		completeFirst(simple("renew NAME", "order a certificate from its CA now, or make a new self-signed one", cobra.ExactArgs(1), "certificate.renew", named, printCertificate), certificateNames),
		completeFirst(done("remove NAME", "forget an imported certificate that nothing uses", cobra.ExactArgs(1), "certificate.remove", named, "removed"), certificateNames),
		newEAB(),
		done("rotate-tickets", "make a new secret for TLS session tickets: sessions begin anew", cobra.NoArgs, "certificate.rotate_tickets", noParams, "sessions begin anew"),
	)
}

// done makes a command whose only result is that it has succeeded.
func done(use, short string, args cobra.PositionalArgs, method string, params func(*cobra.Command, []string) (any, error), word string) *cobra.Command {
	return simple(use, short, args, method, params, func(w io.Writer, _ struct{}) { fmt.Fprintln(w, word) })
}

func newCertificateImport() *cobra.Command {
	var key, passwordFile string
	var pkcs12, force bool
	cmd := simple("import NAME FILE", "keep a certificate with its key; where the name is in use it takes effect at once",
		cobra.ExactArgs(2), "certificate.import", func(cmd *cobra.Command, args []string) (any, error) {
			data, err := readFile(cmd, args[1])
			if err != nil {
				return nil, err
			}
			p := map[string]any{"name": args[0], "force": force}
			switch {
			case !pkcs12 && passwordFile != "":
				return nil, usageError{fmt.Errorf("--password-file is for --pkcs12")}
			case pkcs12 && key != "":
				return nil, usageError{fmt.Errorf("a PKCS#12 file has its key in it: leave --key out")}
			case pkcs12:
				p["pkcs12"] = base64.StdEncoding.EncodeToString(data)
			}
			if passwordFile != "" {
				password, err := readFile(cmd, passwordFile)
				if err != nil {
					return nil, err
				}
				p["password"] = strings.TrimRight(string(password), "\r\n")
			}
			if key != "" {
				more, err := readFile(cmd, key)
				if err != nil {
					return nil, err
				}
				data = append(append(data, '\n'), more...)
			}
			if !pkcs12 {
				p["pem"] = string(data)
			}
			return p, nil
		}, printImported)
	cmd.Flags().StringVar(&key, "key", "", "file of the private key, if neither FILE nor a pending request has it")
	cmd.Flags().BoolVar(&force, "force", false, "even if clients will refuse it and the name is in use")
	cmd.Flags().BoolVar(&pkcs12, "pkcs12", false, "FILE is PKCS#12, such as .pfx or .p12")
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "file of the password of the PKCS#12 file")
	return cmd
}

func printImported(w io.Writer, c manage.Certificate) {
	if c.Request != "" {
		fmt.Fprintf(w, "its key is that of the request %s\n", c.Request)
	}
	fmt.Fprintf(w, "%s is kept: %s, until %s\n", c.Name, strings.Join(c.Names, ", "), c.NotAfter.Local().Format(time.DateOnly))
	for _, x := range c.Warnings {
		fmt.Fprintln(w, "warning:", x)
	}
	for _, x := range c.Notes {
		fmt.Fprintln(w, "note:", x)
	}
	if len(c.UsedBy) == 0 {
		fmt.Fprintf(w, "nothing uses it yet; name it in the configuration: certificate %q {}\n", c.Name)
	} else {
		fmt.Fprintf(w, "new connections get it: %s\n", strings.Join(c.UsedBy, ", "))
	}
}

func newEAB() *cobra.Command {
	return done("eab ACME FILE", "keep the key that binds an ACME account to a customer of the CA", cobra.ExactArgs(2), "certificate.eab",
		func(cmd *cobra.Command, args []string) (any, error) {
			key, err := readFile(cmd, args[1])
			return map[string]any{"acme": args[0], "key": strings.TrimSpace(string(key))}, err
		}, "kept")
}

func printCertificates(w io.Writer, l manage.Certificates) {
	table(w, "CERTIFICATE SOURCE STATE ENDS NAMES USED-BY NOTE", func(add func(...any)) {
		for _, c := range l.Certificates {
			ends := ""
			if !c.NotAfter.IsZero() {
				ends = c.NotAfter.Local().Format(time.DateOnly)
			}
			add(c.Name, c.Source, c.State, ends, listed(c.Names, min(len(c.Names), 3)), strings.Join(c.UsedBy, ", "), note(&c))
		}
	})
}

// note says what there is to say of a certificate beside its state.
func note(c *manage.Certificate) string {
	switch {
	case c.Lacks != "":
		return c.Lacks
	case c.ACME == nil:
		return strings.Join(c.Warnings, "; ")
	case c.ACME.LastError != "":
		return fmt.Sprintf("tried %s, again in %s: %s", ago(c.ACME.LastTry), time.Until(c.ACME.Next).Round(time.Second), c.ACME.LastError)
	}
	return "renewed on " + c.ACME.Next.Local().Format(time.DateOnly)
}

func printCertificate(w io.Writer, c manage.Certificate) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-12s %s\n", name, value)
		}
	}
	row("name", c.Name)
	row("source", c.Source)
	row("state", c.State)
	row("for", strings.Join(c.Names, ", "))
	row("subject", c.Subject)
	row("issuer", c.Issuer)
	row("serial", c.Serial)
	row("key", c.Key)
	row("sha-256", c.Fingerprint)
	if !c.NotAfter.IsZero() {
		row("valid", c.NotBefore.Local().Format(time.DateTime)+" to "+c.NotAfter.Local().Format(time.DateTime))
	}
	for _, i := range c.Chain {
		row("chain", i.Subject+", until "+i.NotAfter.Local().Format(time.DateOnly))
	}
	row("used by", strings.Join(c.UsedBy, ", "))
	if a := c.ACME; a != nil {
		row("acme", a.State+", next order "+a.Next.Local().Format(time.DateTime))
		if !a.LastTry.IsZero() {
			row("last order", a.LastTry.Local().Format(time.DateTime))
		}
		row("last error", a.LastError)
	}
	row("missing", c.Lacks)
	for _, x := range c.Warnings {
		row("warning", x)
	}
	for _, x := range c.Notes {
		row("note", x)
	}
}

func newTrust() *cobra.Command {
	named := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"name": args[0]}, nil }
	return group("trust", "import CAs and revocation lists",
		simple("import NAME FILE...", "keep CAs and revocation lists, in place of what the name had", cobra.MinimumNArgs(2), "trust.import",
			func(cmd *cobra.Command, args []string) (any, error) {
				var files []string
				for _, name := range args[1:] {
					data, err := readFile(cmd, name)
					if err != nil {
						return nil, err
					}
					files = append(files, base64.StdEncoding.EncodeToString(data))
				}
				return map[string]any{"name": args[0], "files": files}, nil
			}, func(w io.Writer, t manage.Trust) {
				fmt.Fprintf(w, "%s is kept: %d CAs, %d revocation lists\n", t.Name, len(t.CAs), len(t.CRLs))
			}),
		simple("list", "list CAs and revocation lists: who uses them, and how long they last", cobra.NoArgs, "trust.list", noParams, printTrusts),
		completeFirst(done("remove NAME", "forget CAs and revocation lists that nothing uses", cobra.ExactArgs(1), "trust.remove", named, "removed"), trustNames),
	)
}

func printTrusts(w io.Writer, l manage.Trusts) {
	table(w, "TRUST WHAT ENDS REVOKES USED-BY", func(add func(...any)) {
		for _, t := range l.Trusts {
			users := strings.Join(t.UsedBy, ", ")
			for _, c := range t.CAs {
				add(t.Name, "CA "+c.Subject, c.NotAfter.Local().Format(time.DateOnly), "", users)
			}
			for _, c := range t.CRLs {
				add(t.Name, "list of "+c.Issuer, c.Next.Local().Format(time.DateOnly), c.Entries, users)
			}
			if t.Lacks != "" {
				add(t.Name, t.Lacks, "", "", users)
			}
		}
	})
}

var certificateNames = namesOf("certificate.list", struct{}{}, func(all manage.Certificates) []string {
	return each(all.Certificates, func(e manage.Certificate) string { return e.Name })
})

var trustNames = namesOf("trust.list", struct{}{}, func(all manage.Trusts) []string {
	return each(all.Trusts, func(e manage.Trust) string { return e.Name })
})
