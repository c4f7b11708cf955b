// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"evener/firmware/api"
	"evener/firmware/auth"
)

// Entered is a new session. Its token belongs into a cookie, out of the sight of
// scripts.
type Entered struct {
	Token     string            `json:"token" secret:"true"`
	Session   string            `json:"session" doc:"id of the session; no secret"`
	User      string            `json:"user"`
	Role      api.Role          `json:"role"`
	Scope     map[string]string `json:"scope,omitempty" doc:"labels that objects must have"`
	LastLogin time.Time         `json:"last_login,omitzero" doc:"the login before this one"`
	Failed    int               `json:"failed" doc:"attempts that were refused since then"`
	TOTP      bool              `json:"totp" doc:"the second factor is on"`
	Now       time.Time         `json:"now" doc:"of the box's clock"`
	Expires   time.Time         `json:"expires" doc:"when the session ends, used or not"`
	Idle      time.Time         `json:"idle" doc:"when it ends if it is not used"`
}

// A Self says who calls.
type Self struct {
	User      string            `json:"user"`
	Role      api.Role          `json:"role"`
	Scope     map[string]string `json:"scope,omitempty" doc:"labels that objects must have"`
	Origin    string            `json:"origin"`
	Session   string            `json:"session,omitempty" doc:"id of the session or API token; empty: the Unix socket"`
	Sudo      bool              `json:"sudo" doc:"the password was given lately, or need not be"`
	SudoUntil time.Time         `json:"sudo_until,omitzero"`
	TOTP      bool              `json:"totp" doc:"the second factor is on"`
	Codes     int               `json:"recovery_codes" doc:"that are left"`
	LastLogin time.Time         `json:"last_login,omitzero"`
	Now       time.Time         `json:"now" doc:"of the box's clock"`
	Expires   time.Time         `json:"expires,omitzero" doc:"when the session ends, used or not"`
	Idle      time.Time         `json:"idle,omitzero" doc:"when it ends if it is not used; asking counts as use"`
}

// A Sudo says until when dangerous methods may be called.
type Sudo struct {
	Until time.Time `json:"until"`
	Token string    `json:"token,omitempty" secret:"true" doc:"with rotate: the session's new token"`
}

// Settings are what the console keeps for a user.
type Settings struct {
	Settings json.RawMessage `json:"settings" doc:"a JSON object of 16 KiB at most"`
}

// A SetupCode lets the first admin in.
type SetupCode struct {
	Code string `json:"code,omitempty" secret:"true" doc:"empty: the box has an admin"`
}

type loginParams struct {
	User     string `json:"user" secret:"true" doc:"name; not in the audit log, where a password may have been typed here"`
	Password string `json:"password" secret:"true"`
	Code     string `json:"code,omitempty" secret:"true" doc:"of the authenticator app, or a recovery code"`
}

type setupParams struct {
	Code     string `json:"code" secret:"true" doc:"the set-up code that the box shows"`
	User     string `json:"user" doc:"name of the first admin"`
	Password string `json:"password" secret:"true"`
}

type handoverParams struct {
	Token string `json:"token" secret:"true" doc:"of auth.handover_begin; it is good once"`
}

type sudoParams struct {
	Password string `json:"password" secret:"true"`
	Code     string `json:"code,omitempty" secret:"true" doc:"of the authenticator app, or a recovery code"`
	Rotate   bool   `json:"rotate,omitempty" doc:"give the session a new token; the old one is good for a minute more, without sudo"`
}

type passwordParams struct {
	Password string `json:"password" secret:"true" doc:"the present one"`
	Code     string `json:"code,omitempty" secret:"true" doc:"of the authenticator app, or a recovery code"`
	New      string `json:"new" secret:"true" doc:"at least 10 characters"`
}

func (b *Box) addAuth(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "auth.login", Purpose: "Makes a session for who gives name and password, and the code where the second factor is on.",
		Open: true, Effect: api.System, Audit: "log in"}, b.login)
	api.Add(reg, api.Method{Name: "auth.setup", Purpose: "Makes the first admin and a session, with the set-up code that the box shows.",
		Open: true, Effect: api.System, Audit: "set up the box with the admin {user}"}, b.setup)
	api.Add(reg, api.Method{Name: "auth.handover", Purpose: "Makes a session with a token of auth.handover_begin, at another address of the console.",
		Open: true, Effect: api.System, Audit: "take a session over"}, b.useHandover)
	api.Add(reg, api.Method{Name: "auth.handover_begin", Purpose: "Gives a token that makes another session of the caller's, once, within 5 minutes.",
		Role: api.Viewer, Effect: api.System, Audit: "begin to take the session over"}, b.beginHandover)
	api.Add(reg, api.Method{Name: "auth.logout", Purpose: "Ends the caller's session.",
		Open: true, Effect: api.System, Audit: "log out"}, b.logout)
	api.Add(reg, api.Method{Name: "auth.sudo", Purpose: "Lets the session call dangerous methods for 5 minutes, after the password was given again.",
		Role: api.Viewer, Effect: api.System, Audit: "give the password again"}, b.sudo)
	api.Add(reg, api.Method{Name: "auth.password", Purpose: "Changes the caller's password and ends all sessions of the caller.",
		Role: api.Viewer, Effect: api.System, Audit: "change the own password"}, b.changePassword)
	api.Add(reg, api.Method{Name: "auth.whoami", Purpose: "Says who calls, and when the session ends.", Role: api.Viewer}, b.whoami)
	api.Add(reg, api.Method{Name: "auth.settings_get", Purpose: "Gives what the console keeps for the caller.", Role: api.Viewer}, b.settings)
	api.Add(reg, api.Method{Name: "auth.settings_set", Purpose: "Keeps the console's settings of the caller, in place of those before.",
		Role: api.Viewer, Effect: api.System, Audit: "change their own settings", Idempotent: true}, b.setSettings)
	api.Add(reg, api.Method{Name: "auth.setup_code", Purpose: "Shows the set-up code of a box without an admin, over the Unix socket alone.",
		Role: api.Admin}, b.setupCode)
	b.addTOTP(reg)
}

// identity returns what knows the users. A box whose users cannot be read serves
// traffic all the same.
func (b *Box) identity() (*auth.Auth, error) {
	if b.cfg.Auth == nil {
		return nil, api.Errorf(api.CodeFailed, "auth.unavailable", "the box cannot read its users: evener status says why, and evener user reset begins anew")
	}
	return b.cfg.Auth, nil
}

// session returns the caller's session of the console.
func (b *Box) session(c api.Call) (*auth.Auth, auth.Session, error) {
	a, err := b.identity()
	if err != nil {
		return nil, auth.Session{}, err
	}
	s, err := a.Session(c.Session)
	if err != nil {
		return nil, s, api.Errorf(api.CodeForbidden, "auth.no_session", "this needs a session of the console: an API token and the Unix socket have none")
	}
	return a, s, nil
}

// authErrors are the codes that kinds of errors travel under.
var authErrors = map[auth.Kind]int{
	auth.Denied: api.CodeForbidden, auth.CodeNeeded: api.CodeForbidden, auth.Throttled: api.CodeThrottled, auth.Busy: api.CodeThrottled,
	auth.NoSession: api.CodeUnauthorized, auth.NotFound: api.CodeNotFound, auth.Exists: api.CodeConflict, auth.LastAdmin: api.CodeGuard,
	auth.Invalid: api.CodeParams, auth.Full: api.CodeFailed, auth.SetUp: api.CodeConflict, auth.Exceeds: api.CodeForbidden,
	auth.WrongMoment: api.CodeConflict,
}

// authError gives an error of package auth its code.
func authError(err error) error {
	var e *auth.Error
	if !errors.As(err, &e) {
		return err
	}
	out := api.Errorf(authErrors[e.Kind], string(e.Kind), "%s", e.Msg)
	if e.Retry > 0 {
		out.Args = map[string]any{"retry_after_ms": e.Retry.Milliseconds() + 1}
	}
	return out
}

// entryError is authError for who has no session: what is missing is one.
func entryError(err error) error {
	err = authError(err)
	if e := (*api.Error)(nil); errors.As(err, &e) && e.Code == api.CodeForbidden {
		e.Code = api.CodeUnauthorized
	}
	return err
}

func entered(g auth.Grant, err error) (Entered, error) {
	if err != nil {
		return Entered{}, entryError(err)
	}
	return Entered{Token: g.Token, Session: g.Session.ID, User: g.User.Name, Role: api.Role(g.User.Role), Scope: g.User.Scope,
		LastLogin: g.Before, Failed: g.Failed, TOTP: g.User.TOTP, Now: time.Now().UTC(), Expires: g.Session.Expires, Idle: g.Session.Idle}, nil
}

func (b *Box) login(ctx context.Context, c api.Call, p loginParams) (Entered, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return Entered{}, err
	}
	return enteredAs(ctx, auth.Attempt{User: p.User, Password: p.Password, Code: p.Code, Remote: c.Remote, Agent: c.Agent}, a.Login)
}

func (b *Box) setup(ctx context.Context, c api.Call, p setupParams) (Entered, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return Entered{}, err
	}
	return enteredAs(ctx, auth.Attempt{User: p.User, Password: p.Password, Code: p.Code, Remote: c.Remote, Agent: c.Agent}, a.Setup)
}

// enteredAs lets somebody in by way. The audit log learns the name only then: in
// place of a name, people type passwords.
func enteredAs(ctx context.Context, at auth.Attempt, way func(context.Context, auth.Attempt) (auth.Grant, error)) (Entered, error) {
	g, err := way(ctx, at)
	if err == nil {
		api.ChangeOf(ctx).User = at.User
	}
	return entered(g, err)
}

func (b *Box) useHandover(_ context.Context, c api.Call, p handoverParams) (Entered, error) {
	defer b.accessChanged()
	a, err := b.identity()
	if err != nil {
		return Entered{}, err
	}
	return entered(a.UseHandover(p.Token, c.Remote, c.Agent))
}

// A Handover is a token that is good once.
type Handover struct {
	Token string `json:"token" secret:"true" doc:"for auth.handover, within 5 minutes"`
}

func (b *Box) beginHandover(_ context.Context, c api.Call, _ struct{}) (Handover, error) {
	a, s, err := b.session(c)
	if err != nil {
		return Handover{}, err
	}
	token, err := a.Handover(s.ID)
	return Handover{token}, authError(err)
}

// logout of who has no session is no mistake: that is what was wanted.
func (b *Box) logout(_ context.Context, c api.Call, _ struct{}) (struct{}, error) {
	defer b.accessChanged()
	if c.Session == "" {
		return struct{}{}, nil
	}
	a, s, err := b.session(c)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.EndSession(s.ID, auth.EndLogout))
}

func (b *Box) sudo(ctx context.Context, c api.Call, p sudoParams) (Sudo, error) {
	a, s, err := b.session(c)
	if err != nil {
		return Sudo{}, err
	}
	until, err := a.Sudo(ctx, s.ID, p.Password, p.Code)
	if err != nil || !p.Rotate {
		return Sudo{Until: until}, authError(err)
	}
	token, err := a.Rotate(s.ID)
	return Sudo{Until: until, Token: token}, authError(err)
}

func (b *Box) changePassword(ctx context.Context, c api.Call, p passwordParams) (struct{}, error) {
	a, s, err := b.session(c)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.ChangePassword(ctx, s.ID, p.Password, p.Code, p.New))
}

func (b *Box) whoami(_ context.Context, c api.Call, _ struct{}) (Self, error) {
	out := Self{User: c.Author, Role: c.Role, Scope: c.Scope, Origin: c.Origin, Session: c.Session, Sudo: c.Sudo, Now: time.Now().UTC()}
	a, s, err := b.session(c)
	if err != nil {
		return out, nil // an API token, or the Unix socket
	}
	u, err := a.User(s.User)
	if err != nil {
		return Self{}, authError(err)
	}
	out.TOTP, out.Codes, out.LastLogin = u.TOTP, u.RecoveryCodes, u.LastLogin
	out.Expires, out.Idle = s.Expires, s.Idle
	if c.Sudo {
		out.SudoUntil = s.Sudo
	}
	return out, nil
}

func (b *Box) settings(_ context.Context, c api.Call, _ struct{}) (Settings, error) {
	a, s, err := b.session(c)
	if err != nil {
		return Settings{}, err
	}
	raw, err := a.Settings(s.User)
	return Settings{raw}, authError(err)
}

func (b *Box) setSettings(_ context.Context, c api.Call, p Settings) (struct{}, error) {
	a, s, err := b.session(c)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.SetSettings(s.User, p.Settings))
}

func (b *Box) setupCode(_ context.Context, c api.Call, _ struct{}) (SetupCode, error) {
	if c.Session != "" {
		return SetupCode{}, api.Errorf(api.CodeForbidden, "auth.local", "the set-up code is shown to who has the box in hand: evener setup-code")
	}
	a, err := b.identity()
	if err != nil {
		return SetupCode{}, err
	}
	return SetupCode{a.SetupCode()}, nil
}
