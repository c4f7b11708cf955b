// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"

	"evener/firmware/api"
)

// A TOTPSecret is what an authenticator app needs.
type TOTPSecret struct {
	Secret string `json:"secret" secret:"true" doc:"base32, to be typed in"`
	URL    string `json:"url" secret:"true" doc:"otpauth://, what the QR code says"`
	QR     string `json:"qr" secret:"true" doc:"the URL as a QR code, in SVG"`
}

// RecoveryCodes are each good once in place of a code of the app.
type RecoveryCodes struct {
	Codes []string `json:"codes" secret:"true" doc:"they are shown now and never again"`
}

type codeParams struct {
	Code string `json:"code" secret:"true" doc:"that the authenticator app shows"`
}

func (b *Box) addTOTP(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "auth.totp_begin", Purpose: "Makes a secret for the caller's authenticator app; nothing changes until auth.totp_confirm.",
		Role: api.Viewer, Sudo: true, Effect: api.System, Audit: "begin with a second factor"}, b.totpBegin)
	api.Add(reg, api.Method{Name: "auth.totp_confirm", Purpose: "Turns the caller's second factor on, with the first code of the app.",
		Role: api.Viewer, Sudo: true, Effect: api.System, Audit: "turn the second factor on"}, b.totpConfirm)
	api.Add(reg, api.Method{Name: "auth.totp_disable", Purpose: "Turns the caller's second factor off.",
		Role: api.Viewer, Sudo: true, Effect: api.System, Audit: "turn the second factor off"}, b.totpDisable)
	api.Add(reg, api.Method{Name: "auth.recovery_codes", Purpose: "Makes new recovery codes for the caller; the old ones are void.",
		Role: api.Viewer, Sudo: true, Effect: api.System, Audit: "make new recovery codes"}, b.recoveryCodes)
}

func (b *Box) totpBegin(_ context.Context, c api.Call, _ struct{}) (TOTPSecret, error) {
	a, s, err := b.session(c)
	if err != nil {
		return TOTPSecret{}, err
	}
	secret, url, err := a.TOTPBegin(s.User)
	if err != nil {
		return TOTPSecret{}, authError(err)
	}
	picture, err := qrSVG(url)
	return TOTPSecret{secret, url, picture}, err
}

func (b *Box) totpConfirm(_ context.Context, c api.Call, p codeParams) (RecoveryCodes, error) {
	a, s, err := b.session(c)
	if err != nil {
		return RecoveryCodes{}, err
	}
	codes, err := a.TOTPConfirm(s.User, p.Code)
	return RecoveryCodes{codes}, authError(err)
}

func (b *Box) totpDisable(_ context.Context, c api.Call, _ struct{}) (struct{}, error) {
	a, s, err := b.session(c)
	if err != nil {
		return struct{}{}, err
	}
	return struct{}{}, authError(a.TOTPDisable(s.User))
}

func (b *Box) recoveryCodes(_ context.Context, c api.Call, _ struct{}) (RecoveryCodes, error) {
	a, s, err := b.session(c)
	if err != nil {
		return RecoveryCodes{}, err
	}
	codes, err := a.RecoveryCodes(s.User)
	return RecoveryCodes{codes}, authError(err)
}
