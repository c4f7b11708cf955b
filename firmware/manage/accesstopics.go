// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"time"

	"evener/firmware/api"
)

// accessEvery is how often who may come in is looked at: sessions end and are
// used without a method being called.
const accessEvery = 2 * time.Second

func (b *Box) addAccessTopics(reg *api.Registry) {
	b.topics.sessions = api.AddState(reg, api.Topic{Name: "state.sessions", Role: api.Viewer, Private: true, Every: accessEvery,
		Purpose: "Sessions by their ids: the caller's own, for admins those of others too."},
		func(ctx context.Context, c api.Call, p ofUserParams) (map[string]Session, error) {
			list, err := b.sessions(ctx, c, p)
			return byKey(list.Sessions, func(s Session) string { return s.ID }), err
		})
	b.topics.tokens = api.AddState(reg, api.Topic{Name: "state.tokens", Role: api.Viewer, Private: true, Every: accessEvery,
		Purpose: "API tokens by their ids: the caller's own, for admins those of others too."},
		func(ctx context.Context, c api.Call, p ofUserParams) (map[string]Token, error) {
			list, err := b.tokens(ctx, c, p)
			return byKey(list.Tokens, func(t Token) string { return t.ID }), err
		})
	b.topics.users = api.AddState(reg, api.Topic{Name: "state.users", Role: api.Admin, Every: accessEvery, Purpose: "The users."},
		func(ctx context.Context, c api.Call, p struct{}) (map[string]User, error) {
			list, err := b.users(ctx, c, p)
			return byKey(list.Users, func(u User) string { return u.Name }), err
		})
}

// accessChanged tells who watches users, sessions or tokens that one has come,
// gone or changed.
func (b *Box) accessChanged() {
	changed(b.topics.sessions)
	changed(b.topics.tokens)
	changed(b.topics.users)
}

func byKey[T any](list []T, key func(T) string) map[string]T {
	out := make(map[string]T, len(list))
	for _, x := range list {
		out[key(x)] = x
	}
	return out
}
