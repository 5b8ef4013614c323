package oidc

import (
	"context"
	"fmt"
	"net/url"

	"authserver/internal/oauth"
	"authserver/internal/store"
)

// maxFrames bounds the number of clients that a page notifies.
const maxFrames = 50

// Frames returns the URIs with which a page notifies the clients of the session that ended, with
// the issuer and the session (OpenID Connect Front-Channel Logout 1.0 §3).
func (l *Logouts) Frames(ctx context.Context, out Logout) ([]string, error) {
	id, some := store.ParseSessionID(out.EndedSession)
	if !some {
		return nil, nil
	}
	took, err := l.Store.SessionClients(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look up the clients of a session: %w", err)
	}
	var frames []string
	for _, clientID := range took {
		client, err := l.Client(ctx, Logout{ClientID: clientID})
		if err != nil {
			return nil, err
		}
		if client.FrontchannelLogoutURI != "" && len(frames) < maxFrames {
			frames = append(frames, oauth.AddQuery(client.FrontchannelLogoutURI, "iss="+url.QueryEscape(l.Hints.Issuer)+"&sid="+out.EndedSession))
		}
	}
	return frames, nil
}
