// Package app wires everything, once: from the environment of a function, or from parts that the local program and tests
// hand in. Each function has one constructor here, which makes just what that function needs; clients and secrets are made on
// first use, because the start of a function is paid for.
package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/mail"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/internal/activity"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/checkout"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/s3blob"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/sesmail"
	"onebook/internal/store"
	"onebook/internal/stripepay"
)

// Parts are what a function stands on.
type Parts struct {
	Env     map[string]string // of the function; see the template
	Now     func() time.Time  // the product's clock
	Machine func() time.Time  // the machine's clock: tokens, presigned addresses, signatures' TLS
	Entropy io.Reader         // safe for concurrent use
	Table   store.Table
	Log     *slog.Logger

	HTTP        *http.Client // nil: the SDKs' own
	Credentials aws.CredentialsProvider
	Region      string
	S3          string // endpoints; empty: the services' own
	SES         string
	Stripe      string

	// Secret reads a secret by what the environment names.
	Secret func(ctx context.Context, ref string) (string, error)
	// Directory keeps the sign-ins; nil where the function makes none.
	Directory member.Directory
	// Live says whether the provider's money is real.
	Live bool
}

// Product is a function's services. Its fields are made by one constructor and shared by all requests of a process.
type Product struct {
	Parts
	IDs      id.Source
	Records  *activity.Records
	Org      *org.Service
	Members  *member.Service
	Catalog  *catalog.Service
	Contacts *contact.Service
	Links    *link.Service
	Selling  *selling.Service
	Billing  *billing.Service
	Checkout *checkout.Service
	Desk     *issue.Desk
}

// New wires the services. What needs a secret or the outside reads it on first use.
func New(p Parts) *Product {
	x := &Product{Parts: p, IDs: id.Source{Now: p.Now, Entropy: p.Entropy}}
	x.Records = &activity.Records{Table: p.Table, Now: p.Now, Entropy: p.Entropy, Pause: pause}
	x.Org = &org.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Members = &member.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Catalog = &catalog.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Contacts = &contact.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Region: x.region}
	x.Links = &link.Service{Table: p.Table, IDs: x.IDs, Entropy: p.Entropy, Now: p.Now, Base: p.Env["SITE_URL"], Keys: x.linkKeys()}
	maker := &sale.Maker{Catalog: x.Catalog, Org: x.Org}
	clients := clients{x.Contacts}
	x.Selling = &selling.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Maker: maker, Org: x.Org, Clients: clients, Links: x.Links,
	}
	x.Billing = &billing.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Maker: maker, Org: x.Org, Clients: clients, Links: x.Links,
	}
	x.Checkout = &checkout.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Org: x.Org, Clients: clients, Provider: &lazyProvider{parts: &x.Parts},
		Base: p.Env["SITE_URL"], Live: p.Live,
	}
	x.Desk = &issue.Desk{Table: p.Table, Records: x.Records, Now: p.Now, May: member.MaySettle}
	return x
}

// region is the country whose national telephone numbers are understood.
func (x *Product) region(ctx context.Context) (string, error) {
	set, err := x.Org.Get(ctx)
	return set.Address.Country, err
}

// pause spreads deeds that met on one contact: a few milliseconds more each time.
func pause(ctx context.Context, attempt int) error {
	t := time.NewTimer(time.Duration(min(attempt, 20)) * time.Millisecond)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// linkKeys reads the versions of the link key when a link is first made or opened.
func (x *Product) linkKeys() func(ctx context.Context) ([]link.Key, error) {
	return once(func(ctx context.Context) ([]link.Key, error) {
		raw, err := x.secret(ctx, "LINK_KEY_SECRET")
		if err != nil {
			return nil, err
		}
		return parseLinkKeys(raw)
	})
}

// parseLinkKeys reads {"1":"…","2":"…"}; the highest version derives, all of them verify.
func parseLinkKeys(raw string) ([]link.Key, error) {
	var versions map[string]string
	if err := json.Unmarshal([]byte(raw), &versions); err != nil {
		return nil, errors.New("app: the link key's secret is not a JSON object of versions")
	}
	var keys []link.Key
	for v, s := range versions {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || len(s) < 32 {
			return nil, errors.New("app: a version of the link key has no number, or fewer than 32 characters")
		}
		keys = append(keys, link.Key{Version: n, Secret: []byte(s)})
	}
	if len(keys) == 0 {
		return nil, errors.New("app: the link key's secret holds no version")
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].Version > keys[j].Version })
	return keys, nil
}

func (x *Product) secret(ctx context.Context, name string) (string, error) {
	ref := x.Env[name]
	if ref == "" {
		return "", fmt.Errorf("app: the environment has no %s", name)
	}
	s, err := x.Secret(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("app: %s: %w", name, err)
	}
	if strings.TrimSpace(s) == "" {
		return "", fmt.Errorf("app: the secret that %s names is empty", name)
	}
	return s, nil
}

// once keeps the first success; a failure is tried again the next time.
func once[T any](make func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	var mu sync.Mutex
	var got *T
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if got != nil {
			return *got, nil
		}
		v, err := make(ctx)
		if err == nil {
			got = &v
		}
		return v, err
	}
}

// lazyProvider makes the client of the payment provider when it is first used, because its key is a secret.
type lazyProvider struct {
	parts *Parts
	get   func(ctx context.Context) (payment.Provider, error)
	init  sync.Once
}

func (l *lazyProvider) client(ctx context.Context) (payment.Provider, error) {
	l.init.Do(func() {
		l.get = once(func(ctx context.Context) (payment.Provider, error) {
			x := &Product{Parts: *l.parts}
			key, err := x.secret(ctx, "STRIPE_SECRET")
			if err != nil {
				return nil, err
			}
			c := stripepay.Config{Key: key, URL: l.parts.Stripe}
			if l.parts.HTTP != nil {
				c.Transport = l.parts.HTTP.Transport
			}
			return stripepay.New(c)
		})
	})
	return l.get(ctx)
}

func (l *lazyProvider) NewCustomer(ctx context.Context, key string, c payment.Customer) (string, error) {
	p, err := l.client(ctx)
	if err != nil {
		return "", err
	}
	return p.NewCustomer(ctx, key, c)
}

func (l *lazyProvider) NewSession(ctx context.Context, key string, r payment.SessionRequest) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.NewSession(ctx, key, r)
}

func (l *lazyProvider) Session(ctx context.Context, sessionID string) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.Session(ctx, sessionID)
}

func (l *lazyProvider) Sessions(ctx context.Context, customer string, since time.Time) ([]payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return nil, err
	}
	return p.Sessions(ctx, customer, since)
}

func (l *lazyProvider) ExpireSession(ctx context.Context, sessionID string) (payment.Session, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Session{}, err
	}
	return p.ExpireSession(ctx, sessionID)
}

func (l *lazyProvider) Intent(ctx context.Context, intentID string) (payment.Intent, error) {
	p, err := l.client(ctx)
	if err != nil {
		return payment.Intent{}, err
	}
	return p.Intent(ctx, intentID)
}

func (l *lazyProvider) Events(ctx context.Context, since time.Time) ([]payment.Event, error) {
	p, err := l.client(ctx)
	if err != nil {
		return nil, err
	}
	return p.Events(ctx, since)
}

// blobs is the bucket of documents.
func (x *Product) blobs() *s3blob.Blobs {
	return s3blob.New(x.Env["BUCKET"], s3blob.Options{Region: x.Region, Credentials: x.Credentials, Endpoint: x.S3, HTTP: x.HTTP})
}

// files are the bucket as uploads see it.
type files struct{ *s3blob.Blobs }

// PresignPut makes an address for one body.
func (f files) PresignPut(ctx context.Context, key, contentType string, size int64, sum string, ttl time.Duration) (string, map[string]string, error) {
	u, err := f.Blobs.PresignPut(ctx, key, contentType, size, sum, ttl)
	return u.URL, u.Headers, err
}

// mailer sends letters over SES.
type mailer struct{ ses *sesmail.Mailer }

func (x *Product) mailer() mailer {
	from := mail.Address{Address: x.Env["MAIL_FROM"]}
	return mailer{&sesmail.Mailer{
		Client: sesmail.NewClient(sesmail.Options{Region: x.Region, Credentials: x.Credentials, Endpoint: x.SES, HTTP: x.HTTP}),
		From:   from, ConfigurationSet: x.Env["CONFIG_SET"], Now: x.Now,
	}}
}

// Send hands a letter to SES.
func (m mailer) Send(ctx context.Context, l letter.Message) (string, error) {
	sent, err := m.ses.Send(ctx, sesmail.Message{
		FromName: l.FromName, To: []mail.Address{l.To}, ReplyTo: l.ReplyTo, Subject: l.Subject, Text: l.Text, HTML: l.HTML, Tag: l.Tag,
	})
	if errors.Is(err, sesmail.ErrUnknown) {
		return "", fmt.Errorf("%w: %w", effect.ErrAmbiguous, err)
	}
	return sent, err
}

// clients shows contacts to documents.
type clients struct{ contacts *contact.Service }

// Client answers what a document needs of a contact.
func (c clients) Client(ctx context.Context, contactID string) (sale.Client, error) {
	who, err := c.contacts.Get(ctx, contactID)
	if err != nil {
		return sale.Client{}, err
	}
	to, err := c.contacts.Recipient(ctx, who.ID)
	if err != nil {
		return sale.Client{}, err
	}
	out := sale.Client{
		ContactID: who.ID, Locale: who.Locale, Currency: who.Currency, Archived: !who.ArchivedAt.IsZero(), To: sale.Addressee{Name: to.Name, Email: to.Email},
		Party: sale.Party{Name: who.Name, Company: who.Company, Address: who.Address.Lines(), TaxID: who.TaxID, Email: to.Email},
	}
	if len(who.Phones) > 0 {
		out.Phone = who.Phones[0].Number
	}
	return out, nil
}
