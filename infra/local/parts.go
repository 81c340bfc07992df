package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/infra/local/gateway"
	"onebook/infra/local/invoke"
	"onebook/infra/local/schedule"
	"onebook/infra/local/stream"
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

// Parts are the outside of the product on this machine. Every call through Table and HTTP passes the fault points.
type Parts struct {
	Base        string // the site's address, e.g. http://127.0.0.1:8080
	Now         func() time.Time
	Table       store.Table
	HTTP        *http.Client // for S3, SES and Stripe alike
	Credentials aws.CredentialsProvider
	Region      string
	S3          string // endpoints
	SES         string
	Stripe      string
	Issuer      string // of the tokens
	ClientID    string
	Env         map[string]map[string]string // each function's environment, of the template
	Log         *slog.Logger
}

// Deployment is what the template deploys, as far as the local program plays it.
type Deployment struct {
	Routes    []gateway.Route
	CORS      *gateway.CORS
	Timeouts  map[string]time.Duration // by function
	Env       map[string]map[string]string
	Streams   []stream.Mapping
	Schedules []schedule.Schedule
	MailEvent string   // the function that SES's events reach; empty for none
	Buckets   []string // of documents
}
