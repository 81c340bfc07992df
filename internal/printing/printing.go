// Package printing makes the one PDF of an issued document and keeps it for ever.
//
// The effect that an issue leaves behind ends here: the frozen invoice becomes a [document.Paper], is rendered, and
// is stored under its id and revision, by the first writer and nobody after. Whoever comes second takes what lies there. The
// hash and version of the object go to the invoice's track, with a pointer by which anybody can ask for it by its hash.
package printing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/document"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/sale"
	"onebook/internal/store"
	"onebook/internal/totals"
)

// Blobs is where documents lie.
type Blobs interface {
	// PutOnce stores body unless the key holds something; then it answers fault.Exists.
	PutOnce(ctx context.Context, key string, body []byte, contentType string) (version string, err error)
	// Get reads the newest version, or the one named.
	Get(ctx context.Context, key, version string) (body []byte, got string, err error)
	// PutAgain stores body under a key whatever it holds, and answers the new version.
	PutAgain(ctx context.Context, key string, body []byte, contentType string) (version string, err error)
}

// Printer prints.
type Printer struct {
	Table   store.Table
	Records *activity.Records
	Blobs   Blobs
	Links   *link.Service
	Now     func() time.Time
}

// Key is where the PDF of a document's revision lies.
func Key(documentID string, revision int) string {
	return fmt.Sprintf("documents/%s/%d.pdf", documentID, revision)
}

// Invoice plans the effect that prints an invoice.
func (p *Printer) Invoice(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	i, err := invoice.Get(ctx, p.Table, e.Subject)
	if err != nil {
		return effect.Plan{}, err
	}
	tr, err := invoice.GetTrack(ctx, p.Table, i)
	if err != nil {
		return effect.Plan{}, err
	}
	if tr.PDF != nil {
		return effect.Plan{Skip: "it is there already"}, nil
	}
	var made invoice.PDF
	return effect.Plan{
		Call: func(ctx context.Context) (string, error) {
			made, err = p.make(ctx, i)
			return made.SHA256, err
		},
		Done: func(ctx context.Context, _ string, ops ...store.Op) error { return p.done(ctx, i, made, ops) },
	}, nil
}

func (p *Printer) make(ctx context.Context, i invoice.Invoice) (invoice.PDF, error) {
	if i.Frozen == nil {
		return invoice.PDF{}, fmt.Errorf("invoice %s is not frozen", i.ID)
	}
	var logo []byte
	if i.Frozen.Look.Logo != "" {
		var err error
		if logo, _, err = p.Blobs.Get(ctx, i.Frozen.Look.Logo, ""); err != nil && !errors.Is(err, fault.NotFound) {
			return invoice.PDF{}, err
		}
	}
	url, err := p.Links.URL(ctx, link.Link{ID: i.LinkID, Scope: link.Invoice})
	if err != nil {
		return invoice.PDF{}, err
	}
	pdf, lacking, err := document.Render(Paper(i, url, logo))
	if err != nil {
		return invoice.PDF{}, err
	}
	key := Key(i.ID, 1)
	version, err := p.Blobs.PutOnce(ctx, key, pdf, "application/pdf")
	if errors.Is(err, fault.Exists) {
		pdf, version, err = p.Blobs.Get(ctx, key, "")
	}
	if err != nil {
		return invoice.PDF{}, err
	}
	sum := sha256.Sum256(pdf)
	return invoice.PDF{Key: key, SHA256: hex.EncodeToString(sum[:]), Bytes: len(pdf), Version: version, ReadyAt: p.Now().UTC(), Lacking: lacking}, nil
}

func (p *Printer) done(ctx context.Context, i invoice.Invoice, made invoice.PDF, ops []store.Op) error {
	by := member.Automaton(member.Printer)
	_, err := p.Records.Do(ctx, by, activity.ContactChain(i.ContactID), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		tr, err := invoice.GetTrack(ctx, p.Table, i)
		if err != nil {
			return nil, err
		}
		d := &activity.Deed{Kind: "document.made", Subject: i.ID, Refs: map[string]string{"sha256": made.SHA256}, Text: "Made the PDF of invoice " + i.Number + lacking(made.Lacking), Ops: ops}
		if tr.PDF == nil {
			tr.PDF = &made
			op, err := tr.Put(i)
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal(map[string]string{"id": i.ID})
			if err != nil {
				return nil, fmt.Errorf("pointer: %w", err)
			}
			pointer := store.Put(store.Item{Key: store.Key{PK: "U#sha256#" + made.SHA256, SK: "U"}, Kind: "guard", Body: body})
			d.Ops = append(append([]store.Op(nil), ops...), op, pointer)
		}
		return d, nil
	})
	return err
}

// lacking says in the timeline which characters stand on the document as numbers.
func lacking(characters []string) string {
	switch n := len(characters); {
	case n == 0:
		return ""
	case n > 10:
		return fmt.Sprintf("; %d characters that our fonts lack stand on it as numbers, the first as %s", n, characters[0])
	}
	return "; our fonts lack " + strings.Join(characters, ", ") + ", which stand on it as these numbers"
}

// Paper is what an issued invoice looks like.
func Paper(i invoice.Invoice, payURL string, logo []byte) document.Paper {
	f, t := i.Frozen, i.Body.Totals
	body := supplied(i.Body, i.IssuedOn)
	from, to := body.Service()
	if !from.IsZero() {
		body = i.Body // one date for the whole document stands in its head
	}
	p := document.Paper{
		Layout: f.Layout, Kind: document.Invoice, Number: i.Number, Locale: f.Locale, Currency: i.Body.Currency,
		IssuedOn: i.IssuedOn, DueOn: i.DueOn, ServiceFrom: from, ServiceTo: to,
		Seller: document.Seller{
			Name: f.Seller.Name, Address: f.Seller.Address, TaxID: f.Seller.TaxID, Email: f.Seller.Email, Phone: f.Seller.Phone,
			Website: f.Seller.Website, Accent: f.Look.Accent, Logo: logo,
		},
		Client:        document.Client{Name: f.Client.Name, Company: f.Client.Company, Address: f.Client.Address, TaxID: f.Client.TaxID},
		PricesWithTax: i.Body.PricesIncludeTax, Subtotal: t.Subtotal, Total: t.Total, Withheld: t.Withheld, Paid: t.Prepaid,
		Due: t.Payable, Reference: i.Number, Notes: i.Body.Notes, Terms: f.Look.Terms, PayURL: payURL, Footer: f.Look.Footer, PurchaseOrder: i.Body.PurchaseOrder,
	}
	if t := f.Transfer(i.Number, t.Payable, i.Body.Currency); t != nil {
		p.Reference = t.Reference
		p.Transfer = &document.Transfer{Holder: t.Holder, IBAN: t.IBAN, BIC: t.BIC, Bank: t.Bank, Reference: t.Reference, Code: t.EPC}
	}
	for _, l := range body.Lines {
		p.Lines = append(p.Lines, line(l, f))
	}
	words := wordsOf(f.Locale)
	if t.Allowances != 0 {
		p.Allowances = append(p.Allowances, document.Adjustment{Label: words.allowances, Amount: t.Allowances})
	}
	if t.Charges != 0 {
		p.Charges = append(p.Charges, document.Adjustment{Label: words.charges, Amount: t.Charges})
	}
	for _, x := range t.Taxes {
		p.Taxes = append(p.Taxes, document.Tax{
			Label: words.tax(x.Name), Category: x.Category, Rate: x.Rate, Taxable: x.Taxable, Tax: x.Tax, Withheld: x.Withheld,
		})
	}
	p.Reasons = reasons(i.Body, words)
	return p
}

// supplied gives the lines without a date of supply the day of issue, which is theirs (rules.md §11).
func supplied(b sale.Body, issued civil.Date) sale.Body {
	b.Lines = slices.Clone(b.Lines)
	for n := range b.Lines {
		if l := &b.Lines[n]; l.ServiceDate.IsZero() && l.ServiceFrom.IsZero() {
			l.ServiceDate = issued
		}
	}
	return b
}

func line(l sale.Line, f *sale.Frozen) document.Line {
	from, to := l.ServiceFrom, l.ServiceTo
	if !l.ServiceDate.IsZero() {
		from, to = l.ServiceDate, l.ServiceDate
	}
	out := document.Line{
		Name: l.Name, Description: l.Description, Quantity: l.Quantity, Unit: unit(l.Unit, l.Quantity, f), UnitPrice: l.UnitPrice, Net: l.Net,
		ServiceFrom: from, ServiceTo: to,
	}
	for _, x := range l.Taxes {
		if x.Withheld || x.Rate.Sign() == 0 {
			continue
		}
		if out.Tax != "" {
			out.Tax += " + "
		}
		out.Tax += x.Rate.Trim().String() + " %"
	}
	if l.Discount != nil {
		switch {
		case l.Discount.Amount.Given():
			out.Discount = "−" + l.Discount.Amount.String()
		case l.Discount.Percent.Given():
			out.Discount = "−" + l.Discount.Percent.Trim().String() + " %"
		}
	}
	return out
}

// reasons are the sentences that the law wants where no tax is charged, each once.
func reasons(b sale.Body, words words) []string {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, l := range b.Lines {
		add(l.Reason)
		for _, t := range l.Taxes {
			if l.Reason == "" {
				add(words.reason[t.Category])
			}
		}
	}
	return out
}

type words struct {
	allowances, charges, vat string
	reason                   map[string]string // by category, when nobody gave one
}

// tax names a tax: VAT has a word of its own in each language, others keep their name.
func (w words) tax(name string) string {
	if name == "" || name == "VAT" {
		return w.vat
	}
	return name
}

func wordsOf(locale string) words {
	if len(locale) >= 2 && locale[:2] == "de" {
		return words{allowances: "Nachlass", charges: "Zuschlag", vat: "USt.", reason: map[string]string{
			totals.ReverseCharge: "Steuerschuldnerschaft des Leistungsempfängers", totals.IntraEU: "Steuerfreie innergemeinschaftliche Lieferung",
			totals.Export: "Steuerfreie Ausfuhrlieferung", totals.Exempt: "Umsatzsteuerfrei", totals.OutsideScope: "Nicht steuerbar",
		}}
	}
	return words{allowances: "Discount", charges: "Surcharge", vat: "VAT", reason: map[string]string{
		totals.ReverseCharge: "Reverse charge", totals.IntraEU: "Intra-community supply, exempt from VAT",
		totals.Export: "Export, exempt from VAT", totals.Exempt: "Exempt from VAT", totals.OutsideScope: "Outside the scope of VAT",
	}}
}
