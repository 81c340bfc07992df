package sale

import (
	"context"
	"time"

	"onebook/internal/fault"
	"onebook/internal/org"
)

// Party is one side of a document, frozen when it is issued or sent.
type Party struct {
	Name    string   `json:"name"`
	Company string   `json:"company,omitempty"`
	Address []string `json:"address,omitempty"` // lines as on an envelope
	TaxID   string   `json:"taxId,omitempty"`
	Email   string   `json:"email,omitempty"`
	Phone   string   `json:"phone,omitempty"`
	Website string   `json:"website,omitempty"`
}

// Client is what a document needs of a contact.
type Client struct {
	Party
	ContactID string      // the one that owns the record, after a merge was followed
	Locale    string      // of the documents, en or de; empty: the organisation's
	Currency  string      // of new documents; empty: the organisation's
	To        Addressee   // who gets invoices and what belongs to them
	Decides   Addressee   // who gets estimates
	All       []Addressee // all who get invoices, To first; empty when there is no address
	Archived  bool        // nothing new is made for it until it is restored
}

// Addressee is where letters about money go; Email is empty when there is no address.
type Addressee struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
}

// Active answers fault.Unready for an archived contact.
func (c Client) Active() error {
	if c.Archived {
		return fault.Unready.Errorf("%s is archived; restore the contact first", c.Name)
	}
	return nil
}

// Clients knows the contacts. fault.NotFound when there is none.
type Clients interface {
	Client(ctx context.Context, contactID string) (Client, error)
}

// sentAgain is how long after a letter a second one for the same, unchanged document is a second click.
const sentAgain = time.Minute

// JustSent reports whether a document went out a moment ago and nothing happened to it since.
func JustSent(sent, updated, now time.Time) bool {
	return !sent.IsZero() && !updated.After(sent) && now.Sub(sent) < sentAgain
}

// Look is what makes a document the organisation's own.
type Look struct {
	Accent     string `json:"accent"`
	Logo       string `json:"logo,omitempty"`
	LogoSHA256 string `json:"logoSha256,omitempty"`
	Footer     string `json:"footer,omitempty"`
	Terms      string `json:"terms,omitempty"`
	TimeZone   string `json:"timeZone"`
}

// Frozen is what a document keeps of the world around it.
type Frozen struct {
	Layout int    `json:"layout"` // version of the page's layout
	Locale string `json:"locale"`
	Seller Party  `json:"seller"`
	Client Party  `json:"client"`
	Look   Look   `json:"look"`

	Bank *org.Bank `json:"bank,omitempty"` // where the client transfers to
}

// Layout is the current version of the page's layout: what is printed knows it as document.Layout.
const Layout = 2

// Freeze takes the picture.
func Freeze(set org.Settings, c Client) Frozen {
	locale := c.Locale
	if locale == "" {
		locale = set.Locale
	}
	return Frozen{
		Layout: Layout, Locale: locale, Client: c.Party, Bank: set.Bank,
		Seller: Party{
			Name: set.Name, Address: set.Address.Lines(), TaxID: set.TaxID, Email: set.Email, Phone: set.Phone, Website: set.Website,
		},
		Look: Look{
			Accent: set.Accent, Logo: set.Logo, LogoSHA256: set.LogoSHA256, Footer: set.Footer, Terms: set.PaymentTerms,
			TimeZone: set.TimeZone,
		},
	}
}
