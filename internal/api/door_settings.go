package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/approval"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/issue"
	"onebook/internal/letter"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/store"
	"onebook/internal/upload"
)

// Settings serves the organisation itself: settings, tax rules, members, issues and the audit trail.
type Settings struct {
	Table   store.Table
	Records *activity.Records
	Org     *org.Service
	Members *member.Service
	Desk    *issue.Desk
	Second  *approval.Desk
	Letters *letter.Desk
	Uploads *upload.Service
	Now     func() time.Time
}

// Door opens it.
func (s Settings) Door() Door { return Door{Name: "settings", Routes: s.routes} }

func (s Settings) routes(r *Router) {
	s.settingsRoutes(r)
	s.taxRoutes(r)
	s.locationRoutes(r)
	s.memberRoutes(r)
	s.issueRoutes(r)
	s.approvalRoutes(r)
	s.uploadRoutes(r)
	one := func(p pageOfOne) (string, Page) { return p.ID, p.Page }
	orgHistory(s.Records, r, Op{ID: "settingsHistory", Path: "/settings/history", Summary: "What was changed of the settings, by whom, newest first."},
		func(p Page) (string, Page) { return "settings", p })
	orgHistory(s.Records, r, Op{ID: "memberHistory", Path: "/members/{id}/history", Summary: "What was changed of a member, by whom, and what the member was refused, newest first."}, one)
	orgHistory(s.Records, r, Op{ID: "taxRuleHistory", Path: "/tax-rules/{id}/history", Summary: "When a tax rule was made and taken away, and by whom."}, one)
	orgHistory(s.Records, r, Op{ID: "locationHistory", Path: "/locations/{id}/history", Summary: "What was changed of a location, by whom, newest first."}, one)
	orgHistory(s.Records, r, Op{ID: "issueHistory", Path: "/issues/{id}/history", Summary: "What people decided about an issue, newest first."}, one)
	orgHistory(s.Records, r, Op{ID: "audit", Path: "/audit", Summary: "What was done to the organisation itself, newest first: settings, tax, members, issues, and attempts that were refused."},
		func(p Page) (string, Page) { return "", p })
	Read(r, Op{ID: "verifyAudit", Path: "/audit/verify", Summary: "Whether a history is as it was written.",
		About: "Of a contact, or of the organisation in one month, this month unless given. An entry that was changed, removed, reordered or added makes it not intact."}, s.verify)
}

type addressForm struct {
	Line1      string `json:"line1,omitempty" maxLength:"200"`
	Line2      string `json:"line2,omitempty" maxLength:"200"`
	City       string `json:"city,omitempty" maxLength:"100"`
	Region     string `json:"region,omitempty" maxLength:"100"`
	PostalCode string `json:"postalCode,omitempty" maxLength:"20"`
	Country    string `json:"country,omitempty" maxLength:"2" doc:"ISO 3166-1 alpha-2"`
}

type numberingForm struct {
	Invoice  string `json:"invoice" maxLength:"40"`
	Estimate string `json:"estimate" maxLength:"40"`
}

// termsForm are the terms that a client agrees to with an estimate.
type termsForm struct {
	Text    string `json:"text" maxLength:"20000"`
	Version string `json:"version,omitempty" maxLength:"40" doc:"by which people speak of them; made of the text unless given"`
}

func termsOf(t *org.Terms) *termsForm {
	if t == nil || t.Text == "" {
		return nil
	}
	f := termsForm(*t)
	return &f
}

// SettingsForm is what people edit of the organisation.
type SettingsForm struct {
	Name             string        `json:"name" minLength:"1" maxLength:"200"`
	Address          addressForm   `json:"address"`
	TimeZone         string        `json:"timeZone" maxLength:"60" doc:"IANA; decides what day it is"`
	Currency         string        `json:"currency" format:"currency"`
	Locale           string        `json:"locale" enum:"en,de" doc:"of documents and letters"`
	TaxID            string        `json:"taxId,omitempty" maxLength:"40"`
	Email            string        `json:"email,omitempty" maxLength:"254" doc:"where replies to letters go"`
	Phone            string        `json:"phone,omitempty" maxLength:"40"`
	Website          string        `json:"website,omitempty" maxLength:"200"`
	Accent           string        `json:"accent" doc:"colour of documents, #rrggbb"`
	Logo             string        `json:"logo,omitempty" maxLength:"200" doc:"an uploadId of POST /uploads; reads as what it became, and null takes it away"`
	Footer           string        `json:"footer,omitempty" maxLength:"600"`
	Numbering        numberingForm `json:"numbering" doc:"{n} is the counter, {n4} with at least four digits; with {year} it begins at 1 each year"`
	DueDays          int           `json:"dueDays" minimum:"0" maximum:"365"`
	ValidDays        int           `json:"validDays" minimum:"1" maximum:"365" doc:"of estimates"`
	PricesIncludeTax bool          `json:"pricesIncludeTax,omitempty"`
	VoidSent         bool          `json:"voidSent,omitempty" doc:"invoices that were sent may be voided"`
	OnlineMethods    []string      `json:"onlineMethods,omitempty" doc:"that payment pages offer: card always, us_bank_account for USD, sepa_debit for EUR; all of them unless given"`
	PaymentTerms     string        `json:"paymentTerms,omitempty" maxLength:"1000"`
	Bank             *bankForm     `json:"bank,omitempty" doc:"where clients transfer to; stands on invoices issued from then on"`
	Terms            *termsForm    `json:"terms,omitempty" doc:"what clients agree to with an estimate; another text needs another version"`
	VoidByTwo        bool          `json:"voidByTwo,omitempty" doc:"voiding a sent invoice takes two persons; owners decide this"`
	SmallBalance     int64         `json:"smallBalance,omitempty" minimum:"0" format:"minor" doc:"what one person may write off alone, in the organisation's currency; owners decide this"`
	KeepCredit       bool          `json:"keepCredit,omitempty" doc:"what a client paid too much waits for a person; otherwise it pays the client's next invoice when that is issued"`

	OnAcceptance      string        `json:"onAcceptance,omitempty" enum:"nothing,draft,issue,send" doc:"what happens by itself when a client accepts an estimate: an order and a draft, issued, sent; nothing unless given"`
	AcceptanceDeposit money.Decimal `json:"acceptanceDeposit,omitzero" doc:"per cent of the total that is billed then; all unless given"`

	Slug           string            `json:"slug,omitempty" maxLength:"60" doc:"of public pages, such as /q/studio-nord; made of the name, and changing with it, until one is set"`
	InquiryOwnerID string            `json:"inquiryOwnerId,omitempty" maxLength:"60" doc:"the member who answers inquiries; the owner unless given"`
	RecordOwnerID  string            `json:"recordOwnerId,omitempty" maxLength:"60" doc:"the member who looks after the record's health: issues that nobody was given are theirs"`
	CustomFields   []customFieldForm `json:"customFields,omitempty" doc:"of contacts, at most 20; values under a key that is taken away stay readable"`
	DealStages     []stageForm       `json:"dealStages,omitempty" minItems:"1" maxItems:"20" doc:"of open deals, in their order; one in which a deal stands cannot be taken away"`
}

type bankForm struct {
	AccountHolder     string `json:"accountHolder" minLength:"1" maxLength:"70" doc:"as the bank has it"`
	IBAN              string `json:"iban" maxLength:"60" doc:"ISO 13616, in groups or not; its check digits must fit"`
	BIC               string `json:"bic,omitempty" maxLength:"20" doc:"ISO 9362"`
	BankName          string `json:"bankName,omitempty" maxLength:"70"`
	CreditorReference bool   `json:"creditorReference,omitempty" doc:"clients quote an ISO 11649 reference made of the invoice's number instead of the number"`
}

type customFieldForm struct {
	Key      string   `json:"key" minLength:"1" maxLength:"40" doc:"under which a contact's custom has the value"`
	Label    string   `json:"label" minLength:"1" maxLength:"100"`
	Kind     string   `json:"kind" enum:"text,number,date,choice,yesno" doc:"values are text: a number such as 12.5, a date such as 2026-03-31, one of the choices, yes or no"`
	Choices  []string `json:"choices,omitempty" doc:"of a choice"`
	Required bool     `json:"required,omitempty" doc:"of members who add a contact; what comes in by itself may lack it, which its quality tells"`
}

type stageForm struct {
	Key         string `json:"key" minLength:"1" maxLength:"40" doc:"by which deals name it; it stays when the name changes"`
	Name        string `json:"name" minLength:"1" maxLength:"100"`
	Probability int    `json:"probability" minimum:"0" maximum:"100" doc:"per cent, of a deal that has none of its own"`
}

type settingsView struct {
	SettingsForm
	LogoSHA256     string      `json:"logoSha256,omitempty" doc:"of the logo's image; absent when there is none"`
	OnAcceptanceBy *org.Switch `json:"onAcceptanceBy,omitempty" doc:"who switched on what happens on acceptance"`
	Version        int64       `json:"version"`
}

func settingsOf(x org.Settings) settingsView {
	return settingsView{LogoSHA256: x.LogoSHA256, OnAcceptanceBy: x.OnAcceptanceBy, Version: x.Version() + 1, SettingsForm: SettingsForm{
		Name: x.Name, Address: addressForm(x.Address), TimeZone: x.TimeZone, Currency: x.Currency, Locale: x.Locale, TaxID: x.TaxID,
		Email: x.Email, Phone: x.Phone, Website: x.Website, Accent: x.Accent, Logo: x.Logo, Footer: x.Footer, Numbering: numberingForm(x.Numbering),
		DueDays: x.DueDays, ValidDays: x.ValidDays, PricesIncludeTax: x.PricesIncludeTax, VoidSent: x.VoidSent, OnlineMethods: x.OnlineMethods, PaymentTerms: x.PaymentTerms,
		KeepCredit: x.KeepCredit, VoidByTwo: x.VoidByTwo, SmallBalance: x.SmallBalance,
		OnAcceptance: x.OnAcceptance, AcceptanceDeposit: x.AcceptanceDeposit,
		Terms: termsOf(&x.Terms), Slug: x.PublicSlug(), InquiryOwnerID: x.InquiryOwnerID, RecordOwnerID: x.RecordOwnerID, Bank: (*bankForm)(x.Bank),
		CustomFields: each(x.CustomFields, func(c org.CustomField) customFieldForm { return customFieldForm(c) }),
		DealStages:   each(x.DealStages, func(s org.Stage) stageForm { return stageForm(s) }),
	}}
}

// logo takes an upload that is named as the new logo; what was there stays, and nothing takes it away.
func (s Settings) logo(ctx context.Context, f SettingsForm, x *org.Settings) error {
	switch f.Logo {
	case x.Logo:
		return nil
	case "":
		x.Logo, x.LogoSHA256 = "", ""
		return nil
	}
	key, sum, err := s.Uploads.TakeLogo(ctx, f.Logo)
	x.Logo, x.LogoSHA256 = key, sum
	return err
}

// apply puts what was edited into the settings.
func (f SettingsForm) apply(x org.Settings) org.Settings {
	if f.Slug != x.PublicSlug() { // what is shown may be made of the name
		x.Slug = f.Slug
	}
	x.Name, x.Address, x.TimeZone, x.Currency, x.Locale = f.Name, org.Address(f.Address), f.TimeZone, f.Currency, f.Locale
	x.TaxID, x.Email, x.Phone, x.Website, x.Accent, x.Footer = f.TaxID, f.Email, f.Phone, f.Website, f.Accent, f.Footer
	x.Numbering, x.DueDays, x.ValidDays = org.Numbering(f.Numbering), f.DueDays, f.ValidDays
	x.PricesIncludeTax, x.VoidSent, x.PaymentTerms, x.KeepCredit = f.PricesIncludeTax, f.VoidSent, f.PaymentTerms, f.KeepCredit
	x.VoidByTwo, x.SmallBalance = f.VoidByTwo, f.SmallBalance
	x.OnAcceptance, x.AcceptanceDeposit = f.OnAcceptance, f.AcceptanceDeposit
	x.Terms = org.Terms{}
	if f.Terms != nil {
		x.Terms = org.Terms(*f.Terms)
	}
	x.InquiryOwnerID, x.RecordOwnerID, x.Bank = f.InquiryOwnerID, f.RecordOwnerID, (*org.Bank)(f.Bank)
	x.OnlineMethods = f.OnlineMethods
	x.CustomFields = each(f.CustomFields, func(c customFieldForm) org.CustomField { return org.CustomField(c) })
	x.DealStages = each(f.DealStages, func(s stageForm) org.Stage { return org.Stage(s) })
	return x
}

// settings reads them. Revision 1 is the defaults that nobody has saved yet, so that they too have an ETag to name.
func (s Settings) settings(ctx context.Context) (settingsView, Tag, error) {
	x, err := s.Org.Get(ctx)
	v := settingsOf(x)
	return v, Tag{Rev: v.Version}, err
}

func (s Settings) settingsRoutes(r *Router) {
	Read(r, Op{ID: "getSettings", Path: "/settings", Summary: "The organisation."},
		func(ctx context.Context, _ activity.By, _ *Request[None, None]) (settingsView, Tag, error) {
			return s.settings(ctx)
		})
	Patch(r, Op{ID: "editSettings", Path: "/settings", Summary: "Change the organisation.",
		About: "Tax, numbering and terms are for owner and billing, all else for owner and admin."}, Change[None, SettingsForm, settingsView]{
		Now: func(ctx context.Context, _ activity.By, _ *Request[None, SettingsForm]) (SettingsForm, Tag, error) {
			v, tag, err := s.settings(ctx)
			return v.SettingsForm, tag, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[None, SettingsForm]) error {
			x, err := s.Org.Get(ctx)
			if err != nil {
				return err
			}
			if err := s.people(ctx, req.Body, x); err != nil {
				return err
			}
			if err := s.logo(ctx, req.Body, &x); err != nil {
				return err
			}
			_, err = s.Org.Update(ctx, by, req.Rev-1, req.Body.apply(x))
			return err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, SettingsForm]) (settingsView, Tag, error) {
			return s.settings(ctx)
		},
	})
}

// TaxRuleForm is what a person says of a tax rule.
type TaxRuleForm struct {
	TaxClass   string        `json:"taxClass" minLength:"1" maxLength:"40"`
	LocationID string        `json:"locationId,omitempty" maxLength:"60" doc:"everywhere unless given"`
	Name       string        `json:"name,omitempty" maxLength:"40" doc:"as documents print it, such as VAT; rules of several names apply together"`
	Category   string        `json:"category" enum:"S,Z,E,AE,K,G,O,L,M"`
	Rate       money.Decimal `json:"rate,omitzero" doc:"per cent; 0 unless given"`
	Reason     string        `json:"reason,omitempty" maxLength:"500" doc:"why there is no tax; printed, and needed for E, AE, K, G, O"`
	From       civil.Date    `json:"from" doc:"first day of supply that it applies to"`
}

type taxRuleView struct {
	ID string `json:"id"`
	TaxRuleForm
	Version int64 `json:"version"`
}

func taxRuleOf(t org.TaxRule) taxRuleView {
	return taxRuleView{ID: t.ID, Version: t.Version(), TaxRuleForm: TaxRuleForm{
		TaxClass: t.TaxClass, LocationID: t.LocationID, Name: t.Name, Category: t.Category, Rate: t.Rate, Reason: t.Reason, From: t.From,
	}}
}

func (s Settings) taxRule(ctx context.Context, ruleID string) (taxRuleView, Tag, error) {
	t, err := s.Org.TaxRule(ctx, ruleID)
	return taxRuleOf(t), Tag{Rev: t.Version()}, err
}

// people demands that the members who are named anew are there.
func (s Settings) people(ctx context.Context, f SettingsForm, x org.Settings) error {
	var wrong fault.Fields
	for _, m := range []struct{ field, now, was string }{
		{"inquiryOwnerId", f.InquiryOwnerID, x.InquiryOwnerID}, {"recordOwnerId", f.RecordOwnerID, x.RecordOwnerID},
	} {
		if m.now == "" || m.now == m.was {
			continue
		}
		if _, _, err := s.member(ctx, m.now); fault.KindOf(err) == fault.NotFound {
			wrong.Add(m.field, "not_found", "there is no such member")
		} else if err != nil {
			return err
		}
	}
	return wrong.Err()
}

func (s Settings) taxRoutes(r *Router) {
	Create(r, Op{ID: "createTaxRule", Path: "/tax-rules", Summary: "How a class is taxed from a day on.",
		About: "Rules are not edited: a new rate is a new rule with a later day."}, Deed[None, TaxRuleForm, taxRuleView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, TaxRuleForm]) (string, error) {
			b := req.Body
			t, err := s.Org.AddTaxRule(ctx, by, org.TaxRule{
				TaxClass: b.TaxClass, LocationID: b.LocationID, Name: b.Name, Category: b.Category, Rate: b.Rate, Reason: b.Reason, From: b.From,
			})
			return t.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, TaxRuleForm], ruleID string) (taxRuleView, Tag, error) {
			return s.taxRule(ctx, ruleID)
		},
	})
	List(r, Op{ID: "listTaxRules", Path: "/tax-rules", Summary: "Tax rules, in the order they were made."},
		func(ctx context.Context, _ activity.By, req *Request[Page, None]) ([]taxRuleView, string, error) {
			all, err := s.Org.TaxRules(ctx)
			if err != nil {
				return nil, "", err
			}
			some, next, err := window(all, func(t org.TaxRule) string { return t.ID }, req.Params)
			out := make([]taxRuleView, 0, len(some))
			for _, t := range some {
				out = append(out, taxRuleOf(t))
			}
			return out, next, err
		})
	Read(r, Op{ID: "getTaxRule", Path: "/tax-rules/{id}", Summary: "One tax rule."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (taxRuleView, Tag, error) {
			return s.taxRule(ctx, req.Params.ID)
		})
	Remove(r, Op{ID: "removeTaxRule", Path: "/tax-rules/{id}", Summary: "Take a rule away; documents keep the tax they have."}, Removal[idParam]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			return s.taxRule(ctx, req.Params.ID)
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) error {
			return s.Org.RemoveTaxRule(ctx, by, req.Params.ID, req.Rev)
		},
	})
}

type auditParams struct {
	ContactID string `query:"contactId" maxLength:"60"`
	Month     string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" patternDescription:"a month such as 2026-01" doc:"of the organisation's history; this month unless given"`
}

type auditView struct {
	Intact  bool   `json:"intact"`
	Entries int64  `json:"entries" doc:"how many were found in order"`
	Head    string `json:"head,omitempty" doc:"hash of the last entry: keep it to compare later"`
	Problem string `json:"problem,omitempty" doc:"the first entry that is wrong, and why"`
}

func (s Settings) verify(ctx context.Context, by activity.By, req *Request[auditParams, None]) (auditView, Tag, error) {
	if err := member.May(by, member.AuditVerify); err != nil {
		return auditView{}, Tag{}, err
	}
	p := req.Params
	if p.ContactID != "" && p.Month != "" {
		return auditView{}, Tag{}, fault.InField("month", "invalid", "give contactId or month, not both")
	}
	if err := ofContact(p.ContactID); err != nil {
		return auditView{}, Tag{}, err
	}
	chain := activity.OrgChain(s.Now())
	switch {
	case p.ContactID != "":
		chain = activity.ContactChain(p.ContactID)
	case p.Month != "":
		at, err := time.Parse("2006-01", p.Month)
		if err != nil {
			return auditView{}, Tag{}, fault.InField("month", "format", "month must be a month such as 2026-01")
		}
		chain = activity.OrgChain(at)
	}
	h, err := s.Records.Head(ctx, chain)
	if err != nil {
		return auditView{}, Tag{}, err
	}
	if p.ContactID != "" && h.Seq == 0 {
		return auditView{}, Tag{}, fault.NotFound.Errorf("there is no such contact")
	}
	n, err := s.Records.Verify(ctx, chain)
	switch {
	case fault.KindOf(err) == fault.Unready: // the answer to what was asked, not a failure to answer
		return auditView{Entries: n, Problem: err.Error()}, Tag{}, nil
	case err != nil:
		return auditView{}, Tag{}, err
	}
	return auditView{Intact: true, Entries: n, Head: h.Hash}, Tag{}, nil
}

// UploadForm is what a client says of a file that it wants to put.
type UploadForm struct {
	Purpose string `json:"purpose" enum:"logo"`
	Bytes   int64  `json:"bytes" minimum:"1" maximum:"1048576"`
	SHA256  string `json:"sha256" minLength:"64" maxLength:"64" doc:"of the file, in hexadecimal"`
}

type uploadView struct {
	UploadID  string            `json:"uploadId"`
	URL       string            `json:"url" doc:"takes one PUT with exactly the headers below"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expiresAt"`
}

func (s Settings) uploadRoutes(r *Router) {
	Create(r, Op{ID: "createUpload", Path: "/uploads", Summary: "An address to put a file at."}, Deed[None, UploadForm, uploadView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, UploadForm]) (string, error) {
			return s.Uploads.Begin(ctx, by, req.Body.Purpose, req.Body.Bytes, req.Body.SHA256)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, UploadForm], uploadID string) (uploadView, Tag, error) {
			p, err := s.Uploads.Place(ctx, uploadID)
			return uploadView(p), Tag{Rev: 1}, err
		},
	})
}
