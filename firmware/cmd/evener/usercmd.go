// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

func newUser() *cobra.Command {
	named := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"name": args[0]}, nil }
	return group("user", "administer who may log in",
		simple("list", "list users: role, scope, last login", cobra.NoArgs, "user.list", noParams, printUsers),
		newUserAdd(),
		completeFirst(done("remove NAME", "remove a user with all sessions and API tokens", cobra.ExactArgs(1), "user.delete", named, "removed"), userNames),
		newUserRole(),
		completeFirst(done("password NAME", "set a user's password, read without showing it or from standard input", cobra.ExactArgs(1), "user.set_password",
			func(cmd *cobra.Command, args []string) (any, error) {
				password, err := newPassword(cmd, args[0])
				return map[string]any{"name": args[0], "password": password}, err
			}, "changed; all sessions of the user have ended"), userNames),
		completeFirst(done("reset-totp NAME", "turn a user's second factor off", cobra.ExactArgs(1), "user.reset_totp", named, "turned off"), userNames),
		simple("reset", "begin anew with a set-up code where the users cannot be read; the damaged file is kept", cobra.NoArgs, "user.reset", noParams, printReset),
	)
}

func printReset(w io.Writer, r manage.UsersReset) {
	if r.Aside != "" {
		fmt.Fprintf(w, "the damaged users are kept in the vault as %s\n", r.Aside)
	}
	fmt.Fprintf(w, "the engine is replaced; then the console makes the first admin with the set-up code\n%s\n", r.Code)
}

func newUserAdd() *cobra.Command {
	var role string
	var scope map[string]string
	cmd := simple("add NAME", "make a user; the password is read without showing it, or from standard input", cobra.ExactArgs(1), "user.create",
		func(cmd *cobra.Command, args []string) (any, error) {
			password, err := newPassword(cmd, args[0])
			return map[string]any{"name": args[0], "password": password, "role": role, "scope": scope}, err
		}, printUser)
	cmd.Flags().StringVar(&role, "role", "viewer", "viewer, operator, editor or admin")
	scopeFlag(cmd, &scope)
	return cmd
}

func newUserRole() *cobra.Command {
	var scope map[string]string
	var everything bool
	cmd := simple("role NAME ROLE", "give a user another role; all sessions of the user end", cobra.ExactArgs(2), "user.update",
		func(cmd *cobra.Command, args []string) (any, error) {
			p := map[string]any{"name": args[0], "role": args[1]}
			switch {
			case everything && len(scope) > 0:
				return nil, usageError{fmt.Errorf("--everything takes the scope away: leave --scope out")}
			case everything:
				p["scope"] = map[string]string{}
			case len(scope) > 0:
				p["scope"] = scope
			}
			return p, nil
		}, printUser)
	scopeFlag(cmd, &scope)
	cmd.Flags().BoolVar(&everything, "everything", false, "take the scope away")
	return completeFirst(cmd, userNames)
}

func scopeFlag(cmd *cobra.Command, scope *map[string]string) {
	cmd.Flags().StringToStringVar(scope, "scope", nil, "labels that objects must have, such as team=shop; may be repeated")
}

func printUser(w io.Writer, u manage.User) { printUsers(w, manage.Users{Users: []manage.User{u}}) }

func printUsers(w io.Writer, l manage.Users) {
	table(w, "USER ROLE SCOPE TOTP SESSIONS LAST-LOGIN FAILED-SINCE PASSWORD-SET", func(add func(...any)) {
		for _, u := range l.Users {
			totp := "off"
			if u.TOTP {
				totp = fmt.Sprintf("on, %d recovery codes", u.RecoveryCodes)
			}
			add(u.Name, u.Role, labels(u.Scope), totp, u.Sessions, when(u.LastLogin), u.Failed, u.PasswordChanged.Local().Format(time.DateOnly))
		}
	})
}

// labels writes a scope as flags have it.
func labels(scope map[string]string) string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(scope)) {
		list = append(list, k+"="+scope[k])
	}
	return strings.Join(list, ",")
}

// when writes a time for people, "" for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

var userNames = namesOf("user.list", struct{}{}, func(all manage.Users) []string {
	return each(all.Users, func(e manage.User) string { return e.Name })
})

func newSetupCode() *cobra.Command {
	return simple("setup-code", "show the code with which the console makes the first admin", cobra.NoArgs, "auth.setup_code", noParams,
		func(w io.Writer, c manage.SetupCode) {
			if c.Code == "" {
				fmt.Fprintln(w, "the box has an admin: there is no set-up code any more")
				return
			}
			fmt.Fprintln(w, c.Code)
		})
}
