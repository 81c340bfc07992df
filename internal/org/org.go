// Package org is the organisation itself: who it is, how it looks, how it counts and taxes.
//
// There is one organisation in a deployment. Its settings are one versioned item, and so is each tax rule. Documents
// never refer to any of this: what they need is frozen into them when they are issued, so that a new address or a new
// rate breaks nothing old.
package org

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/store"
)

// Address is a postal address; Country is ISO 3166-1 alpha-2.
type Address struct {
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city,omitempty"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country,omitempty"`
}

// Lines are the lines as an envelope shows them, without empty ones.
func (a Address) Lines() []string {
	var out []string
	for _, l := range []string{a.Line1, a.Line2, strings.TrimSpace(a.PostalCode + " " + a.City), a.Region, a.Country} {
		if l != "" {
			out = append(out, l)
		}
	}
	return out
}

// Numbering is how the numbers of each kind of document look. {year} is the year of issue, and a number that holds it
// begins at 1 each year; {n} is the counter, {n4} the counter with at least four digits.
type Numbering struct {
	Invoice  string `json:"invoice"`
	Estimate string `json:"estimate"`
}

// Settings are what owner, admin and billing edit.
type Settings struct {
	Name             string    `json:"name"`
	Address          Address   `json:"address"`
	TimeZone         string    `json:"timeZone"`
	Currency         string    `json:"currency"`
	Locale           string    `json:"locale"`
	TaxID            string    `json:"taxId,omitempty"`
	Email            string    `json:"email,omitempty"` // replies go there
	Phone            string    `json:"phone,omitempty"`
	Website          string    `json:"website,omitempty"`
	Accent           string    `json:"accent"`
	Logo             string    `json:"logo,omitempty"` // key of the flattened image in the bucket
	LogoSHA256       string    `json:"logoSha256,omitempty"`
	Footer           string    `json:"footer,omitempty"`
	Numbering        Numbering `json:"numbering"`
	DueDays          int       `json:"dueDays"`
	ValidDays        int       `json:"validDays"` // of estimates
	PricesIncludeTax bool      `json:"pricesIncludeTax,omitempty"`
	VoidSent         bool      `json:"voidSent,omitempty"` // a sent invoice may be voided; off by default
	OnlineMethods    []string  `json:"onlineMethods"`      // that payment pages offer, where the currency fits; card is among them
	PaymentTerms     string    `json:"paymentTerms,omitempty"`
	Bank             *Bank     `json:"bank,omitempty"`         // where clients transfer to
	Terms            Terms     `json:"terms,omitzero"`         // what clients agree to with an estimate
	VoidByTwo        bool      `json:"voidByTwo,omitempty"`    // voiding a sent invoice takes two persons
	SmallBalance     int64     `json:"smallBalance,omitempty"` // minor units of Currency: one person may write off as much
	KeepCredit       bool      `json:"keepCredit,omitempty"`   // credit waits for a person instead of paying the next invoice

	OnAcceptance      string        `json:"onAcceptance,omitempty"`     // of an estimate; empty is AcceptNothing
	AcceptanceDeposit money.Decimal `json:"acceptanceDeposit,omitzero"` // percent that is billed first; all unless given
	OnAcceptanceBy    *Switch       `json:"onAcceptanceBy,omitempty"`   // who switched on what it is now

	Slug           string `json:"slug,omitempty"`           // of public pages; empty: made of the name, see PublicSlug
	InquiryOwnerID string `json:"inquiryOwnerId,omitempty"` // the member who answers inquiries; empty: the owner
	RecordOwnerID  string `json:"recordOwnerId,omitempty"`  // the member who looks after the record's health: issues without an owner are theirs

	CustomFields []CustomField `json:"customFields,omitempty"` // of contacts
	DealStages   []Stage       `json:"dealStages,omitempty"`   // of open deals, in their order

	version int64
}

// What happens by itself when a client has accepted an estimate (product.md Q11).
const (
	AcceptNothing = "nothing"
	AcceptDraft   = "draft" // the order and the draft of its invoice
	AcceptIssue   = "issue" // and issue it
	AcceptSend    = "send"  // and send it
)

// Switch is who let an automation act, and when.
type Switch struct {
	MemberID string    `json:"memberId"`
	Name     string    `json:"name"`
	At       time.Time `json:"at"`
}

// Version is the version that was read: the If-Match version; 0 when nothing was ever saved.
func (s Settings) Version() int64 { return s.version }

// Defaults are what an organisation begins with.
func Defaults() Settings {
	return Settings{
		Name: "My organisation", TimeZone: "UTC", Currency: "USD", Locale: "en", Accent: "#1f5fbf",
		Numbering: Numbering{Invoice: "{year}-{n4}", Estimate: "E-{n4}"},
		DueDays:   14, ValidDays: 30, DealStages: DefaultStages(),
		OnlineMethods: slices.Clone(onlineMethods),
	}
}

// onlineMethods are the methods that can be offered, in the provider's words. All are, unless the organisation says otherwise.
var onlineMethods = []string{"card", "us_bank_account", "sepa_debit"}

// Service keeps the settings and the tax rules.
type Service struct {
	Table   store.Table
	Records *activity.Records
	IDs     id.Source
	Now     func() time.Time
	// StageInUse reports whether an open deal stands in a stage. Without it no stage can be taken away.
	StageInUse func(ctx context.Context, stage string) (bool, error)
}

// ItemKind is the kind of the settings' item.
const ItemKind = "settings"

var settingsKey = store.Key{PK: "ORG", SK: "SETTINGS"}

// Get reads the settings, the defaults when none were saved.
func (s *Service) Get(ctx context.Context) (Settings, error) {
	it, err := s.Table.Get(ctx, settingsKey)
	if errors.Is(err, fault.NotFound) {
		return Defaults(), nil
	}
	if err != nil {
		return Settings{}, err
	}
	out := Defaults()
	if err := json.Unmarshal(it.Body, &out); err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	out.version = it.Version
	return out, nil
}

// Today is the organisation's date at this moment.
func (s *Service) Today(ctx context.Context) (civil.Date, error) {
	set, err := s.Get(ctx)
	if err != nil {
		return civil.Date{}, err
	}
	return set.Today(s.Now())
}

// Today is the date at now in the organisation's zone.
func (s Settings) Today(now time.Time) (civil.Date, error) {
	zone, err := civil.Zone(s.TimeZone)
	if err != nil {
		return civil.Date{}, fmt.Errorf("settings: %w", err)
	}
	return civil.Today(now, zone), nil
}

// Update saves the settings. Tax, numbering and terms are for owner and billing; the rest for owner and admin.
// fault.Stale when version is not the stored one, fault.Invalid naming each wrong field.
func (s *Service) Update(ctx context.Context, by activity.By, version int64, next Settings) (Settings, error) {
	if err := next.check(); err != nil {
		return Settings{}, err
	}
	_, err := s.Records.Do(ctx, by, activity.OrgChain(s.Now()), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		old, err := s.Get(ctx)
		if err != nil {
			return nil, err
		}
		if old.version != version {
			return nil, fault.Stale.Errorf("the settings were changed meanwhile; read them again")
		}
		if next.Terms, err = next.Terms.After(old.Terms).Stated(); err != nil {
			return nil, err
		}
		if err := old.Terms.changed(next.Terms); err != nil {
			return nil, err
		}
		if err := s.keepStages(ctx, old, next); err != nil {
			return nil, err
		}
		changes, err := differences(old, next)
		if err != nil {
			return nil, err
		}
		if err := allowed(by, changes); err != nil {
			return nil, err
		}
		if len(changes) == 0 {
			next = old
			return nil, nil
		}
		next.switched(by, changes, s.Now().UTC())
		next.version = version + 1
		body, err := json.Marshal(next)
		if err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
		return &activity.Deed{
			Kind: "settings.changed", Subject: "settings", Text: "Changed the settings", Changes: changes,
			Ops: []store.Op{store.Put(store.Item{Key: settingsKey, Version: version, Kind: ItemKind, Body: body}).
				Else(fault.Stale.Errorf("the settings were changed meanwhile; read them again"))},
		}, nil
	})
	return next, err
}

// switched notes who decided what happens on acceptance; nobody while nothing does.
func (s *Settings) switched(by activity.By, changes []activity.Change, at time.Time) {
	if s.OnAcceptance == "" || s.OnAcceptance == AcceptNothing {
		s.OnAcceptanceBy = nil
		return
	}
	for _, c := range changes {
		if c.Field == "onAcceptance" || c.Field == "acceptanceDeposit" {
			s.OnAcceptanceBy = &Switch{MemberID: by.ID, Name: by.Name, At: at}
		}
	}
}

// billingFields are edited by owner and billing, all others by owner and admin (rules.md §9).
var billingFields = map[string]bool{
	"onlineMethods": true,
	"numbering":     true, "dueDays": true, "validDays": true, "pricesIncludeTax": true, "voidSent": true,
	"keepCredit": true, "paymentTerms": true, "terms": true, "bank": true, "taxId": true, "onAcceptance": true, "acceptanceDeposit": true,
}

// controlFields say what may be done without a second person, which an owner alone decides.
var controlFields = map[string]bool{"voidByTwo": true, "smallBalance": true}

func allowed(by activity.By, changes []activity.Change) error {
	need := member.OrganisationEdit
	if len(changes) == 0 {
		return member.May(by, need)
	}
	for _, c := range changes {
		need = member.OrganisationEdit
		switch {
		case billingFields[c.Field]:
			need = member.TaxWrite
		case controlFields[c.Field]:
			need = member.ControlWrite
		}
		if err := member.May(by, need); err != nil {
			return err
		}
	}
	return nil
}

// differences lists the changed fields by their JSON names.
func differences(a, b Settings) ([]activity.Change, error) {
	x, err := fields(a)
	if err != nil {
		return nil, err
	}
	y, err := fields(b)
	if err != nil {
		return nil, err
	}
	var out []activity.Change
	for _, name := range fieldOrder {
		if string(x[name]) != string(y[name]) {
			out = append(out, activity.Change{Field: name, From: plain(x[name]), To: plain(y[name])})
		}
	}
	return out, nil
}

var fieldOrder = []string{
	"onlineMethods",
	"name", "address", "timeZone", "currency", "locale", "taxId", "email", "phone", "website", "accent", "logo", "logoSha256", "footer",
	"numbering", "dueDays", "validDays", "pricesIncludeTax", "voidSent", "voidByTwo", "smallBalance", "keepCredit", "paymentTerms", "terms", "bank", "onAcceptance", "acceptanceDeposit",
	"slug", "inquiryOwnerId", "recordOwnerId", "customFields", "dealStages",
}

func fields(s Settings) (map[string]json.RawMessage, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	out := map[string]json.RawMessage{}
	return out, json.Unmarshal(raw, &out)
}

func plain(raw json.RawMessage) string { return strings.Trim(string(raw), `"`) }

var (
	accentForm  = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
	slugForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	numberForm  = regexp.MustCompile(`^[A-Za-z0-9 ./_-]*(\{year\}[A-Za-z0-9 ./_-]*)?\{n[1-9]?\}[A-Za-z0-9 ./_-]*$`)
)

func (s *Settings) check() error {
	var f fault.Fields
	s.Name = strings.TrimSpace(s.Name)
	if s.Name == "" || len([]rune(s.Name)) > 200 {
		f.Add("name", "invalid", "a name of 1 to 200 characters is needed")
	}
	if strings.ContainsFunc(s.Name, unicode.IsControl) {
		f.Add("name", "invalid", "the name is one line of text")
	}
	if _, err := civil.Zone(s.TimeZone); err != nil {
		f.Add("timeZone", "invalid", "%q is not an IANA time zone such as Europe/Berlin", s.TimeZone)
	}
	if _, err := money.Exponent(s.Currency); err != nil {
		f.Add("currency", "invalid", "%q is not an ISO 4217 currency", s.Currency)
	}
	if s.Locale != "en" && s.Locale != "de" {
		f.Add("locale", "invalid", "documents are written in en or de")
	}
	if s.Address.Country != "" && !countryForm.MatchString(s.Address.Country) {
		f.Add("address.country", "invalid", "a country has two capital letters (ISO 3166)")
	}
	if !accentForm.MatchString(s.Accent) {
		f.Add("accent", "invalid", "a colour looks like #1f5fbf")
	}
	for _, n := range []struct{ field, form string }{
		{"numbering.invoice", s.Numbering.Invoice}, {"numbering.estimate", s.Numbering.Estimate},
	} {
		if len(n.form) > 40 || !numberForm.MatchString(n.form) {
			f.Add(n.field, "invalid", "a numbering holds {n} or {n4} once, perhaps {year} before it, e.g. {year}-{n4}")
		}
	}
	terms, err := s.Terms.Stated()
	if err := f.Join("terms", err); err != nil {
		return err
	}
	s.Terms = terms
	if s.DueDays < 0 || s.DueDays > 365 {
		f.Add("dueDays", "invalid", "dueDays is 0 to 365")
	}
	if len(s.OnlineMethods) == 0 {
		s.OnlineMethods = slices.Clone(onlineMethods)
	}
	seen := map[string]bool{}
	for n, m := range s.OnlineMethods {
		if !slices.Contains(onlineMethods, m) || seen[m] {
			f.Add(fmt.Sprintf("onlineMethods[%d]", n), "invalid", "the methods are %s, each once", strings.Join(onlineMethods, ", "))
		}
		seen[m] = true
	}
	if !seen["card"] {
		f.Add("onlineMethods", "invalid", "a card can always be paid with: keep card among the methods")
	}
	if s.SmallBalance < 0 || money.Check(s.SmallBalance) != nil {
		f.Add("smallBalance", "invalid", "smallBalance is zero or more, in the smallest unit of the currency")
	}
	if s.ValidDays < 1 || s.ValidDays > 365 {
		f.Add("validDays", "invalid", "validDays is 1 to 365")
	}
	for _, t := range []struct {
		field, text string
		max         int
	}{
		{"address.line1", s.Address.Line1, 200}, {"address.line2", s.Address.Line2, 200}, {"address.city", s.Address.City, 100},
		{"address.region", s.Address.Region, 100}, {"address.postalCode", s.Address.PostalCode, 20}, {"taxId", s.TaxID, 40},
		{"phone", s.Phone, 40}, {"website", s.Website, 200}, {"footer", s.Footer, 600}, {"paymentTerms", s.PaymentTerms, 1000},
		{"logo", s.Logo, 200}, {"email", s.Email, 254},
	} {
		if len([]rune(t.text)) > t.max {
			f.Add(t.field, "too_long", "%s has at most %d characters", t.field, t.max)
		}
		if t.field != "footer" && t.field != "paymentTerms" && strings.ContainsFunc(t.text, unicode.IsControl) {
			f.Add(t.field, "invalid", "%s is one line of text", t.field)
		}
	}
	if s.Bank != nil {
		b := *s.Bank
		b.check(&f)
		s.Bank = &b
	}
	if a, err := mail.ParseAddress(s.Email); s.Email != "" && (err != nil || a.Address != s.Email) {
		f.Add("email", "invalid", "%q is not an e-mail address", s.Email)
	}
	if len(s.Slug) > 60 || s.Slug != "" && !slugForm.MatchString(s.Slug) {
		f.Add("slug", "invalid", "a slug has small letters, digits and single dashes between them, at most 60, such as studio-nord")
	}
	if len(s.RecordOwnerID) > 60 {
		f.Add("recordOwnerId", "invalid", "this is no member")
	}
	if len(s.InquiryOwnerID) > 60 {
		f.Add("inquiryOwnerId", "invalid", "this is no member")
	}
	s.checkCustom(&f)
	s.checkStages(&f)
	switch s.OnAcceptance {
	case "", AcceptNothing, AcceptDraft, AcceptIssue, AcceptSend:
	default:
		f.Add("onAcceptance", "invalid", "on acceptance nothing, draft, issue or send")
	}
	if d := s.AcceptanceDeposit; d.Given() && (d.Sign() <= 0 || d.Rat().Cmp(big.NewRat(100, 1)) > 0) {
		f.Add("acceptanceDeposit", "out_of_range", "a deposit here is above 0 and at most 100 per cent")
	}
	if s.Website != "" && !strings.HasPrefix(s.Website, "https://") && !strings.HasPrefix(s.Website, "http://") {
		f.Add("website", "invalid", "a website begins with https://")
	}
	return f.Err()
}
