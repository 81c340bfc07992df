// Package stripepay speaks to Stripe, and is the only one that does: it implements payment.Provider over HTTP.
//
// Three things end here and go no further. Stripe's units: everywhere else an amount is in minor units by ISO 4217
// (units.go). Stripe's errors: everywhere else an outcome is known, unknown (fault.Busy) or refused for good
// (errors.go). Stripe's version: every request carries 2023-10-16, to which stripe-go v76 is pinned, so that the
// shape of an answer does not change under us.
//
// The package never repeats a request by itself. Whether to ask again, with which key and until when, is decided
// by those who recorded the attempt (design.md §4).
package stripepay

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/customer"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/webhookendpoint"

	"onebook/internal/fault"
	"onebook/internal/payment"
)

// APIVersion is the version of Stripe's API that every request asks for and every webhook endpoint is made with.
const APIVersion = stripe.APIVersion

var _ payment.Provider = (*Client)(nil)

// Config says which account is spoken for and where Stripe is.
type Config struct {
	Key       string            // the account's secret key, or a restricted one
	URL       string            // empty: api.stripe.com; a stand-in's address otherwise, without /v1
	Timeout   time.Duration     // for one request with its answer; zero: 20 seconds
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// Client is one account at Stripe. It keeps no state of its own and may be used by many at once.
type Client struct {
	sessions  session.Client
	customers customer.Client
	intents   paymentintent.Client
	events    event.Client
	endpoints webhookendpoint.Client
}

// New refuses an empty key, so that a wrong deployment fails when it starts and not at its first payment.
func New(c Config) (*Client, error) {
	if strings.TrimSpace(c.Key) == "" {
		return nil, errors.New("stripepay: no API key is configured")
	}
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	if c.URL == "" {
		c.URL = stripe.APIURL
	}
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		HTTPClient: &http.Client{
			Timeout:   c.Timeout,
			Transport: c.Transport,
			// Stripe does not redirect. Following one would send the key to whoever asked for it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		URL:               stripe.String(c.URL),
		MaxNetworkRetries: stripe.Int64(0),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
	})
	return &Client{
		sessions:  session.Client{B: b, Key: c.Key},
		customers: customer.Client{B: b, Key: c.Key},
		intents:   paymentintent.Client{B: b, Key: c.Key},
		events:    event.Client{B: b, Key: c.Key},
		endpoints: webhookendpoint.Client{B: b, Key: c.Key},
	}, nil
}

// Payable implements payment.Provider by the tables of units.go.
func (c *Client) Payable(amount int64, currency string) error { return CheckAmount(amount, currency) }

// NewCustomer implements payment.Provider. The contact's id is written into the metadata, so that a person at
// Stripe's dashboard finds the way back.
func (c *Client) NewCustomer(ctx context.Context, key string, cu payment.Customer) (string, error) {
	p := &stripe.CustomerParams{Metadata: map[string]string{"contactId": cu.ContactID}}
	p.Context, p.IdempotencyKey = ctx, &key
	// Stripe takes names up to 256 and addresses up to 512 characters. A name may be cut; an address may not.
	if name := cut(cu.Name, 256); name != "" {
		p.Name = &name
	}
	if cu.Email != "" && len(cu.Email) <= 512 {
		p.Email = &cu.Email
	}
	got, err := c.customers.New(p)
	if err != nil {
		return "", refusal("make a customer", err)
	}
	return got.ID, nil
}

// NewSession implements payment.Provider. Stripe answers a repeated key with the answer it gave the first time,
// which may be a day old by then, so that a repeated one is looked up again: the page may have been paid.
func (c *Client) NewSession(ctx context.Context, key string, r payment.SessionRequest) (payment.Session, error) {
	amount, err := toStripe(r.Amount, r.Currency)
	if err != nil {
		return payment.Session{}, err
	}
	p := &stripe.CheckoutSessionParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModePayment)),
		ClientReferenceID: optional(r.Reference),
		Customer:          optional(r.Customer),
		SuccessURL:        optional(r.SuccessURL),
		CancelURL:         optional(r.CancelURL),
		Locale:            optional(locale(r.Locale)),
		Metadata:          r.Metadata,
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: r.Metadata},
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency:   stripe.String(strings.ToLower(r.Currency)),
				UnitAmount: &amount,
				// Stripe prints the name on its page and receipt, and refuses an empty one.
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(orElse(cut(r.Description, 250), r.Reference))},
			},
		}},
		PaymentMethodTypes: stripe.StringSlice(r.Methods),
	}
	if !r.ExpiresAt.IsZero() {
		p.ExpiresAt = stripe.Int64(r.ExpiresAt.Unix())
	}
	p.Context, p.IdempotencyKey = ctx, &key
	got, err := c.sessions.New(p)
	if err != nil {
		return payment.Session{}, refusal("open a payment page", err)
	}
	if got.LastResponse != nil && got.LastResponse.Header.Get("Idempotent-Replayed") == "true" {
		return c.Session(ctx, got.ID)
	}
	return sessionOf(got)
}

// Session implements payment.Provider.
func (c *Client) Session(ctx context.Context, id string) (payment.Session, error) {
	if !wellFormed(id) {
		return payment.Session{}, unknown(id)
	}
	p := &stripe.CheckoutSessionParams{}
	p.Context = ctx
	got, err := c.sessions.Get(id, p)
	if err != nil {
		return payment.Session{}, refusal("look up a payment page", err)
	}
	return sessionOf(got)
}

// Stripe answers at most a hundred objects at a time. The bounds only keep an endless list from running forever:
// ten thousand pages for one client, or a hundred thousand events in one look, are no working day of anybody.
const (
	pageSize    = 100
	maxSessions = 10_000
	maxEvents   = 100_000
)

// Sessions implements payment.Provider.
func (c *Client) Sessions(ctx context.Context, customer string, since time.Time) ([]payment.Session, error) {
	p := &stripe.CheckoutSessionListParams{Customer: &customer, CreatedRange: createdSince(since)}
	p.Context, p.Limit = ctx, stripe.Int64(pageSize)
	if customer == "" {
		return nil, unknown(customer)
	}
	var all []payment.Session
	it := c.sessions.List(p)
	for it.Next() {
		if len(all) == maxSessions {
			return nil, fault.Busy.Errorf("one client has more than %d payment pages; look at a shorter time", maxSessions)
		}
		s, err := sessionOf(it.CheckoutSession())
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	if err := it.Err(); err != nil {
		return nil, refusal("list payment pages", err)
	}
	return all, nil
}

// ExpireSession implements payment.Provider. A page that is closed already, because it was paid or its time ran
// out, is answered as it is: Status says which.
func (c *Client) ExpireSession(ctx context.Context, id string) (payment.Session, error) {
	if !wellFormed(id) {
		return payment.Session{}, unknown(id)
	}
	p := &stripe.CheckoutSessionExpireParams{}
	p.Context = ctx
	got, err := c.sessions.Expire(id, p)
	if err == nil {
		return sessionOf(got)
	}
	err = refusal("close a payment page", err)
	var r *Refused
	if errors.As(err, &r) && r.Status == http.StatusBadRequest {
		if now, lookErr := c.Session(ctx, id); lookErr == nil && now.Status != string(stripe.CheckoutSessionStatusOpen) {
			return now, nil
		}
	}
	return payment.Session{}, err
}

// Intent implements payment.Provider. The method is that of the last attempt.
func (c *Client) Intent(ctx context.Context, id string) (payment.Intent, error) {
	if !wellFormed(id) {
		return payment.Intent{}, unknown(id)
	}
	p := &stripe.PaymentIntentParams{}
	p.Context = ctx
	p.AddExpand("latest_charge")
	got, err := c.intents.Get(id, p)
	if err != nil {
		return payment.Intent{}, refusal("look up a payment", err)
	}
	return intentOf(got)
}

// Events implements payment.Provider. Stripe keeps events for 30 days.
func (c *Client) Events(ctx context.Context, since time.Time) ([]payment.Event, error) {
	p := &stripe.EventListParams{CreatedRange: createdSince(since)}
	p.Context, p.Limit = ctx, stripe.Int64(pageSize)
	var all []payment.Event
	it := c.events.List(p)
	for it.Next() {
		if len(all) == maxEvents {
			return nil, fault.Busy.Errorf("there are more than %d events since %s; look at a shorter time", maxEvents, since.UTC().Format(time.RFC3339))
		}
		all = append(all, eventOf(it.Event()))
	}
	if err := it.Err(); err != nil {
		return nil, refusal("list events", err)
	}
	slices.Reverse(all)
	return all, nil
}

func createdSince(t time.Time) *stripe.RangeQueryParams {
	return &stripe.RangeQueryParams{GreaterThanOrEqual: max(t.Unix(), 0)}
}

// wellFormed keeps a stranger's text out of the path of a request: ids come back to us in addresses.
func wellFormed(id string) bool {
	if id == "" || len(id) > 255 {
		return false
	}
	for _, c := range []byte(id) {
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
