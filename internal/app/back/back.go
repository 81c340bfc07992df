// Package back has the functions that nobody waits for: what the clock, the change stream and providers set going.
package back

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"onebook/internal/app"
	"onebook/internal/app/outside"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/hook"
	"onebook/internal/relay"
	"onebook/internal/reply"
)

// Stripehook takes Stripe's webhooks.
func Stripehook(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "STRIPE_SECRET", "STRIPE_WEBHOOK_SECRET", "STRIPE_LIVE"); err != nil {
		return nil, err
	}
	x.Checkout.Provider = outside.Provider(x)
	// Five minutes: while Stripe's secret is changed both stand in it, and the old one goes a day later.
	secrets := app.For(5*time.Minute, x.Machine, func(ctx context.Context) ([]string, error) {
		s, err := x.ReadSecret(ctx, "STRIPE_WEBHOOK_SECRET")
		return strings.Fields(s), err
	})
	return app.Adapt(hook.Stripe{Secrets: secrets, Hint: x.Checkout.Hint, Now: x.Now, Log: x.Log}.Handle), nil
}

// Mailhook takes the reports of the mail service, and the mails that come in there.
func Mailhook(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "BUCKET"); err != nil {
		return nil, err
	}
	in := reply.Service{Table: x.Table, Records: x.Records, Now: x.Now, Contacts: x.Contacts}
	m := relay.Mail{Runner: runner(x, effect.Mail), Delivered: post(x).Delivered, Inbox: inbox(x), Received: in.Receive, Log: x.Log}
	return app.Adapt(func(ctx context.Context, n relay.Notice) (struct{}, error) { return struct{}{}, m.Handle(ctx, n) }), nil
}

// PDF prints what the stream brings.
func PDF(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "EFFECTS"); err != nil {
		return nil, err
	}
	return app.Adapt(relay.Stream{Runner: runner(x, effect.PDF), Log: x.Log}.Handle), nil
}

// Relay sends what the stream brings.
func Relay(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "SITE_URL", "LINK_KEY_SECRET", "MAIL_FROM", "CONFIG_SET", "USER_POOL_ID", "EFFECTS"); err != nil {
		return nil, err
	}
	return app.Adapt(relay.Stream{Runner: runner(x, effect.Mail), Log: x.Log}.Handle), nil
}

// Sweeper does each minute what is left.
func Sweeper(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "BUCKET", "SITE_URL", "LINK_KEY_SECRET", "MAIL_FROM", "CONFIG_SET", "USER_POOL_ID", "STRIPE_SECRET", "STRIPE_LIVE",
		"EFFECTS"); err != nil {
		return nil, err
	}
	x.Checkout.Provider = outside.Provider(x)
	return app.Adapt(relay.Sweeper{Runner: runner(x, effect.Mail, effect.PDF, effect.Book), Expire: x.Selling.Expire, Pull: x.Checkout.Pull, Log: x.Log}.Handle), nil
}

// SetupRequest is the payload of the set-up, which make deploy invokes once.
type SetupRequest struct {
	OwnerEmail string `json:"ownerEmail"`
	OwnerName  string `json:"ownerName,omitempty"`
}

// SetupAnswer tells who owns the organisation.
type SetupAnswer struct {
	MemberID string `json:"memberId"`
}

// Setup makes the first owner.
func Setup(x *app.Product) (app.Handler, error) {
	if err := x.Needs("TABLE", "USER_POOL_ID"); err != nil {
		return nil, err
	}
	return app.Adapt(func(ctx context.Context, in SetupRequest) (SetupAnswer, error) {
		if in.OwnerName == "" {
			in.OwnerName, _, _ = strings.Cut(in.OwnerEmail, "@")
		}
		m, err := x.Members.First(ctx, directory(x), in.OwnerEmail, in.OwnerName)
		if errors.Is(err, fault.Exists) {
			return SetupAnswer{}, fmt.Errorf("setup: %w", err)
		}
		return SetupAnswer{MemberID: m.ID}, err
	}), nil
}
