package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"onebook/infra/local/invoke"
	"onebook/infra/local/issuer"
	"onebook/internal/app"
	"onebook/internal/app/all"
	"onebook/internal/phone"
	"onebook/internal/relay"
)

// build wires the product from its parts: each function as its own main does, with its own environment.
func build(p Parts) (Product, error) {
	parts := app.Parts{
		Now: p.Now, Machine: time.Now, Entropy: rand.Reader, Table: p.Table, Log: p.Log, HTTP: p.HTTP, Region: p.Region,
		S3: p.S3, SES: p.SES, Stripe: p.Stripe, Secret: p.Secret, Directory: directory{},
	}
	functions := Functions{}
	for name, make := range all.Functions {
		env, ok := p.Env[name]
		if !ok {
			continue // the template does not deploy it
		}
		own := parts
		own.Env, own.Credentials = env, p.Credentials(name)
		h, err := make(app.New(own))
		if err != nil {
			return Product{}, fmt.Errorf("%s: %w", name, err)
		}
		functions[name] = invoke.Handler(h)
	}
	return Product{
		Functions: functions,
		Due: func(ctx context.Context, after time.Time) (time.Time, error) {
			return relay.NextDue(ctx, p.Table, after)
		},
		Seed: func(ctx context.Context) error {
			own := parts
			own.Env = map[string]string{"SITE_URL": p.Base}
			x := app.New(own)
			x.Contacts.Phones = phone.Plans{}
			return seed(ctx, x, os.Getenv("DEMO") != "none")
		},
	}, nil
}

// directory plays the user pool: whoever is invited has a sign-in at once, under a subject made from the address.
type directory struct{}

// Ensure answers the subject of an address; a demo member's is the one that its token carries.
func (directory) Ensure(_ context.Context, email, _ string) (string, error) {
	email = strings.ToLower(email)
	if role, ok := strings.CutSuffix(email, demoDomain); ok && issuer.Known(role) {
		return issuer.Subject(role), nil
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(email)))[:32], nil
}
