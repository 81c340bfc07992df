package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/infra/local/invoke"
	"onebook/internal/store"
)

// Functions are the functions' handlers by their names in the template.
type Functions map[string]invoke.Handler

// Product is what runs behind the doors of the local program.
type Product struct {
	Functions Functions
	// Due answers the earliest moment later than after at which something of the product is due, or zero.
	Due func(ctx context.Context, after time.Time) (time.Time, error)
	// Seed makes the demo organisation when the record is empty; nil when there is nothing to make.
	Seed func(ctx context.Context) error
}

// Build wires the product. It is called again after a reset.
type Build func(Parts) (Product, error)

// Parts are the outside of the product on this machine. Every call through Table, HTTP and Secret passes the fault
// points and is held to the rights of the function that makes it, which its context names; a call to S3 is held to
// those of the function whose credentials signed it.
type Parts struct {
	Base        string // the site's address, e.g. http://127.0.0.1:8080
	Now         func() time.Time
	Table       store.Table
	HTTP        *http.Client // for S3, SES and Stripe alike
	Secret      func(ctx context.Context, name string) (string, error)
	Credentials func(function string) aws.CredentialsProvider
	Region      string
	S3          string // endpoints
	SES         string
	Stripe      string
	Env         map[string]map[string]string // each function's environment, of the template
	Log         *slog.Logger
}
