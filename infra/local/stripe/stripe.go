// Package stripe stands in for Stripe in the local run: its HTTP API as far as the product uses it, the hosted
// payment page, and signed webhooks.
//
// It is a provider of its own and shares no code with the adapter that speaks to it, so that a mistake in the
// adapter meets resistance here: unknown parameters are refused, amounts are in Stripe's units and within its
// limits, idempotency keys hold their first answer for 24 hours, pages run out, ids are opaque. Answers and events
// are those of API version 2023-10-16 and validate against Stripe's published specification.
//
// Everything it acknowledged is in one file, synced before the answer is sent. Time is the product's clock. What
// real clients do on the page is done by Pay or by a person at /pay/<session>; what the network does to webhooks is
// done by Deliver. Run keeps webhooks going; without it they go out when Pay, Settle or Drain is called.
package stripe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Version is the one API version that is spoken.
const Version = "2023-10-16"

// Config says where the stand-in keeps its state and where its webhooks go.
type Config struct {
	Now     func() time.Time
	Entropy io.Reader // for ids; nil: the machine's
	Path    string    // of the state file, made when missing
	Base    string    // the address under which /pay is reached, e.g. http://127.0.0.1:8080; empty: that of the request
	Shop    string    // the name of the shop on the page

	// Keys are the API keys it knows; none: every sk_test_… and rk_test_… key. An rk_ key is a restricted one with
	// rights on Checkout Sessions and Customers only.
	Keys []string

	// Methods are those that the account has switched on; none: all.
	Methods []string

	// Secret signs the webhooks to WebhookURL, the endpoint that is there from the start and takes every event. An
	// empty Secret means that there is none. Deliver, when set, takes the place of the POST to it.
	Secret     string
	WebhookURL string
	Deliver    func(ctx context.Context, payload []byte, signature string) error
	HTTP       *http.Client // for the other webhooks; nil: http.DefaultClient
	Log        *slog.Logger // says which webhooks were not taken; nil: nobody is told
}

// Server is the stand-in. It serves /v1/… and /pay/….
type Server struct {
	Config
	db      *bbolt.DB
	sending sync.Mutex    // one round of webhooks at a time, so that their order is that of the events
	wake    chan struct{} // tells Run that there is something to send
}

// New opens the state. It refuses a file that another program has open.
func New(c Config) (*Server, error) {
	if c.Now == nil || c.Path == "" {
		return nil, errors.New("the Stripe stand-in needs a clock and a file")
	}
	if c.Deliver != nil && c.Secret == "" {
		return nil, errors.New("the Stripe stand-in has nothing to sign webhooks with")
	}
	if c.Entropy == nil {
		c.Entropy = rand.Reader
	}
	if c.HTTP == nil {
		c.HTTP = http.DefaultClient
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Shop == "" {
		c.Shop = "Test shop"
	}
	if c.WebhookURL == "" {
		c.WebhookURL = "http://localhost/hooks/stripe"
	}
	db, err := bbolt.Open(c.Path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("the Stripe stand-in cannot open %s: %w", c.Path, err)
	}
	s := &Server{Config: c, db: db, wake: make(chan struct{}, 1)}
	if err := db.Update(s.prepare); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Close releases the file. Requests must have ended.
func (s *Server) Close() error { return s.db.Close() }

// ServeHTTP answers as api.stripe.com and checkout.stripe.com would.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		s.serveAPI(w, r)
	case strings.HasPrefix(r.URL.Path, "/pay/"):
		s.servePage(w, r)
	default:
		http.NotFound(w, r)
	}
}

// Run lets pages run out and sends webhooks, again and again until ctx ends.
func (s *Server) Run(ctx context.Context) {
	// The product's clock may be moved at any time, so that it is looked at every second rather than waited for.
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
		// What was not marked as sent is sent again in the next round.
		if err := s.Drain(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the Stripe stand-in cannot go on for now", "error", err)
		}
	}
}

// Drain lets the pages run out whose time has come and sends each webhook that is due once. A webhook that fails
// is kept and is no error here.
func (s *Server) Drain(ctx context.Context) error {
	if err := s.expireDue(); err != nil {
		return err
	}
	return s.dispatch(ctx)
}

func (s *Server) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newID makes an id as Stripe's look: a prefix and n letters without meaning.
func (s *Server) newID(prefix string, n int) (string, error) {
	out := bytes.NewBufferString(prefix)
	b := make([]byte, 1)
	for i := 0; i < n; {
		if _, err := io.ReadFull(s.Entropy, b); err != nil {
			return "", fmt.Errorf("no entropy: %w", err)
		}
		if int(b[0]) < len(letters)*4 { // the rest of a byte's values would favour the first letters
			out.WriteByte(letters[int(b[0])%len(letters)])
			i++
		}
	}
	return out.String(), nil
}
