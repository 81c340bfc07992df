// Package app wires everything, once: from the environment of a function, or from parts that the local program and tests
// hand in.
//
// The product is made here, without the outside. What a function adds to it stands in the packages below, apart from each
// other because the start of a function is paid for, and whatever is linked is started: [onebook/internal/app/front] has
// what people ask over HTTP, [onebook/internal/app/contacts] and [onebook/internal/app/settings] the same where it is
// heavy, [onebook/internal/app/back] what the clock, the table and providers set going. [onebook/internal/app/all] knows
// every one. Clients and secrets are made on first use.
package app

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/billing"
	"onebook/internal/catalog"
	"onebook/internal/checkout"
	"onebook/internal/contact"
	"onebook/internal/deal"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/org"
	"onebook/internal/sale"
	"onebook/internal/selling"
	"onebook/internal/store"
	"onebook/internal/task"
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
	Cognito     string
	Stripe      string

	// Secret reads a secret by what the environment names.
	Secret func(ctx context.Context, ref string) (string, error)
	// Directory keeps the sign-ins; nil: the user pool that the environment names.
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
	Tasks    *task.Service
	Links    *link.Service
	Selling  *selling.Service
	Billing  *billing.Service
	Checkout *checkout.Service
	Desk     *issue.Desk
	Second   *approval.Desk
}

// New wires the services. What needs a secret reads it on first use; what only some functions need of the outside (the
// payment provider, the numbering plans) is put in by those.
func New(p Parts) *Product {
	x := &Product{Parts: p, IDs: id.Source{Now: p.Now, Entropy: p.Entropy}}
	x.Records = &activity.Records{Table: p.Table, Now: p.Now, Entropy: p.Entropy, Pause: pause(p.Entropy)}
	x.Org = &org.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Org.StageInUse = func(ctx context.Context, stage string) (bool, error) { return deal.InStage(ctx, p.Table, stage) }
	x.Members = &member.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Catalog = &catalog.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now}
	x.Contacts = &contact.Service{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Org: x.Org.Get, Issued: documents{p.Table}.issued}
	x.Tasks = &task.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Org: x.Org, Members: x.Members, Outcome: documents{p.Table}.outcome,
	}
	x.Links = &link.Service{Table: p.Table, IDs: x.IDs, Entropy: p.Entropy, Now: p.Now, Base: p.Env["SITE_URL"], Keys: x.linkKeys()}
	maker := &sale.Maker{Catalog: x.Catalog, Org: x.Org}
	clients := Clients{x.Contacts}
	x.Selling = &selling.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Maker: maker, Org: x.Org, Members: x.Members, Clients: clients,
		Links: x.Links,
	}
	x.Second = &approval.Desk{Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Members: x.Members, Org: x.Org}
	x.Billing = &billing.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Maker: maker, Org: x.Org, Clients: clients, Links: x.Links,
	}
	x.Billing.Second, x.Second.Kinds = x.Second, x.Billing.Decisions()
	x.Checkout = &checkout.Service{
		Table: p.Table, Records: x.Records, IDs: x.IDs, Now: p.Now, Org: x.Org, Clients: clients,
		Base: p.Env["SITE_URL"], Live: p.Live,
	}
	x.Desk = &issue.Desk{Table: p.Table, Records: x.Records, Now: p.Now, May: member.MaySettle}
	return x
}

// pause spreads deeds that met on one contact. How long is left to chance, within a bound that doubles: those that wait
// equally long meet again, and after eight times a client would hear of it.
func pause(entropy io.Reader) func(ctx context.Context, attempt int) error {
	return func(ctx context.Context, attempt int) error {
		var b [4]byte
		if _, err := io.ReadFull(entropy, b[:]); err != nil {
			return fmt.Errorf("chance: %w", err)
		}
		most := 2 * time.Millisecond << min(attempt, 6)
		t := time.NewTimer(most * time.Duration(binary.BigEndian.Uint32(b[:])) >> 32)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		}
	}
}

// linkKeys reads the versions of the link key when a link is first made or opened.
func (x *Product) linkKeys() func(ctx context.Context) ([]link.Key, error) {
	return Once(func(ctx context.Context) ([]link.Key, error) {
		raw, err := x.ReadSecret(ctx, "LINK_KEY_SECRET")
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

// ReadSecret answers the secret that this name of the environment refers to. An empty one is an error.
func (x *Product) ReadSecret(ctx context.Context, name string) (string, error) {
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

// Once keeps the first success; a failure is tried again the next time.
func Once[T any](make func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	return For(0, nil, make)
}

// For is Once, but makes anew what is older than keep by now: a secret that is being changed is noticed by functions that
// go on running. A keep of zero keeps for ever.
func For[T any](keep time.Duration, now func() time.Time, make func(ctx context.Context) (T, error)) func(ctx context.Context) (T, error) {
	var mu sync.Mutex
	var got *T
	var until time.Time
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if got != nil && (keep == 0 || now().Before(until)) {
			return *got, nil
		}
		v, err := make(ctx)
		if err == nil {
			got = &v
			if keep > 0 {
				until = now().Add(keep)
			}
		}
		return v, err
	}
}

// Clients shows contacts to documents.
type Clients struct{ Contacts *contact.Service }

// Client answers what a document needs of a contact.
func (c Clients) Client(ctx context.Context, contactID string) (sale.Client, error) {
	who, err := c.Contacts.Get(ctx, contactID)
	if err != nil {
		return sale.Client{}, err
	}
	to, err := c.Contacts.Recipient(ctx, who.ID, contact.Invoices)
	if err != nil {
		return sale.Client{}, err
	}
	decides, err := c.Contacts.Recipient(ctx, who.ID, contact.Estimates)
	if err != nil {
		return sale.Client{}, err
	}
	out := sale.Client{
		ContactID: who.ID, Locale: who.Locale, Currency: who.Currency, Archived: !who.ArchivedAt.IsZero(), To: sale.Addressee{Name: to.Name, Email: to.Email},
		Decides: sale.Addressee{Name: decides.Name, Email: decides.Email},
		Party:   sale.Party{Name: who.Name, Company: who.Company, Address: who.Address.Lines(), TaxID: who.TaxID, Email: to.Email},
	}
	for _, r := range who.Recipients() {
		if r.Email != "" {
			out.All = append(out.All, sale.Addressee{Name: r.Name, Email: r.Email})
		}
	}
	if len(who.Phones) > 0 {
		out.Phone = who.Phones[0].Number
	}
	return out, nil
}
