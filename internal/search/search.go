// Package search finds anything of the organisation from one line of text: contacts by their names, addresses and
// telephone numbers, documents by number, amount, or whose they are.
//
// The index of terms only proposes; every thing is loaded and looked at before it is answered.
package search

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"onebook/internal/contact"
	"onebook/internal/estimate"
	"onebook/internal/fault"
	"onebook/internal/find"
	"onebook/internal/invoice"
	"onebook/internal/money"
	"onebook/internal/order"
	"onebook/internal/store"
)

// Order is the kind of an order that is found; the others are those of package find.
const Order = "order"

// Found is one thing that a search answers.
type Found struct {
	Kind      string // find.Contact, find.Estimate, find.Invoice, Order
	ID        string
	ContactID string // whose it is
	Title     string // the contact's name, for a document too
	Number    string // of a document; of an order that of its estimate
	State     string
	Currency  string
	Amount    int64     // minor units: a document's total
	At        time.Time // when it was made
	Because   string    // what was found: name, number, amount
}

// Service searches.
type Service struct {
	Table    store.Table
	Contacts *contact.Service
}

// The stages of a search, in the order in which they are answered; a cursor begins with its stage.
const (
	byName   = "n"
	byNumber = "d"
	byAmount = "a"
)

var stages = []string{byName, byNumber, byAmount}

// Limits of what follows a contact that was found by its name.
const (
	fewContacts = 5 // with more on a page they come alone
	newest      = 3 // documents of each kind
)

// Find answers what text finds: contacts as [contact.Service.Named] finds them, each of a few followed by its newest
// documents, then documents whose number begins with text, then those over an amount that begins with it, written in
// any of the usual ways ("1190", "1,190.00", "1.190,00 €"). A page may hold fewer than limit and still have a cursor.
func (s *Service) Find(ctx context.Context, text string, limit int, cursor string) ([]Found, string, error) {
	stage, at := byName, ""
	if cursor != "" {
		var ok bool
		if stage, at, ok = strings.Cut(cursor, ":"); !ok {
			return nil, "", store.ErrBadCursor
		}
	}
	text = strings.TrimSpace(text)
	var out []Found
	for n := slices.Index(stages, stage); n >= 0; n++ {
		var found []Found
		var err error
		switch stages[n] {
		case byName:
			found, at, err = s.named(ctx, text, limit-len(out), at)
		case byNumber:
			found, at, err = s.numbered(ctx, text, limit-len(out), at)
		case byAmount:
			found, at, err = s.amounting(ctx, text, limit-len(out), at)
		}
		switch out = append(out, found...); {
		case err != nil:
			return nil, "", err
		case at != "":
			return out, stages[n] + ":" + at, nil
		case n == len(stages)-1:
			return out, "", nil
		case len(out) == limit:
			return out, stages[n+1] + ":", nil
		}
	}
	return nil, "", store.ErrBadCursor
}

func (s *Service) named(ctx context.Context, text string, limit int, cursor string) ([]Found, string, error) {
	if text == "" {
		return nil, "", nil
	}
	cs, cursor, err := s.Contacts.Named(ctx, contact.Active, text, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	var out []Found
	for _, c := range cs {
		out = append(out, Found{Kind: find.Contact, ID: c.ID, ContactID: c.ID, Title: c.Name, State: string(contact.Active), At: c.CreatedAt, Because: "name"})
		if len(cs) > fewContacts || len(out)+3*newest > limit {
			continue
		}
		docs, err := s.newest(ctx, c)
		if err != nil {
			return nil, "", err
		}
		out = append(out, docs...)
	}
	return out, cursor, nil
}

// newest answers the newest documents of a contact and of those merged into it.
func (s *Service) newest(ctx context.Context, c contact.Contact) ([]Found, error) {
	var out []Found
	family, err := s.Contacts.Records.Family(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	is, _, err := invoice.List(ctx, s.Table, invoice.Filter{Contacts: family}, newest, "")
	if err != nil {
		return nil, err
	}
	for _, i := range is {
		out = append(out, ofInvoice(i, c.Name, "name"))
	}
	es, _, err := estimate.List(ctx, s.Table, "", family, newest, "")
	if err != nil {
		return nil, err
	}
	for _, e := range es {
		out = append(out, ofEstimate(e, c.Name, "name"))
	}
	return out, nil
}

func ofInvoice(i invoice.Invoice, who, because string) Found {
	return Found{
		Kind: find.Invoice, ID: i.ID, ContactID: i.ContactID, Title: who, Number: i.Number, State: string(i.State), Currency: i.Body.Currency,
		Amount: i.Body.Totals.Total, At: i.CreatedAt, Because: because,
	}
}

func ofEstimate(e estimate.Estimate, who, because string) Found {
	return Found{
		Kind: find.Estimate, ID: e.ID, ContactID: e.ContactID, Title: who, Number: e.Number, State: string(e.State), Currency: e.Body.Currency,
		Amount: e.Body.Totals.Total, At: e.CreatedAt, Because: because,
	}
}

func ofOrder(o order.Order, who, because string) Found {
	return Found{
		Kind: Order, ID: o.ID, ContactID: o.ContactID, Title: who, Number: o.Title, State: string(o.State), Currency: o.Body.Currency,
		Amount: o.Total(), At: o.CreatedAt, Because: because,
	}
}

func (s *Service) numbered(ctx context.Context, text string, limit int, cursor string) ([]Found, string, error) {
	term := find.Fold(text)
	return s.documents(ctx, term, limit, cursor, func(f Found) bool {
		return strings.HasPrefix(find.Fold(f.Number), term)
	}, "number")
}

func (s *Service) amounting(ctx context.Context, text string, limit int, cursor string) ([]Found, string, error) {
	minor, readings := amounts(text)
	if minor == 0 {
		return nil, "", nil
	}
	return s.documents(ctx, find.Amount(minor), limit, cursor, func(f Found) bool {
		return slices.ContainsFunc(readings, func(r string) bool { return strings.HasPrefix(money.Format(f.Amount, f.Currency), r) })
	}, "amount")
}

// documents answers what a page of terms with this beginning leads to, as far as fits.
func (s *Service) documents(ctx context.Context, term string, limit int, cursor string, fits func(Found) bool, because string) ([]Found, string, error) {
	if term == "" {
		return nil, "", nil
	}
	// An estimate is followed by its order, so a page takes half as many terms.
	hits, cursor, err := find.Beginning(ctx, s.Table, term, max(1, limit/2), cursor)
	if err != nil {
		return nil, "", err
	}
	var out []Found
	for _, h := range hits {
		found, err := s.load(ctx, h, because)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		for _, f := range found {
			if fits(f) && len(out) < limit {
				out = append(out, f)
			}
		}
	}
	return out, cursor, nil
}

// load answers the document that a term leads to, an estimate with the order made of it.
func (s *Service) load(ctx context.Context, h find.Hit, because string) ([]Found, error) {
	switch h.Kind {
	case find.Invoice:
		i, err := invoice.Get(ctx, s.Table, h.ID)
		if err != nil {
			return nil, err
		}
		who, err := s.name(ctx, i.ContactID)
		return []Found{ofInvoice(i, who, because)}, err
	case find.Estimate:
		e, err := estimate.Get(ctx, s.Table, h.ID)
		if err != nil {
			return nil, err
		}
		who, err := s.name(ctx, e.ContactID)
		if err != nil || e.OrderID == "" {
			return []Found{ofEstimate(e, who, because)}, err
		}
		o, err := order.Get(ctx, s.Table, e.OrderID)
		return []Found{ofEstimate(e, who, because), ofOrder(o, who, because)}, err
	}
	return nil, nil
}

func (s *Service) name(ctx context.Context, contactID string) (string, error) {
	c, err := s.Contacts.Get(ctx, contactID)
	return c.Name, err
}

// written is an amount with what may stand around it: a sign, a currency's sign or code.
var written = regexp.MustCompile(`^[-−]?(?:[A-Z]{3}|[€$£¥₩])?[\s\x{a0}\x{202f}]*[-−]?(\d[\d.,'’\s\x{a0}\x{202f}]*)(?:[A-Z]{3}|[€$£¥₩])?$`)

// amounts reads a text as an amount: its digits as minor units, and how it reads in major units with a point. A last
// group of three digits may be thousands or the fraction of a currency that has three, so there may be two readings. Zero
// when it is no amount.
func amounts(text string) (minor int64, readings []string) {
	m := written.FindStringSubmatch(text)
	if m == nil {
		return 0, nil
	}
	groups := strings.FieldsFunc(m[1], func(r rune) bool { return strings.ContainsRune(".,'’ \u00a0\u202f", r) })
	minor, err := strconv.ParseInt(strings.Join(groups, ""), 10, 64)
	if err != nil || minor < 0 {
		return 0, nil
	}
	whole := strconv.FormatInt(minor, 10)
	last := groups[len(groups)-1]
	parted := strings.TrimLeft(strings.Join(groups[:len(groups)-1], ""), "0") + "." + last
	if parted[0] == '.' {
		parted = "0" + parted
	}
	switch {
	case len(groups) == 1:
		return minor, []string{whole}
	case len(last) == 3:
		return minor, []string{whole, parted}
	}
	return minor, []string{parted}
}
