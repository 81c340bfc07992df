// Package document prints a frozen document, an estimate, invoice or credit note, as its one PDF.
//
// A Paper holds everything the PDF shows, and Render depends on nothing else: the same Paper gives the same bytes, on
// any day and any machine, so that the stored file can be checked against its hash. What changes the bytes of issued
// documents (a measure, a word, a font) is a new layout version; old ones keep rendering as they did.
//
// Amounts are int64 minor units of the Paper's currency and are printed as given: nothing is computed here but the
// sums carried from page to page. Texts may hold any Unicode: Hebrew and Arabic run from right to left, Arabic letters
// join; control characters and overrides of the direction are dropped; what no font of ours draws, such as Chinese or
// emoji, is named by its number, [U+4E2D]. Only this package knows fpdf.
//
// Layout 1 drew everything from left to right and a box for what it had no glyph of.
package document

import (
	"net/url"
	"strings"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
)

// Layout is the version that new Papers get.
const Layout = 2

// Kind says which document a Paper is; it decides the words.
type Kind string

// The documents there are.
const (
	Estimate   Kind = "estimate"
	Invoice    Kind = "invoice"
	CreditNote Kind = "credit_note"
)

// Paper is a document as it was frozen when it was issued. What is zero is not shown.
type Paper struct {
	Layout   int    `json:"layout"`
	Kind     Kind   `json:"kind"`
	Title    string `json:"title,omitempty"` // the word on top; empty is the kind's own word in the locale
	Number   string `json:"number"`
	Locale   string `json:"locale"`   // BCP 47; de and its regions read German, all others English
	Currency string `json:"currency"` // ISO 4217

	IssuedOn    civil.Date `json:"issuedOn"`
	DueOn       civil.Date `json:"dueOn,omitzero"`
	ValidUntil  civil.Date `json:"validUntil,omitzero"`
	ServiceFrom civil.Date `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date `json:"serviceTo,omitzero"` // zero, or the same day: one date instead of a period

	Seller Seller `json:"seller"`
	Client Client `json:"client"`

	Lines         []Line       `json:"lines"`
	PricesWithTax bool         `json:"pricesWithTax,omitempty"` // unit prices include tax; Net never does
	Subtotal      int64        `json:"subtotal"`
	Allowances    []Adjustment `json:"allowances,omitempty"` // amounts as they are taken off, so positive
	Charges       []Adjustment `json:"charges,omitempty"`
	Taxes         []Tax        `json:"taxes,omitempty"`
	Total         int64        `json:"total"`
	Withheld      int64        `json:"withheld,omitempty"`
	Paid          int64        `json:"paid,omitempty"`
	Due           int64        `json:"due"`

	Reference      string       `json:"reference,omitempty"`      // what the client quotes when paying
	BuyerReference string       `json:"buyerReference,omitempty"` // the client's own, e.g. an order number
	Refers         string       `json:"refers,omitempty"`         // the number of the document that this one amends
	Reasons        []string     `json:"reasons,omitempty"`        // why a tax is not charged, and such
	Instalments    []Instalment `json:"instalments,omitempty"`
	Notes          string       `json:"notes,omitempty"`
	Terms          string       `json:"terms,omitempty"`
	PayURL         string       `json:"payURL,omitempty"`        // the client's link: a clickable text and a QR code
	Transfer       *Transfer    `json:"transfer,omitempty"`      // how to pay by bank; of an invoice with something due
	PurchaseOrder  string       `json:"purchaseOrder,omitempty"` // the client's, by number
	Footer         string       `json:"footer,omitempty"`        // registration, bank and such, on every page
}

// Instalment is a part of what is due, and the day it is due on.
type Instalment struct {
	Amount int64      `json:"amount"`
	DueOn  civil.Date `json:"dueOn"`
}

// Seller is who issues the document.
type Seller struct {
	Name    string   `json:"name"`
	Address []string `json:"address,omitempty"`
	TaxID   string   `json:"taxId,omitempty"`
	Email   string   `json:"email,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Website string   `json:"website,omitempty"`
	Accent  string   `json:"accent,omitempty"` // #rrggbb; darkened as far as reading it on white takes
	// Logo is what FlattenLogo answered. It is too large for an item and is kept beside it. One that cannot be read
	// gives way to the name.
	Logo []byte `json:"-"`
}

// Client is for whom the document is.
type Client struct {
	Name    string   `json:"name"`
	Company string   `json:"company,omitempty"`
	Address []string `json:"address,omitempty"`
	TaxID   string   `json:"taxId,omitempty"`
}

// Transfer is the account that a client pays to.
type Transfer struct {
	Holder    string `json:"holder"`
	IBAN      string `json:"iban"`
	BIC       string `json:"bic,omitempty"`
	Bank      string `json:"bank,omitempty"`
	Reference string `json:"reference"`
	Code      string `json:"code,omitempty"` // what a QR code for banking apps holds
}

// Line is one row of the table.
type Line struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Quantity    money.Decimal `json:"quantity,omitzero"`
	Unit        string        `json:"unit,omitempty"`
	UnitPrice   money.Decimal `json:"unitPrice,omitzero"`
	Discount    string        `json:"discount,omitempty"`
	Net         int64         `json:"net"`
	Tax         string        `json:"tax,omitempty"` // a short label, e.g. "19 %"
	ServiceFrom civil.Date    `json:"serviceFrom,omitzero"`
	ServiceTo   civil.Date    `json:"serviceTo,omitzero"`
}

// Adjustment is an allowance or a charge on the whole document.
type Adjustment struct {
	Label  string `json:"label"`
	Amount int64  `json:"amount"`
}

// Tax is one row of the tax breakdown.
type Tax struct {
	Label    string        `json:"label"`              // e.g. "VAT" or "MwSt."
	Category string        `json:"category,omitempty"` // UNCL 5305; for machines, not printed
	Rate     money.Decimal `json:"rate,omitzero"`      // per cent
	Taxable  int64         `json:"taxable"`
	Tax      int64         `json:"tax"`
	Withheld bool          `json:"withheld,omitempty"` // the client keeps it back: shown below the total, as a minus
}

func (p *Paper) check() error {
	if p.Layout < 1 || p.Layout > Layout {
		return fault.Invalid.Errorf("document %s asks for layout %d; this program knows layouts up to %d", p.Number, p.Layout, Layout)
	}
	if p.Kind != Estimate && p.Kind != Invoice && p.Kind != CreditNote {
		return fault.Invalid.Errorf("%.40q is no kind of document: use %s, %s or %s", p.Kind, Estimate, Invoice, CreditNote)
	}
	if p.IssuedOn.IsZero() {
		return fault.Invalid.Errorf("document %s has no date of issue, which every page and the file itself are dated by", p.Number)
	}
	if _, err := money.Exponent(p.Currency); err != nil {
		return err
	}
	if p.PayURL != "" && webLink(p.PayURL) == "" {
		return fault.Invalid.Errorf("the link on document %s must be a plain http or https address", p.Number)
	}
	return nil
}

// webLink answers an address that may stand in a PDF, or nothing. A PDF viewer follows javascript: and file: too.
func webLink(s string) string {
	if len(s) > 1000 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return s
}

// website answers the link behind what a seller typed as website: "studio-nord.example" is a host without scheme.
func website(s string) string {
	if link := webLink(s); link != "" {
		return link
	}
	host, _, _ := strings.Cut(s, "/")
	if strings.Contains(host, ".") && !strings.Contains(host, ":") {
		return webLink("https://" + s)
	}
	return ""
}

// mailLink answers the link behind an e-mail address, or nothing when it holds more than an address.
func mailLink(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || !strings.Contains(domain, ".") || len(s) > 254 ||
		strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`?&#%:"<>()\,;@`, r) && r != '@' }) ||
		strings.Contains(domain, "@") {
		return ""
	}
	return "mailto:" + s
}
