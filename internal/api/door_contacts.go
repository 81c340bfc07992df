package api

import (
	"context"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/contact"
	"onebook/internal/estimate"
	"onebook/internal/invoice"
	"onebook/internal/org"
	"onebook/internal/search"
	"onebook/internal/store"
)

// Contacts serves the contacts.
type Contacts struct {
	Table    store.Table
	Org      *org.Service
	Records  *activity.Records
	Contacts *contact.Service
	Search   *search.Service
}

func (s Contacts) books() books { return books{table: s.Table, records: s.Records, org: s.Org} }

// Door opens it.
func (s Contacts) Door() Door { return Door{Name: "contacts", Routes: s.routes} }

type emailForm struct {
	Address string `json:"address" maxLength:"1000"`
	Use     string `json:"use,omitempty" enum:"own,shared" doc:"own addresses are unique and match; role addresses such as info@ are shared unless said otherwise"`
}

type phoneForm struct {
	Number string `json:"number" maxLength:"40" doc:"national ones are read in the country of the address, else in the organisation's"`
}

type humanForm struct {
	Name     string      `json:"name" minLength:"1" maxLength:"200"`
	Role     string      `json:"role,omitempty" maxLength:"100"`
	Emails   []emailForm `json:"emails,omitempty"`
	Phones   []phoneForm `json:"phones,omitempty"`
	Receives []string    `json:"receives,omitempty" enum:"invoices,estimates,visits"`
}

// contactForm is what people edit of a contact.
type contactForm struct {
	Kind        string            `json:"kind" enum:"person,company"`
	Name        string            `json:"name" minLength:"1" maxLength:"200"`
	GivenName   string            `json:"givenName,omitempty" maxLength:"100"`
	FamilyName  string            `json:"familyName,omitempty" maxLength:"100"`
	Company     string            `json:"company,omitempty" maxLength:"200" doc:"where a person works"`
	Emails      []emailForm       `json:"emails,omitempty"`
	Phones      []phoneForm       `json:"phones,omitempty"`
	Address     *addressForm      `json:"address,omitempty"`
	TaxID       string            `json:"taxId,omitempty" maxLength:"40"`
	TimeZone    string            `json:"timeZone,omitempty" maxLength:"60" doc:"IANA; the organisation's unless given"`
	Locale      string            `json:"locale,omitempty" maxLength:"35" doc:"BCP 47; the organisation's unless given"`
	Currency    string            `json:"currency,omitempty" format:"currency" doc:"the organisation's unless given"`
	Tags        []string          `json:"tags,omitempty"`
	Source      string            `json:"source,omitempty" maxLength:"100" doc:"where the contact came from"`
	ExternalIDs map[string]string `json:"externalIds,omitempty" doc:"by system; unique, and they match like an own e-mail address"`
	Custom      map[string]string `json:"custom,omitempty"`
	People      []humanForm       `json:"people,omitempty" doc:"of a company"`
}

func (f contactForm) input() contact.Input {
	in := contact.Input{
		Kind: f.Kind, Name: f.Name, GivenName: f.GivenName, FamilyName: f.FamilyName, Company: f.Company, Emails: emailsOf(f.Emails),
		Phones: phonesOf(f.Phones), TaxID: f.TaxID, TimeZone: f.TimeZone, Locale: f.Locale, Currency: f.Currency, Tags: f.Tags,
		Source: f.Source, ExternalIDs: f.ExternalIDs, Custom: f.Custom,
	}
	if f.Address != nil {
		in.Address = org.Address(*f.Address)
	}
	for _, h := range f.People {
		in.People = append(in.People, contact.HumanInput{
			Name: h.Name, Role: h.Role, Emails: emailsOf(h.Emails), Phones: phonesOf(h.Phones), Receives: h.Receives,
		})
	}
	return in
}

func emailsOf(fs []emailForm) []contact.EmailInput {
	var out []contact.EmailInput
	for _, f := range fs {
		out = append(out, contact.EmailInput(f))
	}
	return out
}

func phonesOf(fs []phoneForm) []contact.PhoneInput {
	var out []contact.PhoneInput
	for _, f := range fs {
		out = append(out, contact.PhoneInput(f))
	}
	return out
}

// contactFormOf is the editable form of a contact.
func contactFormOf(c contact.Contact) contactForm {
	in := c.Input()
	f := contactForm{
		Kind: in.Kind, Name: in.Name, GivenName: in.GivenName, FamilyName: in.FamilyName, Company: in.Company, TaxID: in.TaxID,
		TimeZone: in.TimeZone, Locale: in.Locale, Currency: in.Currency, Tags: in.Tags, Source: in.Source,
		ExternalIDs: in.ExternalIDs, Custom: in.Custom,
	}
	if in.Address != (org.Address{}) {
		a := addressForm(in.Address)
		f.Address = &a
	}
	for _, e := range in.Emails {
		f.Emails = append(f.Emails, emailForm(e))
	}
	for _, p := range in.Phones {
		f.Phones = append(f.Phones, phoneForm(p))
	}
	for _, h := range in.People {
		hf := humanForm{Name: h.Name, Role: h.Role, Receives: h.Receives}
		for _, e := range h.Emails {
			hf.Emails = append(hf.Emails, emailForm(e))
		}
		for _, p := range h.Phones {
			hf.Phones = append(hf.Phones, phoneForm(p))
		}
		f.People = append(f.People, hf)
	}
	return f
}

// contactView is a contact as a list shows it, and one alone with its quality.
type contactView struct {
	contact.Contact
	Quality *contact.Quality `json:"quality,omitempty" doc:"of one contact, not in lists: 100 less the points of each problem"`
	Version int64            `json:"version"`
}

func (s Contacts) contact(ctx context.Context, contactID string) (contactView, Tag, error) {
	c, err := s.Contacts.Get(ctx, contactID)
	if err != nil {
		return contactView{}, Tag{}, err
	}
	q, err := s.Contacts.Quality(ctx, c)
	return contactView{Contact: c, Quality: &q, Version: c.Version()}, Tag{Rev: c.Version(), Seq: c.Seq()}, err
}

type contactFilter struct {
	Page
	Query string `query:"query" maxLength:"200" doc:"beginnings of names, company, e-mail address or telephone number, or a document's number"`
	State string `query:"state" enum:"active,archived" default:"active"`
}

type likeness struct {
	Name       string `json:"name,omitempty" maxLength:"200"`
	Email      string `json:"email,omitempty" maxLength:"1000"`
	Phone      string `json:"phone,omitempty" maxLength:"40"`
	ExternalID string `json:"externalId,omitempty" maxLength:"250" doc:"system:id"`
}

// standing is a deed after which the contact is shown as it stands then.
func (s Contacts) standing(do func(ctx context.Context, by activity.By, contactID string, version int64) (contact.Contact, error)) Deed[idParam, None, contactView] {
	return Deed[idParam, None, contactView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, None]) (string, error) {
			c, err := do(ctx, by, req.Params.ID, req.Rev)
			return c.ID, withoutCurrent(err)
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, None], contactID string) (contactView, Tag, error) {
			return s.contact(ctx, contactID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (any, Tag, error) {
			v, tag, err := s.contact(ctx, req.Params.ID)
			if err == nil {
				req.Params.ID = v.ID
			}
			return v, tag, err
		},
	}
}

func (s Contacts) routes(r *Router) {
	s.mergeRoutes(r)
	Create(r, Op{ID: "createContact", Path: "/contacts", Summary: "A new contact.",
		About: "409 exists with contactId when an own e-mail address or an external id belongs to somebody."}, Deed[None, contactForm, contactView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, contactForm]) (string, error) {
			c, err := s.Contacts.Create(ctx, by, req.Body.input())
			return c.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, contactForm], contactID string) (contactView, Tag, error) {
			return s.contact(ctx, contactID)
		},
	})
	List(r, Op{ID: "listContacts", Path: "/contacts", Summary: "Contacts, newest first, or those that a query finds.",
		About: "With query a page may hold fewer than limit and still have a cursor. A query is the beginning of a name, a company, an address, a telephone number or a document's number."},
		func(ctx context.Context, _ activity.By, req *Request[contactFilter, None]) ([]contactView, string, error) {
			cs, next, err := s.Contacts.List(ctx, contact.State(req.Params.State), req.Params.Query, req.Params.Limit, req.Params.Cursor)
			out := make([]contactView, 0, len(cs))
			for _, c := range cs {
				out = append(out, contactView{Contact: c, Version: c.Version()})
			}
			return out, next, err
		})
	Compute(r, Op{ID: "matchContact", Path: "/contacts/match", Summary: "Which contact somebody is. Nothing is changed.",
		About: "A name alone is never a match."},
		func(ctx context.Context, _ activity.By, req *Request[None, likeness]) (contact.Outcome, error) {
			return s.Contacts.Match(ctx, contact.MatchInput(req.Body))
		})
	Read(r, Op{ID: "getContact", Path: "/contacts/{id}", Summary: "One contact, with what is owed and in hand.",
		About: "quality.score is 100 less the points of each problem, at least 0: no_email 30, no_country 15, shared_phone, invalid_phone, only_shared, no_people, nobody_receives 10, no_phone, unverified 5; each of custom_required 10, custom_invalid 5."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (contactView, Tag, error) {
			return s.contact(ctx, req.Params.ID)
		})
	Patch(r, Op{ID: "editContact", Path: "/contacts/{id}", Summary: "Change a contact.",
		About: "taxId, address, currency and who receives invoices are for owner, admin and billing, all else for owner, admin, booking and sales."}, Change[idParam, contactForm, contactView]{
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, contactForm]) (contactForm, Tag, error) {
			c, err := s.Contacts.Get(ctx, req.Params.ID)
			if err == nil {
				req.Params.ID = c.ID // the record that the patch is applied to, should it be merged in the next moment
			}
			return contactFormOf(c), Tag{Rev: c.Version()}, err
		},
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, contactForm]) error {
			_, err := s.Contacts.Update(ctx, by, req.Params.ID, req.Rev, req.Body.input())
			return withoutCurrent(err)
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, contactForm]) (contactView, Tag, error) {
			return s.contact(ctx, req.Params.ID)
		},
	})
	Act(r, Op{ID: "archiveContact", Path: "/contacts/{id}/archive", Summary: "Take a contact out of lists and searches.",
		About: "Its history, its documents and its keys stay: its address still finds it. Nothing new is made for it until it is restored."}, s.standing(s.Contacts.Archive))
	Act(r, Op{ID: "restoreContact", Path: "/contacts/{id}/restore", Summary: "Bring an archived contact back."}, s.standing(s.Contacts.Restore))
	List(r, Op{ID: "contactTimeline", Path: "/contacts/{id}/timeline", Summary: "What happened with a contact, newest first."},
		func(ctx context.Context, _ activity.By, req *Request[pageOfOne, None]) ([]contact.Event, string, error) {
			return s.Contacts.Timeline(ctx, req.Params.ID, req.Params.Limit, req.Params.Cursor)
		})
	s.books().history(r, "contact", "/contacts", "ct")
	s.searchRoute(r)
	List(r, Op{ID: "contactDocuments", Path: "/contacts/{id}/documents", Summary: "Estimates and invoices of a contact, newest first."}, s.documents)
}

type pageOfOne struct {
	Page
	idParam
}

type documentView struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"estimate,invoice"`
	Number    string     `json:"number,omitempty"`
	Status    string     `json:"status"`
	Display   string     `json:"display" doc:"the word that people read"`
	Currency  string     `json:"currency"`
	Total     int64      `json:"total" format:"minor"`
	Due       int64      `json:"due" format:"minor"`
	IssuedOn  civil.Date `json:"issuedOn,omitzero"`
	DueOn     civil.Date `json:"dueOn,omitzero"`
	Until     civil.Date `json:"validUntil,omitzero"`
	SentAt    *time.Time `json:"sentAt,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
	PDFReady  bool       `json:"pdfReady"`
}

// documents lists what was made for a contact and for those merged into it, as one list.
func (s Contacts) documents(ctx context.Context, _ activity.By, req *Request[pageOfOne, None]) ([]documentView, string, error) {
	if _, err := s.Contacts.Get(ctx, req.Params.ID); err != nil {
		return nil, "", err
	}
	family, err := s.Contacts.Records.Family(ctx, req.Params.ID)
	if err != nil {
		return nil, "", err
	}
	var qs []store.Query
	for _, c := range family {
		qs = append(qs, estimate.Of(c), invoice.Of(c))
	}
	today, err := s.books().today(ctx)
	if err != nil {
		return nil, "", err
	}
	out, cursor := []documentView{}, req.Params.Cursor
	for {
		// A page is taken no larger than what is still wanted, so that its cursor never passes over a document.
		items, next, err := store.Together(ctx, s.Table, qs, req.Params.Limit-len(out), cursor)
		if err != nil {
			return nil, "", err
		}
		more, err := s.shown(ctx, items, today)
		if err != nil {
			return nil, "", err
		}
		out = append(out, more...)
		if cursor = next; cursor == "" || len(out) >= req.Params.Limit {
			return out, cursor, nil
		}
	}
}

// shown turns the documents among items into what a list shows of them.
func (s Contacts) shown(ctx context.Context, items []store.Item, today civil.Date) ([]documentView, error) {
	var out []documentView
	var is []invoice.Invoice
	var at []int // where each invoice stands
	for _, it := range items {
		switch it.Kind {
		case estimate.ItemKind:
			e, err := estimate.Decode(it)
			if err != nil {
				return nil, err
			}
			state := string(e.StateOn(today))
			out = append(out, documentView{
				ID: e.ID, Kind: "estimate", Number: e.Number, Status: state, Display: state, Currency: e.Body.Currency,
				Total: e.Body.Totals.Total, Until: e.ValidUntil, SentAt: when(e.SentAt), CreatedAt: e.CreatedAt,
			})
		case invoice.ItemKind:
			i, err := invoice.Decode(it)
			if err != nil {
				return nil, err
			}
			is, at = append(is, i), append(at, len(out))
			out = append(out, documentView{})
		}
	}
	trs, err := s.books().tracks(ctx, is)
	if err != nil {
		return nil, err
	}
	for n, i := range is {
		out[at[n]] = documentView{
			ID: i.ID, Kind: "invoice", Number: i.Number, Status: string(i.State), Display: i.Display(today, trs[n]),
			Currency: i.Body.Currency, Total: i.Body.Totals.Total, Due: i.Due(), IssuedOn: i.IssuedOn, DueOn: i.DueOn,
			SentAt: when(i.SentAt), CreatedAt: i.CreatedAt, PDFReady: trs[n].PDF != nil,
		}
	}
	return out, nil
}
