// Package contact is the people and companies of the organisation, one record each, money included.
//
// A contact is found by what identifies it, in this order: an external id, an e-mail address of its own, a telephone
// number behind a name gate ([Service.Match]). A name alone never identifies anybody. Addresses of one's own and
// external ids are unique over all contacts: a guard item for each is written in the transaction that writes the contact,
// so two people who enter the same client at one moment get one contact and one refusal that names it.
//
// What people edit is one versioned item, its version being the revision that If-Match compares. What deeds move, balance
// and credit above all, lies in the head that package activity keeps beside it.
//
// Two contacts that are one are proposed with evidence ([Service.Duplicates]) and merged by a person ([Service.Merge]). A merge
// moves nothing: the head of the one leads to the other, which takes over what identifies it, and all that is asked of
// either is the union over both. So it can be undone ([Service.Undo]).
package contact

import (
	"time"

	"onebook/internal/org"
)

// Kinds of contact.
const (
	Person  = "person"
	Company = "company" // one contact, one balance; its people carry keys of their own (C17)
)

// Uses of an e-mail address.
const (
	Own    = "own"    // one contact's alone: unique, and it matches
	Shared = "shared" // of several people: it never links alone and is not guarded
)

// What a person of a company is sent.
const (
	Invoices  = "invoices"
	Estimates = "estimates"
	Visits    = "visits"
)

// Email is one address as it is read.
type Email struct {
	Address    string    `json:"address"` // as typed, without display name
	Use        string    `json:"use"`
	Key        string    `json:"key"` // the match key, see [Key]
	VerifiedAt time.Time `json:"verifiedAt,omitzero"`
}

// Phone is one number as it is read.
type Phone struct {
	Number string `json:"number"` // as typed
	E164   string `json:"e164"`   // empty when it cannot be known: not valid, or national without a country
	Valid  bool   `json:"valid"`

	National string `json:"-"` // digits as dialled within the country, by which it is found; empty when it is not valid
}

// Human is one of a company's people.
type Human struct {
	Name     string   `json:"name"`
	Role     string   `json:"role,omitempty"`
	Emails   []Email  `json:"emails"`
	Phones   []Phone  `json:"phones"`
	Receives []string `json:"receives,omitempty"` // Invoices, Estimates, Visits
}

// Balance is what a contact owes and has in hand in one currency, minor units. Currencies are never added up.
type Balance struct {
	Currency string `json:"currency"`
	Due      int64  `json:"due"`
	Credit   int64  `json:"credit"`
}

// Contact is one person or company.
type Contact struct {
	ID          string            `json:"id"` // ct_…
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	GivenName   string            `json:"givenName,omitempty"`
	FamilyName  string            `json:"familyName,omitempty"`
	Company     string            `json:"company,omitempty"`
	Emails      []Email           `json:"emails"`
	Phones      []Phone           `json:"phones"`
	Address     org.Address       `json:"address,omitzero"`
	TaxID       string            `json:"taxId,omitempty"`
	TimeZone    string            `json:"timeZone,omitempty"` // IANA; empty: the organisation's
	Locale      string            `json:"locale,omitempty"`   // BCP 47; empty: the organisation's
	Currency    string            `json:"currency,omitempty"` // ISO 4217; empty: the organisation's
	Tags        []string          `json:"tags,omitempty"`
	Source      string            `json:"source,omitempty"`      // where it came from
	ExternalIDs map[string]string `json:"externalIds,omitempty"` // system → id there
	Custom      map[string]string `json:"custom,omitempty"`
	People      []Human           `json:"people,omitempty"`
	Balance     []Balance         `json:"balance"` // by currency, empty when nothing is owed or in hand
	ArchivedAt  time.Time         `json:"archivedAt,omitzero"`
	CreatedAt   time.Time         `json:"createdAt"`
	UpdatedAt   time.Time         `json:"updatedAt"`

	version int64
	seq     int64
}

// Version is the revision that was read: the If-Match version.
func (c Contact) Version() int64 { return c.version }

// Seq is the sequence of the head that was read: the part of the ETag behind the dot.
func (c Contact) Seq() int64 { return c.seq }

// EmailInput is an address as a person types it. An empty Use is Own, except for role addresses such as info@ and
// for placeholders, which are Shared.
type EmailInput struct {
	Address string `json:"address"`
	Use     string `json:"use,omitempty"`
}

// PhoneInput is a number as a person types it; a national one is read in the country of the contact's address, without
// one in the organisation's.
type PhoneInput struct {
	Number string `json:"number"`
}

// HumanInput is one of a company's people, as typed.
type HumanInput struct {
	Name     string       `json:"name"`
	Role     string       `json:"role,omitempty"`
	Emails   []EmailInput `json:"emails,omitempty"`
	Phones   []PhoneInput `json:"phones,omitempty"`
	Receives []string     `json:"receives,omitempty"`
}

// Input is what people edit of a contact, all of it: what is left out is empty.
type Input struct {
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	GivenName   string            `json:"givenName,omitempty"`
	FamilyName  string            `json:"familyName,omitempty"`
	Company     string            `json:"company,omitempty"`
	Emails      []EmailInput      `json:"emails,omitempty"`
	Phones      []PhoneInput      `json:"phones,omitempty"`
	Address     org.Address       `json:"address,omitzero"`
	TaxID       string            `json:"taxId,omitempty"`
	TimeZone    string            `json:"timeZone,omitempty"`
	Locale      string            `json:"locale,omitempty"`
	Currency    string            `json:"currency,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Source      string            `json:"source,omitempty"`
	ExternalIDs map[string]string `json:"externalIds,omitempty"`
	Custom      map[string]string `json:"custom,omitempty"`
	People      []HumanInput      `json:"people,omitempty"`
}

// Input answers the editable form of a contact, for a patch to be applied to.
func (c Contact) Input() Input {
	in := Input{
		Kind: c.Kind, Name: c.Name, GivenName: c.GivenName, FamilyName: c.FamilyName, Company: c.Company,
		Emails: emailInputs(c.Emails), Phones: phoneInputs(c.Phones), Address: c.Address, TaxID: c.TaxID, TimeZone: c.TimeZone,
		Locale: c.Locale, Currency: c.Currency, Tags: c.Tags, Source: c.Source, ExternalIDs: c.ExternalIDs, Custom: c.Custom,
	}
	for _, h := range c.People {
		in.People = append(in.People, HumanInput{
			Name: h.Name, Role: h.Role, Emails: emailInputs(h.Emails), Phones: phoneInputs(h.Phones), Receives: h.Receives,
		})
	}
	return in
}

func emailInputs(es []Email) []EmailInput {
	var out []EmailInput
	for _, e := range es {
		out = append(out, EmailInput{Address: e.Address, Use: e.Use})
	}
	return out
}

func phoneInputs(ps []Phone) []PhoneInput {
	var out []PhoneInput
	for _, p := range ps {
		out = append(out, PhoneInput{Number: p.Number})
	}
	return out
}

// allEmails are the addresses of the contact and of its people.
func (c *Contact) allEmails() []Email {
	out := append([]Email(nil), c.Emails...)
	for _, h := range c.People {
		out = append(out, h.Emails...)
	}
	return out
}

// allPhones are the numbers of the contact and of its people.
func (c *Contact) allPhones() []Phone {
	out := append([]Phone(nil), c.Phones...)
	for _, h := range c.People {
		out = append(out, h.Phones...)
	}
	return out
}
