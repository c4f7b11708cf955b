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

func newSession() *cobra.Command {
	var user string
	list := simple("list", "list who is logged in", cobra.NoArgs, "session.list", func(*cobra.Command, []string) (any, error) {
		return map[string]any{"user": user, "all": user == ""}, nil
	}, func(w io.Writer, l manage.Sessions) {
		table(w, "SESSION USER FROM SINCE LAST-SEEN ENDS AGENT", func(add func(...any)) {
			for _, s := range l.Sessions {
				add(s.ID, s.User, s.Remote, when(s.Created), ago(s.Seen), when(s.Expires), s.Agent)
			}
		})
	})
	list.Flags().StringVar(&user, "user", "", "those of this user alone")
	return group("session", "list and end logins", list,
		completeFirst(done("revoke ID", "end a session", cobra.ExactArgs(1), "session.revoke",
			func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"id": args[0]}, nil }, "ended"), sessionIDs),
	)
}

func sessionIDs(cmd *cobra.Command) (names []string) {
	all, err := call[manage.Sessions](cmd, "session.list", map[string]any{"all": true})
	if err != nil {
		return nil
	}
	for _, s := range all.Sessions {
		names = append(names, cobra.CompletionWithDesc(s.ID, s.User+" from "+s.Remote))
	}
	return names
}

func newToken() *cobra.Command {
	return group("token", "administer API tokens of programs",
		simple("list", "list API tokens: role, scope, when they were used last", cobra.NoArgs, "token.list",
			func(*cobra.Command, []string) (any, error) { return map[string]any{"all": true}, nil }, printTokens),
		newTokenCreate(),
		completeFirst(done("revoke NAME", "end an API token for good; NAME is its name or id", cobra.ExactArgs(1), "token.revoke",
			func(cmd *cobra.Command, args []string) (any, error) {
				all, err := call[manage.Tokens](cmd, "token.list", map[string]any{"all": true})
				id := args[0]
				for _, t := range all.Tokens {
					if strings.EqualFold(t.Name, args[0]) {
						id = t.ID
					}
				}
				return map[string]any{"id": id}, err
			}, "revoked"), tokenNames),
	)
}

func newTokenCreate() *cobra.Command {
	var role string
	var scope map[string]string
	var expires time.Duration
	cmd := simple("create NAME", "make an API token and show it, once", cobra.ExactArgs(1), "token.create",
		func(_ *cobra.Command, args []string) (any, error) {
			p := map[string]any{"name": args[0], "role": role, "scope": scope}
			if expires < 0 {
				return nil, usageError{fmt.Errorf("--expires must be a time from now, such as 2160h")}
			}
			if expires > 0 {
				p["expires"] = time.Now().Add(expires)
			}
			return p, nil
		}, func(w io.Writer, t manage.NewToken) { fmt.Fprintln(w, t.Secret) })
	cmd.Flags().StringVar(&role, "role", "viewer", "viewer, operator, editor or admin")
	cmd.Flags().DurationVar(&expires, "expires", 0, "how long it is good, such as 2160h for 90 days; 0s: for ever")
	scopeFlag(cmd, &scope)
	return cmd
}

func printTokens(w io.Writer, l manage.Tokens) {
	table(w, "TOKEN OWNER ROLE SCOPE CREATED EXPIRES LAST-USED ID", func(add func(...any)) {
		for _, t := range l.Tokens {
			expires := when(t.Expires)
			if t.Expired {
				expires = "expired"
			}
			add(t.Name, t.Owner, t.Role, labels(t.Scope), t.Created.Local().Format(time.DateOnly), expires, ago(t.Used), t.ID)
		}
	})
}

var tokenNames = namesOf("token.list", map[string]any{"all": true}, func(all manage.Tokens) []string {
	return each(all.Tokens, func(e manage.Token) string { return e.Name })
})

func newThrottle() *cobra.Command {
	return group("throttle", "list and clear failed attempts to log in",
		simple("list", "list addresses and users with failed attempts", cobra.NoArgs, "throttle.list", noParams, func(w io.Writer, l manage.Throttles) {
			table(w, "KIND WHO FAILURES LAST HELD-UNTIL", func(add func(...any)) {
				for _, t := range l.Throttles {
					add(t.Kind, t.Key, t.Failures, ago(t.Last), when(t.Until))
				}
			})
		}),
		simple("clear [WHO]", "forget failed attempts of an address or a user, or all", cobra.MaximumNArgs(1), "throttle.clear",
			func(_ *cobra.Command, args []string) (any, error) {
				return map[string]any{"key": strings.Join(args, "")}, nil
			}, func(w io.Writer, c manage.Cleared) { fmt.Fprintf(w, "%d cleared\n", c.Records) }))
}
